import { Buffer } from 'node:buffer';

/** 128 bits of a hash: no two of 10^7 records share them (probability below 10^-24). */
export const keyBytes = 16;

/** The share of slots that are in use at most. */
const maxLoad = 0.75;

/**
 * A hash table of fixed size: a key of 16 bytes, which is a hash already, and a value of fixed length. The last byte of a
 * value is 0 only where the slot is free.
 */
export class KeyTable {
  /** A slot's value begins at the offset that `find` returns, plus `keyBytes`. */
  readonly slots: Buffer;
  readonly #capacity: number;
  readonly #slotBytes: number;
  #size = 0;

  /** @param entries that will be added at most */
  constructor(entries: number, valueBytes: number) {
    this.#slotBytes = keyBytes + valueBytes;
    this.#capacity = Math.max(8, Math.ceil(entries / maxLoad));
    this.slots = Buffer.alloc(this.#capacity * this.#slotBytes);
  }

  get size(): number {
    return this.#size;
  }

  /** Where the key is, or where it would be. */
  find(key: Buffer): number {
    // Hashes are evenly distributed: no further hashing is needed.
    let slot = key.readUIntLE(0, 6) % this.#capacity;
    for (;;) {
      const at = slot * this.#slotBytes;
      const isFree = this.slots[at + this.#slotBytes - 1] === 0;
      if (isFree || this.slots.compare(key, 0, keyBytes, at, at + keyBytes) === 0) return at;
      slot = slot + 1 === this.#capacity ? 0 : slot + 1;
    }
  }

  /** Takes a free slot for the key; the caller writes the value. @throws RangeError if there are more than announced */
  take(at: number, key: Buffer): void {
    if (++this.#size >= this.#capacity) throw new RangeError('More records are known than were announced.');
    key.copy(this.slots, at, 0, keyBytes);
  }
}
