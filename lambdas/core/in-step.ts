/** Reads a sorted sequence in step with another one: memory does not grow with the length of either. */
export class InStep<T> {
  readonly #items: AsyncIterator<T>;
  readonly #keyOf: (item: T) => number;
  #head: IteratorResult<T> | undefined;

  /** @param items in ascending order of their keys */
  constructor(items: AsyncIterable<T>, keyOf: (item: T) => number) {
    this.#items = items[Symbol.asyncIterator]();
    this.#keyOf = keyOf;
  }

  /** The first item whose key is not lower than this one; undefined if there is none. @param key not lower than the last one */
  async reach(key: number): Promise<T | undefined> {
    this.#head ??= await this.#items.next();
    while (this.#head.done !== true && this.#keyOf(this.#head.value) < key) this.#head = await this.#items.next();
    return this.#head.done === true ? undefined : this.#head.value;
  }

  /** The item with this key. @param key not lower than the last one */
  async find(key: number): Promise<T | undefined> {
    const item = await this.reach(key);
    return item !== undefined && this.#keyOf(item) === key ? item : undefined;
  }

  /** Reads the items that are left. */
  async end(): Promise<void> {
    await this.reach(Infinity);
  }
}
