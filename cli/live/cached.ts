/**
 * A value that is expensive to read: read again only when it is older than an interval, or when what it depends on has
 * changed. A failed read is not cached.
 */
export class Cached<T> {
  readonly #everyMs: number;
  readonly #read: () => Promise<T>;
  #last: { value: T; atMs: number; of: string } | undefined;

  constructor(everyMs: number, read: () => Promise<T>) {
    this.#everyMs = everyMs;
    this.#read = read;
  }

  /** @param of identifies what the value depends on */
  async get(now: number, of = ''): Promise<T> {
    const isFresh = this.#last?.of === of && now - this.#last.atMs < this.#everyMs;
    if (!this.#last || !isFresh) this.#last = { value: await this.#read(), atMs: now, of };
    return this.#last.value;
  }
}
