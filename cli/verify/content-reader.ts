import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

/** Reads a stream once, from its beginning, and hashes ranges of it on the way. */
export class ContentReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  /** Offset of the chunk's first byte. */
  #at = 0;
  #isOver = false;

  constructor(content: Readable) {
    this.#chunks = (content as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Of `length` bytes from `offset` on; undefined where there are not so many, or where it has been passed. */
  async sha256At(offset: number, length: number): Promise<string | undefined> {
    if (offset < this.#at) return undefined;
    const hash = createHash('sha256');
    let left = length;
    let from = offset;
    while (left > 0) {
      if (!(await this.#reach(from))) return undefined;
      const part = this.#chunk.subarray(from - this.#at, from - this.#at + left);
      hash.update(part);
      left -= part.length;
      from += part.length;
    }
    return hash.digest('hex');
  }

  /** Reads what is left, for whoever hashes the stream as a whole. */
  async toEnd(): Promise<void> {
    while (!this.#isOver) await this.#next();
  }

  async #reach(offset: number): Promise<boolean> {
    while (offset >= this.#at + this.#chunk.length) {
      if (this.#isOver) return false;
      await this.#next();
    }
    return true;
  }

  async #next(): Promise<void> {
    const next = await this.#chunks.next();
    this.#at += this.#chunk.length;
    this.#chunk = next.done === true ? Buffer.alloc(0) : next.value;
    this.#isOver = next.done === true;
  }
}
