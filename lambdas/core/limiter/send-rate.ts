/** Running means of an API's latency and of its deviation, with initial guesses. Milliseconds. */
export interface Latency {
  meanMs: number;
  strayMs: number;
}

/**
 * What this process has learned from its requests, across its batches: how many it sends in a second, counted by seconds of
 * the clock, and how long they take.
 */
export class SendRate {
  /** Requests that begin while progress is saved, and some more; undefined before the first save. */
  duringSave: number | undefined;
  readonly latency: Latency = { meanMs: 50, strayMs: 200 };
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
