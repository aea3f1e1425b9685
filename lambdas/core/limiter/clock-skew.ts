/**
 * A server's dates are whole seconds, and some servers make theirs but once a second: when it answered, its clock showed
 * the date or up to this much more. Milliseconds.
 */
const dateSpanMs = 2_000;

/** How fast two clocks may part: what was found out before is believed a little less as time goes by. */
const maxDrift = 1e-4;

/** Below this, what looks like skew may be the servers' clocks, which stray too. Milliseconds. */
const leastMs = 100;

/**
 * What this machine's clock is wrong by, told from the dates in a server's answers. Each says that the server's clock lay
 * between two times while the request was under way; what all of them leave room for grows narrow. Only what they leave
 * no doubt of counts: to the millisecond, after a few dozen answers, for a clock that is behind; from a second on for one that
 * is ahead.
 */
export class ClockSkew {
  readonly #toleratedMs: number;
  /** The server's clock is ahead of this one by at least and at most that. */
  #low = -Infinity;
  #high = Infinity;
  #observedAt = 0;

  /** @param marginMs what requests may be late by: skew below it is covered by that */
  constructor(marginMs: number) {
    this.#toleratedMs = Math.max(marginMs, leastMs);
  }

  /** Of one answer: its date, and this machine's time when the request went out and when the answer had come. */
  observe(dateMs: number, sentAtMs: number, answeredAtMs: number): void {
    const [low, high] = [dateMs - answeredAtMs, dateMs + dateSpanMs - sentAtMs];
    const doubtMs = Math.abs(answeredAtMs - this.#observedAt) * maxDrift;
    this.#observedAt = answeredAtMs;
    this.#low = Math.max(low, this.#low - doubtMs);
    this.#high = Math.min(high, this.#high + doubtMs);
    // One of the clocks was set: what was found out before is worth nothing.
    if (this.#low > this.#high) [this.#low, this.#high] = [low, high];
  }

  /** Milliseconds to add to this machine's time; 0 where it may be right, or nearly so. */
  correctionMs(): number {
    if (this.#low > this.#toleratedMs) return this.#low;
    return this.#high < -this.#toleratedMs ? this.#high : 0;
  }
}
