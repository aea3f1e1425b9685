import { WindowGauge } from './sliding-window.ts';

export interface FakeAvstarStats {
  /** Requests to /ingest, whatever their outcome. */
  requests: number;
  /** Answers sent, by status. Requests that were reset or never answered are not included. */
  byStatus: Record<string, number>;
  /** Spots in the schedule. */
  stored: number;
  /** Requests with an id that was already in the schedule. */
  duplicates: number;
  throttled: number;
  limit: { requests: number | null; windowSeconds: number };
  /** The most requests counted against the limit in any window: by construction, at most the limit. */
  maxInWindow: number;
  /** The most requests with the right token in any window, including those answered 429. */
  maxOfferedInWindow: number;
  maxInFlight: number;
  connections: { open: number; max: number };
  /** How often each fault occurred. */
  faults: Record<string, number>;
  /** ISO times of the first and last request to /ingest. */
  firstAt: string | null;
  lastAt: string | null;
  /** Requests in each second since the first. */
  perSecond: number[];
}

/** The maximum length of a histogram: eleven days. Later requests are counted in its last second. */
const maxSeconds = 1_000_000;

export class TrafficCount {
  readonly #counted: WindowGauge;
  readonly #offered: WindowGauge;
  readonly #byStatus = new Map<number, number>();
  readonly #faults = new Map<string, number>();
  readonly #perSecond: number[] = [];
  #requests = 0;
  #duplicates = 0;
  #inFlight = 0;
  #maxInFlight = 0;
  #firstMs: number | null = null;
  #lastMs = 0;

  constructor(windowMs: number) {
    this.#counted = new WindowGauge(windowMs);
    this.#offered = new WindowGauge(windowMs);
  }

  arrive(nowMs: number): void {
    this.#requests++;
    this.#firstMs ??= nowMs;
    this.#lastMs = nowMs;
    const second = Math.min(Math.floor((nowMs - this.#firstMs) / 1000), maxSeconds - 1);
    while (this.#perSecond.length <= second) this.#perSecond.push(0);
    this.#perSecond[second] = (this.#perSecond[second] ?? 0) + 1;
    this.#maxInFlight = Math.max(this.#maxInFlight, ++this.#inFlight);
  }

  /** Called when the answer was sent or the connection was lost. */
  leave(): void {
    this.#inFlight--;
  }

  offer(nowMs: number): void {
    this.#offered.record(nowMs);
  }

  count(nowMs: number): void {
    this.#counted.record(nowMs);
  }

  answer(status: number): void {
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
  }

  duplicate(): void {
    this.#duplicates++;
  }

  strike(fault: string): void {
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }

  /** @param originMs epoch of the clock's zero */
  report(originMs: number): Omit<FakeAvstarStats, 'stored' | 'limit' | 'connections'> {
    const iso = (ms: number) => new Date(originMs + ms).toISOString();
    return {
      requests: this.#requests,
      byStatus: Object.fromEntries(this.#byStatus),
      duplicates: this.#duplicates,
      throttled: this.#byStatus.get(429) ?? 0,
      maxInWindow: this.#counted.most,
      maxOfferedInWindow: this.#offered.most,
      maxInFlight: this.#maxInFlight,
      faults: Object.fromEntries(this.#faults),
      firstAt: this.#firstMs === null ? null : iso(this.#firstMs),
      lastAt: this.#firstMs === null ? null : iso(this.#lastMs),
      perSecond: [...this.#perSecond],
    };
  }
}
