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
      const first = new Map<string, [record: number, line: number]>();
      for (const entries of this.#read(part)) {
        for (let at = 0; at < entries.length; at += entryBytes) {
          const id = entries.toString('latin1', at, at + idBytes);
          const record = entries.readUIntBE(at + idBytes, 6);
          const line = entries.readUIntBE(at + idBytes + 6, 6);
          const before = first.get(id);
          if (!before) {
            first.set(id, [record, line]);
            continue;
          }
          count++;
          // In a part they come in file order.
          if (examples.length === maxExamples && record > (examples.at(-1)?.record ?? 0)) continue;
          examples.push({ record, line, first_record: before[0], first_line: before[1] });
          examples = examples.sort((a, b) => a.record - b.record).slice(0, maxExamples);
        }
      }
    }
    return { count, examples };
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  *#read(part: number): Generator<Buffer> {
    const bytes = Buffer.allocUnsafe(blockEntries * entryBytes);
    for (const at of this.#written[part] ?? []) {
      readSync(this.#file ?? -1, bytes, 0, bytes.length, at);
      yield bytes;
    }
    const last = this.#blocks[part];
    if (last) yield last.bytes.subarray(0, last.entries * entryBytes);
  }
}
