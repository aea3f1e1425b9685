/** A value that is expensive to read: read again only when it is older than an interval. A failed read is not cached. */
export class Cached<T> {
  readonly #everyMs: number;
  readonly #read: () => Promise<T>;
  #last: { value: T; atMs: number } | undefined;

  constructor(everyMs: number, read: () => Promise<T>) {
    this.#everyMs = everyMs;
    this.#read = read;
  }

  async get(now: number): Promise<T> {
    if (!this.#last || now - this.#last.atMs >= this.#everyMs) this.#last = { value: await this.#read(), atMs: now };
    return this.#last.value;
  }
}
