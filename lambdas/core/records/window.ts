import { Buffer } from 'node:buffer';

/** The part of a file that is still needed, as one run of bytes. Memory that was handed out is never overwritten. */
export class Window {
  /** Index of the next byte to scan. */
  at = 0;
  /** The file's offset of `bytes[0]`. */
  base: number;
  bytes: Buffer = Buffer.alloc(0);
  /** Bytes before this index are not needed any more. */
  #keptFrom = 0;
  /** `bytes` is its beginning; null while `bytes` is in the caller's memory. */
  #storage: Buffer | null = null;
  /** The chunk that came last, with adjacent parts of the same memory joined, and the index where it begins in `bytes`. */
  #run: Buffer = Buffer.alloc(0);
  #runFrom = 0;

  constructor(base: number) {
    this.base = base;
  }

  /** Bytes not scanned yet. */
  get unread(): number {
    return this.bytes.length - this.at;
  }

  /** The bytes before this offset of the file are not needed any more. */
  forget(offset: number): void {
    this.#keptFrom = offset - this.base;
  }

  slice(from: number, to: number): Buffer {
    return this.bytes.subarray(from - this.base, to - this.base);
  }

  append(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const kept = this.bytes.length - this.#keptFrom;
    if (kept > 0 && isContinued(this.#run, chunk)) {
      // The next part of the same memory, for example if a large chunk is given in steps.
      this.#run = Buffer.from(chunk.buffer, this.#run.byteOffset, this.#run.length + chunk.length);
    } else {
      this.#run = chunk;
      this.#runFrom = this.bytes.length;
    }
    // All kept bytes are in the caller's memory (again): no copy is needed.
    if (this.#keptFrom >= this.#runFrom) this.#lookAtRun();
    else this.#copy(chunk, kept);
  }

  #lookAtRun(): void {
    const forgotten = this.#keptFrom - this.#runFrom;
    this.#storage = null;
    this.#moveTo(forgotten === 0 ? this.#run : this.#run.subarray(forgotten));
    this.#run = this.bytes;
    this.#runFrom = 0;
  }

  #copy(chunk: Buffer, kept: number): void {
    const filled = this.bytes.length;
    if (this.#storage !== null && filled + chunk.length <= this.#storage.length) {
      chunk.copy(this.#storage, filled);
      this.bytes = this.#storage.subarray(0, filled + chunk.length);
      return;
    }
    // Room for more than this chunk, so that small chunks don't each move the rest again.
    const storage = Buffer.allocUnsafeSlow(2 * (kept + chunk.length));
    this.bytes.copy(storage, 0, this.#keptFrom);
    chunk.copy(storage, kept);
    this.#storage = storage;
    this.#moveTo(storage.subarray(0, kept + chunk.length));
  }

  #moveTo(bytes: Buffer): void {
    this.base += this.#keptFrom;
    this.at -= this.#keptFrom;
    this.#runFrom -= this.#keptFrom;
    this.#keptFrom = 0;
    this.bytes = bytes;
  }
}

function isContinued(run: Buffer, chunk: Buffer): boolean {
  return chunk.buffer === run.buffer && chunk.byteOffset === run.byteOffset + run.length;
}
