import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { OversizeBatch } from './dialect.ts';

/** Enough of a record to recognise it. */
const maxHeadBytes = 1024;

/** A record too long to be held: its hash, length and head, computed while it passes. */
export class OversizeRecord {
  readonly #offset: number;
  readonly #line: number;
  readonly #hash = createHash('sha256');
  #length = 0;
  #head: Buffer = Buffer.alloc(0);

  constructor(offset: number, line: number) {
    this.#offset = offset;
    this.#line = line;
  }

  add(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.#length += bytes.length;
    if (this.#head.length < maxHeadBytes) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, maxHeadBytes - this.#head.length)]);
    }
  }

  finish(place: { batch: number; firstRecord: number }): OversizeBatch {
    return {
      kind: 'oversize',
      ...place,
      offset: this.#offset,
      firstLine: this.#line,
      records: 1,
      length: this.#length,
      sha256: this.#hash.digest('hex'),
      head: this.#head,
    };
  }
}
