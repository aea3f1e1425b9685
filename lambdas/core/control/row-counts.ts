import { Buffer } from 'node:buffer';
import { keyBytes, KeyTable } from '../key-table.ts';
import { sha256Of } from '../records/identity.ts';

/** How often a row is left to be found, and a mark that the slot is in use. */
const valueBytes = 5;

/**
 * The rows of a control file, each as often as it has it, in 28 bytes for each different row. The file's records are taken
 * from it one by one; what is left then is missing in the file.
 */
export class RowCounts {
  readonly #table: KeyTable;
  #left = 0;

  /** @param rows that will be added at most */
  constructor(rows: number) {
    this.#table = new KeyTable(rows, valueBytes);
  }

  /** Rows that no record was taken for. */
  get left(): number {
    return this.#left;
  }

  add(values: readonly string[]): void {
    const key = keyOf(values);
    const at = this.#table.find(key);
    const isNew = this.#table.slots[at + keyBytes + 4] === 0;
    if (isNew) this.#table.take(at, key);
    this.#table.slots[at + keyBytes + 4] = 1;
    this.#table.slots.writeUInt32LE(this.#table.slots.readUInt32LE(at + keyBytes) + 1, at + keyBytes);
    this.#left++;
  }

  /** False if there is no such row, or no further one. */
  take(values: readonly string[]): boolean {
    const at = this.#table.find(keyOf(values)) + keyBytes;
    const count = this.#table.slots.readUInt32LE(at);
    if (count === 0) return false;
    this.#table.slots.writeUInt32LE(count - 1, at);
    this.#left--;
    return true;
  }
}

function keyOf(values: readonly string[]): Buffer {
  return Buffer.from(sha256Of(JSON.stringify(values)).slice(0, 2 * keyBytes), 'hex');
}
