import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { pipeline, Transform } from 'node:stream';
import type { Gzip } from 'node:zlib';
import { createGzip } from 'node:zlib';

/** Writes the failed records' receipts as a separate object while the receipts are read. No object if no record failed. */
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
      // `end` throws the failure; until then it must not be an unhandled rejection.
      this.#stored.catch(() => undefined);
    }
    this.#isFull = !this.#gzip.write(`${line}\n`);
  }

  /** Resolves when there is room for more. */
  async drained(): Promise<void> {
    if (!this.#gzip || !this.#isFull) return;
    // A failed store never drains: its failure ends the waiting.
    await Promise.race([once(this.#gzip, 'drain'), this.#stored]);
    this.#isFull = false;
  }

  /** Returns the SHA-256 of the stored object; null if none was stored. */
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
    // An error is thrown where the object is stored.
    return pipeline(gzip, tap, () => undefined);
  }

  /** Discards what was written so far. */
  abort(error: Error): void {
    this.#gzip?.destroy(error);
  }
}
