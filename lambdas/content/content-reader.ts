import { createHash } from 'node:crypto';
import { sha256Of } from '../core/records/identity.ts';

/** Reads a stream once, from its beginning, and returns the bytes from the current position up to a requested one. */
export class ContentReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(content: AsyncIterable<Buffer>) {
    this.#chunks = content[Symbol.asyncIterator]();
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#at;
  }

  /** The bytes up to `end` if they are buffered: avoids a wait for each of millions of records. */
  take(end: number): Buffer | undefined {
    const length = end - this.#at;
    if (length < 0 || length > this.#chunk.length) return undefined;
    const part = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    this.#at = end;
    return part;
  }

  /** The bytes up to `end`, in parts; fewer if the stream ends. */
  async *to(end: number): AsyncGenerator<Buffer> {
    while (this.#at < end) {
      if (this.#chunk.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) return;
        this.#chunk = next.value;
      }
      const part = this.#chunk.subarray(0, end - this.#at);
      this.#chunk = this.#chunk.subarray(part.length);
      this.#at += part.length;
      if (part.length > 0) yield part;
    }
  }

  /** Skips the bytes up to `end`. */
  async skipTo(end: number): Promise<void> {
    for await (const _ of this.to(end));
  }

  /** The same, and their SHA-256 in hex with their first `keep` bytes. */
  async digestTo(end: number, keep: number): Promise<{ sha256: string; head: Buffer }> {
    const whole = this.take(end);
    if (whole) return { sha256: sha256Of(whole), head: whole.subarray(0, keep) };
    const hash = createHash('sha256');
    const kept: Buffer[] = [];
    let left = keep;
    for await (const part of this.to(end)) {
      hash.update(part);
      if (left > 0) kept.push(part.subarray(0, left));
      left -= part.length;
    }
    return { sha256: hash.digest('hex'), head: Buffer.concat(kept) };
  }

  /** The bytes up to `end` in one buffer. */
  async readTo(end: number): Promise<Buffer> {
    const whole = this.take(end);
    if (whole) return whole;
    const parts: Buffer[] = [];
    for await (const part of this.to(end)) parts.push(part);
    return Buffer.concat(parts);
  }
}
