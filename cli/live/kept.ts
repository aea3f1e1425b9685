/** What is dear to read, read anew only when it is as old as that. A reading that fails is no reading. */
export class Kept<T> {
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
