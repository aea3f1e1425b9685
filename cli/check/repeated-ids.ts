import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A record whose request id an earlier one has: the API would take it for the same. */
export interface Repetition {
  record: number;
  line: number;
  first_record: number;
  first_line: number;
}

const partitions = 256;
/** 128 bits of the request id tell more records apart than any file has. */
const idBytes = 16;
/** With record and line, six bytes each. */
const entryBytes = idBytes + 6 + 6;
const blockEntries = 2048;

/** Examples of repetitions, the first in file order. */
const maxExamples = 10;

/**
 * Finds records with the same request id, exactly, in memory that does not grow with the file: ids are parted by their
 * first byte, each part goes to disk in blocks, and the parts are looked at one after the other. 28 bytes of disk a record;
 * memory for 256 blocks of 56 KiB, and for one part: a 256th of the records.
 */
export class RepeatedIds {
  readonly #path: string;
  readonly #blocks: { bytes: Buffer; entries: number }[] = [];
  /** Of each part: where its blocks begin in the file. */
  readonly #written: number[][] = Array.from({ length: partitions }, () => []);
  #room: Buffer = Buffer.alloc(0);
  #file: number | undefined;
  #fileBytes = 0;

  /** @param dir for a file of its own, which the caller removes */
  constructor(dir: string) {
    this.#path = join(dir, 'request-ids');
  }

  add(requestId: string, record: number, line: number): void {
    const part = parseInt(requestId.slice(0, 2), 16);
    const block = (this.#blocks[part] ??= { bytes: Buffer.allocUnsafe(blockEntries * entryBytes), entries: 0 });
    const at = block.entries * entryBytes;
    block.bytes.write(requestId.slice(0, 2 * idBytes), at, 'hex');
    block.bytes.writeUIntBE(record, at + idBytes, 6);
    block.bytes.writeUIntBE(line, at + idBytes + 6, 6);
    block.entries++;
    if (block.entries < blockEntries) return;
    this.#file ??= openSync(this.#path, 'w+', 0o600);
    this.#written[part]?.push(this.#fileBytes);
    this.#fileBytes += writeSync(this.#file, block.bytes);
    block.entries = 0;
  }

  /** How many there are, and the first of them. */
  find(): { count: number; examples: Repetition[] } {
    let count = 0;
    let examples: Repetition[] = [];
    for (let part = 0; part < partitions; part++) {
      const entries = this.#read(part);
      for (const [entry, first] of repetitionsIn(entries)) {
        count++;
        const repetition = { ...placeAt(entries, entry), ...asFirst(placeAt(entries, first)) };
        // In a part they come in file order.
        if (examples.length === maxExamples && repetition.record > (examples.at(-1)?.record ?? 0)) continue;
        examples.push(repetition);
        examples = examples.sort((one, other) => one.record - other.record).slice(0, maxExamples);
      }
    }
    return { count, examples };
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** A part's entries, in file order. Valid until the next is read. */
  #read(part: number): Buffer {
    const written = this.#written[part] ?? [];
    const last = this.#blocks[part];
    const blockBytes = blockEntries * entryBytes;
    const bytes = written.length * blockBytes + (last?.entries ?? 0) * entryBytes;
    if (this.#room.length < bytes) this.#room = Buffer.allocUnsafeSlow(bytes);
    written.forEach((at, n) => readSync(this.#file ?? -1, this.#room, n * blockBytes, blockBytes, at));
    last?.bytes.copy(this.#room, written.length * blockBytes, 0, last.entries * entryBytes);
    return this.#room.subarray(0, bytes);
  }
}

/**
 * Each entry whose id an earlier one has, and that one. A table of places with open addressing: strings for millions of
 * ids would be hundreds of megabytes of garbage.
 */
function* repetitionsIn(entries: Buffer): Generator<[entry: number, first: number]> {
  const count = entries.length / entryBytes;
  const slots = 2 ** Math.ceil(Math.log2(2 * count + 2));
  /** An entry's number + 1; 0 where none is. */
  const table = new Uint32Array(slots);
  for (let entry = 0; entry < count; entry++) {
    const at = entry * entryBytes;
    // Not the first byte, which is the same in the whole part.
    let slot = entries.readUInt32LE(at + 4) % slots;
    let first = table[slot] ?? 0;
    for (; first !== 0; first = table[slot] ?? 0) {
      const other = (first - 1) * entryBytes;
      if (entries.compare(entries, at, at + idBytes, other, other + idBytes) === 0) break;
      slot = (slot + 1) % slots;
    }
    if (first === 0) table[slot] = entry + 1;
    else yield [entry, first - 1];
  }
}

function placeAt(entries: Buffer, entry: number): { record: number; line: number } {
  const at = entry * entryBytes + idBytes;
  return { record: entries.readUIntBE(at, 6), line: entries.readUIntBE(at + 6, 6) };
}

function asFirst({ record, line }: { record: number; line: number }) {
  return { first_record: record, first_line: line };
}
