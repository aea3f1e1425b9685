/** How many requests this process sends in a second, across its batches. Counted by seconds of the clock. */
export class SendRate {
  /** Requests that begin while progress is saved, and some more; undefined before the first save. */
  duringSave: number | undefined;
  #second = -Infinity;
  #count = 0;
  #countBefore = 0;

  /** @param now milliseconds since 1970 */
  note(now: number): void {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#countBefore = second === this.#second + 1 ? this.#count : 0;
      this.#count = 0;
      this.#second = second;
    }
    this.#count++;
  }

  /** The requests of the current second or of the one before, whichever had more. */
  aSecond(now: number): number {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return Math.max(this.#count, this.#countBefore);
    return second === this.#second + 1 ? this.#count : 0;
  }
}
