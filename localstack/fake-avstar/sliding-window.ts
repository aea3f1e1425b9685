/**
 * An exact sliding window: at most `limit` arrivals in any half-open stretch of `windowMs`. It keeps the last `limit`
 * counted arrivals in a ring; the next request may pass when the oldest of them is a whole window old. Constant time per
 * request.
 */
export class SlidingWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #arrivals: Float64Array;
  #oldest = 0;

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#arrivals = new Float64Array(limit).fill(-Infinity);
  }

  /** @returns 0 if the request passes (and is counted), otherwise the milliseconds until a place is free */
  admit(nowMs: number): number {
    if (this.#limit === 0) return Infinity;
    const waitMs = (this.#arrivals[this.#oldest] ?? -Infinity) + this.#windowMs - nowMs;
    if (waitMs > 0) return waitMs;
    this.#arrivals[this.#oldest] = nowMs;
    this.#oldest = (this.#oldest + 1) % this.#limit;
    return 0;
  }
}

/** Measures the most arrivals in any window, whatever their answers. Amortised constant time. */
export class WindowGauge {
  readonly #windowMs: number;
  /** A ring buffer whose length is a power of two, doubled when full. */
  #ring = new Float64Array(1024);
  #first = 0;
  #count = 0;
  #most = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  record(nowMs: number): void {
    const mask = this.#ring.length - 1;
    while (this.#count > 0 && nowMs - (this.#ring[this.#first] ?? 0) >= this.#windowMs) {
      this.#first = (this.#first + 1) & mask;
      this.#count--;
    }
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[(this.#first + this.#count) & (this.#ring.length - 1)] = nowMs;
    this.#count++;
    this.#most = Math.max(this.#most, this.#count);
  }

  get most(): number {
    return this.#most;
  }

  #grow(): void {
    const grown = new Float64Array(this.#ring.length * 2);
    grown.set(this.#ring.subarray(this.#first));
    grown.set(this.#ring.subarray(0, this.#first), this.#ring.length - this.#first);
    this.#ring = grown;
    this.#first = 0;
  }
}
