import { Buffer } from 'node:buffer';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as z from 'zod';
import type { FailedOutcome } from './outcome.ts';
import { isFailed, outcomes } from './outcome.ts';

/**
 * The progress of an unfinished attempt at a batch: everything that can't be recomputed from the batch's bytes. It is
 * kept in the batch's item in the ledger and written every 50 records, so it is short and quick to encode: DynamoDB bills
 * every KB of the item with each save. Most records end in one of a few ways, which are written once; a record is its
 * place, its way and its time, each as the difference from the previous one. 500 records take 600 bytes.
 */
const wayOfEnding = z.object({
  outcome: z.enum(outcomes),
  status: z.int().nullable(),
  attempts: z.int().nonnegative(),
  confirmedBy: z.literal('409').optional(),
  reason: z.string().optional(),
  error: z.string().optional(),
  answer: z.string().optional(),
  /**
   * Its plan's earlier versions (series/revision-plan.ts): the batch of a file that a newer revision goes on without is begun
   * again without its plans, and the receipts must name them all the same.
   */
  earlier: z.array(z.string().nullable()).optional(),
});

/** How a record has ended. */
export type RecordEnd = z.infer<typeof wayOfEnding>;

export interface DoneRecord extends RecordEnd {
  /** Place in the batch, from 0. */
  place: number;
  /** Milliseconds since 1970. */
  at: number;
}

export interface Progress {
  done: DoneRecord[];
  /** Records before this place may have been sent, whether or not they are among the done. */
  fence: number;
  /** The last so many of the done: if they failed, their letters may not be in their queue. Absent: all letters are. */
  owed?: number;
}

export const noProgress: Progress = { done: [], fence: 0 };

export type FailedRecord = DoneRecord & { outcome: FailedOutcome };

export const hasFailed = (record: DoneRecord): record is FailedRecord => isFailed(record.outcome);

/** The records that have failed, and whose letters may not have been sent. */
export function lettersOwed({ done, owed = 0 }: Progress): FailedRecord[] {
  return done.slice(done.length - owed).filter(hasFailed);
}

/**
 * The first byte. Version 4 begins with the letters owed: a release before would never send them, and refuses it. Version 2
 * was not compressed, and had a record's three numbers together; an item of a release before may have it. Version 1 was
 * never released.
 */
const versionOwing = 4;
const version = 3;
const versionBefore = 2;

/** More than any batch's progress. Bytes. */
const maxInflatedBytes = 16 * 1024 * 1024;

/**
 * Compressed varints (LEB128): the letters owed if there are any, the fence, the ways' JSON with its length, the number of
 * records, and three for each.
 */
export function encodeProgress({ done, fence, owed }: Progress): Uint8Array {
  const encoder = new ProgressEncoder();
  for (const record of done) encoder.add(record);
  return encoder.encode(fence, owed);
}

/** The same, record by record: what is encoded once is not encoded again for later saves, only compressed. */
export class ProgressEncoder {
  /** By their JSON. */
  readonly #ways = new Map<string, number>();
  /** Next to each other, equal numbers compress better. */
  readonly #columns = { places: new Varints(), ways: new Varints(), times: new Varints() };
  #records = 0;
  #last: DoneRecord | undefined;
  #lastWay = 0;

  /** In any order; each place once. */
  add(done: DoneRecord): void {
    const last = this.#last;
    if (!last || !endedAlike(done, last)) this.#lastWay = this.#indexOf(done);
    this.#columns.places.push(zigzag(done.place - (last?.place ?? 0)));
    this.#columns.ways.push(this.#lastWay);
    this.#columns.times.push(zigzag(done.at - (last?.at ?? 0)));
    this.#records++;
    this.#last = done;
  }

  #indexOf({ place: _place, at: _at, ...way }: DoneRecord): number {
    const text = JSON.stringify(way);
    let index = this.#ways.get(text);
    if (index === undefined) this.#ways.set(text, (index = this.#ways.size));
    return index;
  }

  /** Everything added so far. @param owed see `Progress` */
  encode(fence: number, owed = 0): Uint8Array {
    const ways = Buffer.from(`[${[...this.#ways.keys()].join(',')}]`);
    const head = new Varints();
    if (owed > 0) head.push(owed);
    head.push(fence);
    head.push(ways.length);
    const records = new Varints();
    records.push(this.#records);
    const columns = Object.values(this.#columns).map((column) => column.bytes());
    const plain = Buffer.concat([head.bytes(), ways, records.bytes(), ...columns]);
    // The lowest level takes a twentieth of a millisecond, and the others save no more.
    const first = owed > 0 ? versionOwing : version;
    return Buffer.concat([Buffer.of(first), deflateRawSync(plain, { level: 1 })]);
  }
}

/** Varints one after the other. */
class Varints {
  #bytes: Buffer = Buffer.allocUnsafe(512);
  #length = 0;

  push(value: number): void {
    if (this.#length + maxVarintBytes > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length);
    }
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) + 128;
    this.#bytes[this.#length++] = rest;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Of seven bits each, for 53 bits. */
const maxVarintBytes = 8;

/** Most records end like the one before, which is found here without making their JSON. */
function endedAlike(one: DoneRecord, other: DoneRecord): boolean {
  if (one.outcome !== other.outcome || one.status !== other.status || one.attempts !== other.attempts) return false;
  return !saysMore(one) && !saysMore(other);
}

const saysMore = ({ confirmedBy, reason, error, answer, earlier }: DoneRecord): boolean =>
  confirmedBy !== undefined ||
  reason !== undefined ||
  error !== undefined ||
  answer !== undefined ||
  earlier !== undefined;

/** @throws if the bytes are not an encoded progress */
export function decodeProgress(bytes: Uint8Array): Progress {
  const rest = bytes.subarray(1);
  if (bytes[0] === versionBefore) return decodeBefore(new VarintReader(rest));
  const isOwing = bytes[0] === versionOwing;
  if (bytes[0] !== version && !isOwing) throw new Error('The progress is of another version.');
  const reader = new VarintReader(inflateRawSync(rest, { maxOutputLength: maxInflatedBytes }));
  const owed = isOwing ? { owed: reader.next() } : {};
  const { fence, endOf } = readHead(reader);
  const records = reader.next();
  const column = () => Array.from({ length: records }, () => reader.next());
  const done = endsOf(column(), column(), column(), endOf);
  if (!reader.isAtEnd) throw new Error('The progress is longer than it says.');
  return { done, fence, ...owed };
}

function decodeBefore(reader: VarintReader): Progress {
  const { fence, endOf } = readHead(reader);
  const [places, ends, times]: [number[], number[], number[]] = [[], [], []];
  while (!reader.isAtEnd) for (const column of [places, ends, times]) column.push(reader.next());
  return { done: endsOf(places, ends, times, endOf), fence };
}

function readHead(reader: VarintReader): { fence: number; endOf: (way: number) => RecordEnd } {
  const fence = reader.next();
  const ways = z.array(wayOfEnding).parse(JSON.parse(reader.take(reader.next()).toString('utf8')));
  const endOf = (index: number) => {
    const way = ways[index];
    if (!way) throw new Error('The progress refers to an outcome that it does not define.');
    return way;
  };
  return { fence, endOf };
}

function endsOf(
  places: readonly number[],
  ends: readonly number[],
  times: readonly number[],
  endOf: (way: number) => RecordEnd,
): DoneRecord[] {
  let [place, at] = [0, 0];
  return places.map((step, index) => {
    place += unzigzag(step);
    at += unzigzag(times[index] ?? 0);
    return { place, at, ...endOf(ends[index] ?? -1) };
  });
}

// Arithmetic rather than bit operations: times have more than 32 bits.
const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);
const unzigzag = (value: number) => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

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
