/** Maximum shift of the line within one window, as a share of it, by one consumer and by all of them together. */
export const maxShiftShare = 0.01;

/** If a larger share of the requests looks late, the API itself is slow for some, not the network. */
const maxLateShare = 0.1;

interface Shift {
  atMs: number;
  ms: number;
}

/**
 * Detects requests that may have reached the API later than the margin allows: a stalled scheduler, a retransmission.
 * Such a request is late in the API's window, so the request n places after it would come too early: all send times that
 * are not leased yet have to move by the same amount. The arrival time can only be estimated: the time of the answer,
 * less the fastest response seen.
 */
export class LateArrivals {
  readonly #marginMs: number;
  readonly #windowMs: number;
  #quickestMs = Infinity;
  #lateShare = 0;
  #shifts: Shift[] = [];

  constructor({ marginMs, windowMs }: { marginMs: number; windowMs: number }) {
    this.#marginMs = marginMs;
    this.#windowMs = windowMs;
  }

  /** @returns milliseconds to move the line by; 0 if unnecessary */
  observe(slotMs: number, sentAtMs: number, answeredAtMs: number): number {
    // Rises slowly, so that the estimate adapts to an API that has become slower.
    this.#quickestMs = Math.min(answeredAtMs - sentAtMs, this.#quickestMs + 0.05);
    const excessMs = answeredAtMs - slotMs - this.#quickestMs - this.#marginMs;
    this.#lateShare += ((excessMs > 0 ? 1 : 0) - this.#lateShare) / 64;
    if (excessMs <= 0 || this.#lateShare > maxLateShare) return 0;

    this.#shifts = this.#shifts.filter((shift) => shift.atMs > answeredAtMs - this.#windowMs);
    const spent = sum(this.#shifts);
    // One stall makes many requests late: the line moves once for all of them.
    const covered = sum(this.#shifts.filter((shift) => shift.atMs >= slotMs));
    const ms = Math.min(excessMs - covered, this.#windowMs * maxShiftShare - spent);
    if (ms < 1) return 0;
    this.#shifts.push({ atMs: answeredAtMs, ms });
    return ms;
  }
}

const sum = (shifts: Shift[]) => shifts.reduce((total, shift) => total + shift.ms, 0);
