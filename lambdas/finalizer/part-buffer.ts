/**
 * The bytes of a part that is being filled, in one block of memory that all parts use. Kept as they come, thousands of small
 * buffers would live until the part is full, and then wait for a full collection.
 */
export class PartBuffer {
  #block = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Valid until more is added. */
  get bytes(): Buffer {
    return this.#block.subarray(0, this.#length);
  }

  add(bytes: Buffer): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#block.length) {
      // Of its own: a block of Node's pool would keep the pool alive.
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#block.length));
      this.#block.copy(larger, 0, 0, this.#length);
      this.#block = larger;
    }
    bytes.copy(this.#block, this.#length);
    this.#length = needed;
  }

  clear(): void {
    this.#length = 0;
  }
}
