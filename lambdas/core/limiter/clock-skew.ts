/**
 * A server's dates are whole seconds, and some servers update theirs only once per second: when it answered, its clock
 * showed the date or up to this much more. Milliseconds.
 */
const dateSpanMs = 2_000;

/** Maximum drift between two clocks: older measurements become slightly less certain over time. */
const maxDrift = 1e-4;

/** Below this, apparent skew may come from the servers' clocks, which are not exact either. Milliseconds. */
const leastMs = 100;

/**
 * Measures the skew of this machine's clock from the dates in a server's answers. Each date means that the server's clock
 * was between two times during the request; together they leave an ever narrower range. Only skew that is certain is
 * corrected: to the millisecond, after a few dozen answers, for a clock that is behind; from one second on for a clock
 * that is ahead.
 */
export class ClockSkew {
  readonly #toleratedMs: number;
  /** Bounds of how far the server's clock is ahead of this one. */
  #low = -Infinity;
  #high = Infinity;
  #observedAt = 0;

  /** @param marginMs how late requests may be: it covers any smaller skew */
  constructor(marginMs: number) {
    this.#toleratedMs = Math.max(marginMs, leastMs);
  }

  /** One answer: its date, and this machine's time when the request was sent and when the answer arrived. */
  observe(dateMs: number, sentAtMs: number, answeredAtMs: number): void {
    const [low, high] = [dateMs - answeredAtMs, dateMs + dateSpanMs - sentAtMs];
    const doubtMs = Math.abs(answeredAtMs - this.#observedAt) * maxDrift;
    this.#observedAt = answeredAtMs;
    this.#low = Math.max(low, this.#low - doubtMs);
    this.#high = Math.min(high, this.#high + doubtMs);
    // One of the clocks was set: previous measurements are worthless.
    if (this.#low > this.#high) [this.#low, this.#high] = [low, high];
  }

  /** Milliseconds to add to this machine's time; 0 if it may be right, or nearly so. */
  correctionMs(): number {
    if (this.#low > this.#toleratedMs) return this.#low;
    return this.#high < -this.#toleratedMs ? this.#high : 0;
  }
}
