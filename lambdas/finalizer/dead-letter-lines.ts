import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { pipeline, Transform } from 'node:stream';
import type { Gzip } from 'node:zlib';
import { createGzip } from 'node:zlib';

/** The failed records' receipts as an object of their own, made while the receipts are read. None where none failed. */
export class DeadLetterLines {
  readonly #put: (body: Readable) => Promise<void>;
  #gzip: Gzip | undefined;
  #stored: Promise<void> = Promise.resolve();
  #isFull = false;
  readonly #hash = createHash('sha256');

  /** @param put stores the object; called with the first line */
  constructor(put: (body: Readable) => Promise<void>) {
    this.#put = put;
  }

  add(line: string): void {
    if (!this.#gzip) {
      this.#gzip = createGzip();
      this.#stored = this.#put(this.#hashed(this.#gzip));
      // Whoever ends it gets the failure; until then it must not be an unhandled rejection.
      this.#stored.catch(() => undefined);
    }
    this.#isFull = !this.#gzip.write(`${line}\n`);
  }

  /** Resolves when there is room for more. */
  async drained(): Promise<void> {
    if (!this.#gzip || !this.#isFull) return;
    // A store that fails takes nothing any more: its failure is what ends the waiting.
    await Promise.race([once(this.#gzip, 'drain'), this.#stored]);
    this.#isFull = false;
  }

  /** Gives the SHA-256 of the object that was stored; null if none was. */
  async end(): Promise<string | null> {
    this.#gzip?.end();
    await this.#stored;
    return this.#gzip ? this.#hash.digest('hex') : null;
  }

  #hashed(gzip: Gzip): Readable {
    const hash = this.#hash;
    const tap = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    // An error shows where the object is stored.
    return pipeline(gzip, tap, () => undefined);
  }

  /** What was made so far is not to be kept. */
  abort(error: Error): void {
    this.#gzip?.destroy(error);
  }
}
