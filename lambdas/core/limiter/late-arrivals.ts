/** Of a window, at most: what the line is moved by within one, by a consumer and by all of them together. */
export const maxShiftShare = 0.01;

/** Where more of the requests than this look late, it is the API that takes its time with some, not the way to it. */
const maxLateShare = 0.1;

interface Shift {
  atMs: number;
  ms: number;
}

/**
 * Notices requests that may have reached the API later than the margin allows: a stalled scheduler, a retransmission.
 * Such a one stands late in the API's window, so the request n places behind it would come too early: everything that is
 * not leased yet has to move by as much. When a request arrived can only be told from when its answer came, less the
 * quickest answer seen.
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

  /** @returns milliseconds to move the line by; 0 where there is no need */
  observe(slotMs: number, sentAtMs: number, answeredAtMs: number): number {
    // Creeps up, so that an API that has become slower is believed after a while.
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
