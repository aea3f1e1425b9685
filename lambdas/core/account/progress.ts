import { Buffer } from 'node:buffer';
import * as z from 'zod';
import { outcomes } from './outcome.ts';

/**
 * The progress of an unfinished attempt at a batch: everything that can't be recomputed from the batch's bytes. It is
 * kept in the batch's item in the ledger and written every 50 records, so it is short and quick to encode. Most records
 * end in one of a few ways, which are written once; a record is its place, its way and its time, each as the difference
 * from the previous one. 500 records take about 2 KB.
 */
const wayOfEnding = z.object({
  outcome: z.enum(outcomes),
  status: z.int().nullable(),
  attempts: z.int().nonnegative(),
  confirmedBy: z.literal('409').optional(),
  reason: z.string().optional(),
  error: z.string().optional(),
  answer: z.string().optional(),
});

export interface DoneRecord extends z.infer<typeof wayOfEnding> {
  /** Place in the batch, from 0. */
  place: number;
  /** Milliseconds since 1970. */
  at: number;
}

export interface Progress {
  done: DoneRecord[];
  /** Records before this place may have been sent, whether or not they are among the done. */
  fence: number;
}

export const noProgress: Progress = { done: [], fence: 0 };

/** The first byte. Version 1 was deflated JSON, and was never released. */
const version = 2;

/** Varints (LEB128): the version, the fence, the ways' JSON with its length, then three for each record. */
export function encodeProgress({ done, fence }: Progress): Uint8Array {
  const encoder = new ProgressEncoder();
  for (const record of done) encoder.add(record);
  return encoder.encode(fence);
}

/** The same, record by record: what is encoded once is not encoded again for later saves. */
export class ProgressEncoder {
  readonly #ways = new Map<string, number>();
  #tail: Buffer = Buffer.allocUnsafe(4096);
  #length = 0;
  #lastPlace = 0;
  #lastAt = 0;

  /** In any order; each place once. */
  add({ place, at, ...way }: DoneRecord): void {
    const key = wayKey(way);
    let index = this.#ways.get(key);
    if (index === undefined) this.#ways.set(key, (index = this.#ways.size));
    if (this.#length + maxRecordBytes > this.#tail.length) {
      this.#tail = Buffer.concat([this.#tail], 2 * this.#tail.length);
    }
    this.#push(zigzag(place - this.#lastPlace));
    this.#push(index);
    this.#push(zigzag(at - this.#lastAt));
    [this.#lastPlace, this.#lastAt] = [place, at];
  }

  /** Everything added so far. */
  encode(fence: number): Uint8Array {
    const ways = Buffer.from(`[${[...this.#ways.keys()].join(',')}]`);
    const head: number[] = [];
    for (const value of [version, fence, ways.length]) writeVarint(value, (byte) => head.push(byte));
    return Buffer.concat([Buffer.from(head), ways, this.#tail.subarray(0, this.#length)]);
  }

  #push(value: number): void {
    writeVarint(value, (byte) => (this.#tail[this.#length++] = byte));
  }
}

/** Three varints of up to eight bytes. */
const maxRecordBytes = 24;

/** Most records end in the same way: its JSON is made once. */
const plainWays = new Map<string, string>();

function wayKey(way: z.infer<typeof wayOfEnding>): string {
  const { outcome, status, attempts, confirmedBy, reason, error, answer } = way;
  if (confirmedBy !== undefined || reason !== undefined || error !== undefined || answer !== undefined) {
    return JSON.stringify(way);
  }
  const short = `${outcome} ${status} ${attempts}`;
  let key = plainWays.get(short);
  if (key === undefined) plainWays.set(short, (key = JSON.stringify(way)));
  return key;
}

/** @throws if the bytes are not an encoded progress */
export function decodeProgress(bytes: Uint8Array): Progress {
  const reader = new VarintReader(bytes);
  if (reader.next() !== version) throw new Error('The progress is of another version.');
  const fence = reader.next();
  const ways = z.array(wayOfEnding).parse(JSON.parse(reader.take(reader.next()).toString('utf8')));
  const done: DoneRecord[] = [];
  let [place, at] = [0, 0];
  while (!reader.isAtEnd) {
    place += unzigzag(reader.next());
    const way = ways[reader.next()];
    at += unzigzag(reader.next());
    if (!way) throw new Error('The progress refers to an outcome that it does not define.');
    done.push({ place, at, ...way });
  }
  return { done, fence };
}

// Arithmetic rather than bit operations: times have more than 32 bits.
const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);
const unzigzag = (value: number) => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

function writeVarint(value: number, write: (byte: number) => void): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) write((rest % 128) + 128);
  write(rest);
}

class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  next(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || unit > Number.MAX_SAFE_INTEGER) throw new Error('The progress is incomplete.');
      value += (byte % 128) * unit;
      if (byte < 128) return value;
    }
  }

  take(length: number): Buffer {
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new Error('The progress is incomplete.');
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, length);
  }
}
