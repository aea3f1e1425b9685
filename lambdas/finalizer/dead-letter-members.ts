import { gzipSync } from 'node:zlib';

/** Text of a gzip member. Bytes would do as well; characters are counted because that costs nothing. */
const memberCharacters = 1024 ** 2;

/**
 * Compresses the failed records' lines while the receipts are read. Each member is a gzip of its own, and several in a row
 * are one gzip: so what was compressed by one invocation is continued by the next.
 */
export class DeadLetterMembers {
  readonly #members: Buffer[] = [];
  #text = '';

  /** @param rest bytes of an earlier invocation that are not stored yet */
  constructor(rest?: Buffer) {
    if (rest && rest.length > 0) this.#members.push(rest);
  }

  add(line: string): void {
    this.#text += `${line}\n`;
    if (this.#text.length >= memberCharacters) this.#compress();
  }

  /** Everything that was added since it was last cleared. Empty if there is nothing. */
  bytes(): Buffer {
    if (this.#text !== '') this.#compress();
    return Buffer.concat(this.#members);
  }

  clear(): void {
    this.#members.length = 0;
  }

  #compress(): void {
    this.#members.push(gzipSync(this.#text));
    this.#text = '';
  }
}
