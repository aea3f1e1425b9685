import { createHash } from 'node:crypto';
import type { OversizeBatch } from './dialect.ts';

const headBytes = 1024;
const cr = 0x0d;
const lf = 0x0a;

/** A line over the limit, hashed as it passes: however long it is, only its head is kept. */
export class OversizeRecord {
  readonly #hash = createHash('sha256');
  readonly #offset: number;
  readonly #line: number;
  readonly #lineBreak: number;
  #head = Buffer.alloc(0);
  #length = 0;
  /** A CR that came last: part of the record unless an LF follows. */
  #heldCr = false;

  constructor(offset: number, line: number, lineBreak: number) {
    this.#offset = offset;
    this.#line = line;
    this.#lineBreak = lineBreak;
  }

  /** Takes bytes up to and with the line break. */
  take(bytes: Buffer): { bytes: number; ended: boolean } {
    if (bytes.length === 0) return { bytes: 0, ended: false };
    const at = bytes.indexOf(this.#lineBreak);
    if (this.#heldCr && at !== 0) this.#add(Buffer.from([cr]));
    this.#heldCr = false;
    let body = at === -1 ? bytes : bytes.subarray(0, at);
    if (this.#lineBreak === lf && body.at(-1) === cr) {
      body = body.subarray(0, -1);
      this.#heldCr = at === -1;
    }
    this.#add(body);
    return { bytes: at === -1 ? bytes.length : at + 1, ended: at !== -1 };
  }

  #add(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.#length += bytes.length;
    if (this.#head.length < headBytes) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, headBytes - this.#head.length)]);
    }
  }

  /** The record is over. */
  batch(batch: number, record: number): OversizeBatch {
    if (this.#heldCr) this.#add(Buffer.from([cr]));
    return {
      kind: 'oversize',
      batch,
      offset: this.#offset,
      firstRecord: record,
      firstLine: this.#line,
      records: 1,
      length: this.#length,
      sha256: this.#hash.digest('hex'),
      head: this.#head,
    };
  }
}
