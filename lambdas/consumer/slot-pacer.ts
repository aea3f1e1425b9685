import type { Prober } from '../core/limiter/limiter-item.ts';
import { LateArrivals } from '../core/limiter/late-arrivals.ts';
import { latenessAtHomeMs, leaseSize, slotsOfASecond, slotsOfLongLease } from '../core/limiter/limiter.ts';
import type { Latency } from '../core/limiter/send-rate.ts';
import type { Clock, Limiter } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';

/** What the next request is allowed to do. */
export type Turn =
  | { kind: 'go'; slotMs: number }
  /** Send, as the one request that decides whether the breaker closes. */
  | { kind: 'probe' }
  /** No request is sent before then. */
  | { kind: 'paused'; untilMs: number }
  | { kind: 'stopped' };

export interface PacerOptions {
  limiter: Limiter;
  clock: Clock;
  connections: number;
  /** As far as earlier batches have learned it. */
  latency: Latency;
  /** As deployed, until the first lease says what applies. */
  spacingMs: number;
  marginMs: number;
  windowMs: number;
  /** Requests still to be made, as far as is known: at most this many slots are leased. */
  demand: () => number;
  /** See `Limiter.leaseSlots`. */
  prober?: () => Prober;
  /** Called at the latest every ten seconds of waiting: a lease may have to be renewed. */
  onWait: () => void;
  /** Awaited shortly before each request: it is noted that it may have been sent. */
  beforeRequest?: () => Promise<void>;
  /** Waiting for a turn ends when the time runs out: with a long backlog, possibly before a slot is available. */
  deadline: Pick<Deadline, 'isDrawingIn'>;
  signal: AbortSignal;
}

/** New slots are leased this long before the last one held passes, so that none is missed meanwhile. Milliseconds. */
const askAheadMs = 250;

/** A request is noted this long before its slot: seldom too late, and a kill seldom comes in between. Milliseconds. */
const noteAheadMs = 250;

/** Milliseconds. */
const longestSleepMs = 1_000;
const longestWaitMs = 10_000;

/** Assigns leased send times to the requests of one consumer, each at its time. */
export class SlotPacer {
  readonly #options: PacerOptions;
  #slots: number[] = [];
  /** Since when the line has had no room for this consumer, and how often a lease was refused for that reason. */
  #putOff: { since: number; times: number } | undefined;
  #leasing: Promise<Turn | undefined> | undefined;
  #hasProbe = false;
  #spacingMs: number;
  /** Whether the last lease's slots have times of their own; otherwise they were all due at once, and cost no write. */
  #isPaced = true;
  readonly #latency: Latency;
  readonly #late: LateArrivals;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#spacingMs = options.spacingMs;
    this.#latency = options.latency;
    this.#late = new LateArrivals(options);
  }

  /** The next free slot's turn at its time, or the reason for having none. Without a promise if nothing is to be waited for. */
  next(): Turn | Promise<Turn> {
    return this.#atOnce() ?? this.#wait();
  }

  /** Undefined if no slot is held whose time has come, or if the request is to be noted before. */
  #atOnce(): Turn | undefined {
    const { clock, marginMs, signal, deadline, beforeRequest } = this.#options;
    const [slot] = this.#slots;
    if (slot === undefined || beforeRequest || this.#hasProbe || signal.aborted || deadline.isDrawingIn())
      return undefined;
    const now = clock.now();
    if (now < slot || now > slot + latenessAtHomeMs(marginMs)) return undefined;
    this.#slots.shift();
    this.#askAhead(slot);
    return { kind: 'go', slotMs: slot };
  }

  async #wait(): Promise<Turn> {
    const { clock, marginMs, signal, deadline, beforeRequest } = this.#options;
    while (!signal.aborted && !deadline.isDrawingIn()) {
      // Several requests may have waited for this lease, but only one is the probe.
      if (this.#hasProbe) {
        this.#hasProbe = false;
        await beforeRequest?.();
        return signal.aborted ? { kind: 'stopped' } : { kind: 'probe' };
      }
      const slot = this.#slots.shift();
      if (slot === undefined) {
        const paused = await this.#lease();
        if (paused) return paused;
        continue;
      }
      this.#askAhead(slot);
      if (beforeRequest) {
        await this.#waitUntil(slot - noteAheadMs);
        if (!signal.aborted) await beforeRequest();
      }
      await this.#waitUntil(slot);
      if (clock.now() <= slot + latenessAtHomeMs(marginMs)) {
        return signal.aborted ? { kind: 'stopped' } : { kind: 'go', slotMs: slot };
      }
      // Without a limit, all slots of a lease are due at the same time, so all are as late.
      if (!this.#isPaced) this.drop();
    }
    return { kind: 'stopped' };
  }

  /** Timers have millisecond resolution and may fire slightly early: never before that time. */
  async #waitUntil(timeMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    while (clock.now() < timeMs && !signal.aborted) {
      this.#options.onWait();
      await clock.sleep(Math.min(Math.ceil(timeMs - clock.now()), longestWaitMs), signal);
    }
  }

  /** Notes a request's outcome: leases are sized to what the connections can serve, and a late request shifts the line. */
  answered(turn: Turn, sentAt: number, now: number): void {
    const latency = this.#latency;
    const differsMs = now - sentAt - latency.meanMs;
    latency.meanMs += differsMs / 8;
    latency.strayMs += (Math.abs(differsMs) - latency.strayMs) / 8;
    if (turn.kind !== 'go') return;
    const shiftMs = this.#late.observe(turn.slotMs, sentAt, now);
    // A failure here must not fail the request: without the shift, a window may get one request too many, which the API
    // answers with 429.
    if (shiftMs > 0) this.#options.limiter.shift(shiftMs).catch(() => undefined);
  }

  /** Drops the slots held: they are too late, or the line has been shifted. */
  drop(): void {
    this.#slots = [];
  }

  #askAhead(slot: number): void {
    if (!this.#isPaced) return;
    const last = this.#slots.at(-1) ?? slot;
    if (this.#leasing || last > this.#options.clock.now() + askAheadMs || this.#wanted() <= 0) return;
    // A pause or fault found here is found again by the next request without a slot.
    this.#lease().catch(() => undefined);
  }

  #wanted(): number {
    return this.#options.demand() - this.#slots.length;
  }

  /** One lease at a time; all requests that need one wait for it. */
  #lease(): Promise<Turn | undefined> {
    return (this.#leasing ??= this.#leaseOnce().finally(() => (this.#leasing = undefined)));
  }

  async #leaseOnce(): Promise<Turn | undefined> {
    const { limiter, clock, connections, marginMs } = this.#options;
    const wanted = Math.max(1, this.#wanted());
    const latencyMs = this.#latency.meanMs + this.#latency.strayMs;
    const spacingMs = this.#spacingMs;
    // The limiter shortens it if others use the line.
    const most = this.#putOff ? slotsOfASecond(spacingMs) : slotsOfLongLease(spacingMs);
    const size = leaseSize({ wanted, connections, latencyMs, spacingMs, marginMs, most });
    // With more demand, shares get smaller and every consumer's turn comes sooner.
    const share = Math.ceil(size / (1 + (this.#putOff?.times ?? 0)));
    const waitedMs = this.#putOff ? clock.now() - this.#putOff.since : 0;
    const lease = await limiter.leaseSlots(share, waitedMs, this.#options.prober?.());
    if (lease.kind === 'probe') {
      this.#hasProbe = true;
      return undefined;
    }
    if (lease.kind === 'leased') {
      this.#putOff = undefined;
      this.#isPaced = lease.spacingMs > 0;
      if (this.#isPaced) this.#spacingMs = lease.spacingMs;
      for (let index = 0; index < lease.count; index++) this.#slots.push(lease.firstSlotMs + index * lease.spacingMs);
      return undefined;
    }
    if (lease.paused) return { kind: 'paused', untilMs: lease.untilMs };
    // Others' leases reach as far ahead as allowed: it is their turn.
    this.#putOff ??= { since: clock.now(), times: 0 };
    this.#putOff.times++;
    await this.#sleepUntil(lease.untilMs);
    return undefined;
  }

  /** In steps, so as not to sleep past the end of the function's time. */
  async #sleepUntil(timeMs: number): Promise<void> {
    const { clock, signal, deadline } = this.#options;
    while (clock.now() < timeMs && !signal.aborted && !deadline.isDrawingIn()) {
      this.#options.onWait();
      await clock.sleep(Math.min(Math.ceil(timeMs - clock.now()), longestSleepMs), signal);
    }
  }
}
