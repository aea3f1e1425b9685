import type { Prober } from '../core/limiter/limiter-item.ts';
import { LateArrivals } from '../core/limiter/late-arrivals.ts';
import { latenessAtHomeMs, leaseSize } from '../core/limiter/limiter.ts';
import type { Clock, Limiter } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';

/** What the next request may do. */
export type Turn =
  | { kind: 'go'; slotMs: number }
  /** Go, as the one request that decides whether the breaker closes. */
  | { kind: 'probe' }
  /** Nobody sends before then. */
  | { kind: 'paused'; untilMs: number }
  | { kind: 'stopped' };

export interface PacerOptions {
  limiter: Limiter;
  clock: Clock;
  connections: number;
  spacingMs: number;
  marginMs: number;
  windowMs: number;
  /** Requests still to be made, as far as is known: no more slots are leased than that. */
  demand: () => number;
  /** See `Limiter.leaseSlots`. */
  prober?: () => Prober;
  /** Called at the latest every ten seconds of waiting: a lease may have to be renewed. */
  onWait: () => void;
  /** Waiting for a turn ends when it draws in: in a long line that may be before a slot is had. */
  deadline: Pick<Deadline, 'isDrawingIn'>;
  signal: AbortSignal;
}

/** Slots are asked for this long before the last one in hand passes, so that none goes by meanwhile. Milliseconds. */
const askAheadMs = 250;

/** Milliseconds. */
const longestSleepMs = 1_000;
const longestWaitMs = 10_000;

/** Deals leased send times to the requests of one consumer, each at its time. */
export class SlotPacer {
  readonly #options: PacerOptions;
  #slots: number[] = [];
  /** Since when the line has had no room for this consumer, and how often it was told so. */
  #putOff: { since: number; times: number } | undefined;
  #leasing: Promise<Turn | undefined> | undefined;
  #hasProbe = false;
  /** A running mean of how long the API takes to answer, and of how far single answers are from it; guesses at first. */
  #latencyMs = 50;
  #strayMs = 200;
  /** Slots that passed unused because a request came too late for them. */
  missed = 0;

  readonly #late: LateArrivals;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#late = new LateArrivals(options);
  }

  /** Resolves at the time of the next free slot, or with the reason why there is none. */
  async next(): Promise<Turn> {
    const { clock, marginMs, signal, deadline } = this.#options;
    while (!signal.aborted && !deadline.isDrawingIn()) {
      // Many may have waited for the lease that brought it, but there is one probe.
      if (this.#hasProbe) {
        this.#hasProbe = false;
        return { kind: 'probe' };
      }
      const slot = this.#slots.shift();
      if (slot === undefined) {
        const paused = await this.#lease();
        if (paused) return paused;
        continue;
      }
      this.#askAhead(slot);
      // Timers count whole milliseconds and may ring a little early: never before the slot.
      while (clock.now() < slot && !signal.aborted) {
        this.#options.onWait();
        await clock.sleep(Math.min(Math.ceil(slot - clock.now()), longestWaitMs), signal);
      }
      if (clock.now() <= slot + latenessAtHomeMs(marginMs)) {
        return signal.aborted ? { kind: 'stopped' } : { kind: 'go', slotMs: slot };
      }
      this.missed++;
    }
    return { kind: 'stopped' };
  }

  /** Tells how a request fared: leases fit what the connections can serve, and a late one moves the line. */
  answered(turn: Turn, sentAt: number): void {
    const now = this.#options.clock.now();
    const differsMs = now - sentAt - this.#latencyMs;
    this.#latencyMs += differsMs / 8;
    this.#strayMs += (Math.abs(differsMs) - this.#strayMs) / 8;
    if (turn.kind !== 'go') return;
    const shiftMs = this.#late.observe(turn.slotMs, sentAt, now);
    // Not worth a request's failure: without it a window may see one too many, and the API says so.
    if (shiftMs > 0) this.#options.limiter.shift(shiftMs).catch(() => undefined);
  }

  /** Gives up the slots in hand: the line has been moved. */
  drop(): void {
    this.#slots = [];
  }

  #askAhead(slot: number): void {
    const last = this.#slots.at(-1) ?? slot;
    if (this.#leasing || last > this.#options.clock.now() + askAheadMs || this.#wanted() <= 0) return;
    // A pause or a fault met here is met again by whoever finds no slot.
    this.#lease().catch(() => undefined);
  }

  #wanted(): number {
    return this.#options.demand() - this.#slots.length;
  }

  /** One lease at a time; everybody who needs one waits for it. */
  #lease(): Promise<Turn | undefined> {
    return (this.#leasing ??= this.#leaseOnce().finally(() => (this.#leasing = undefined)));
  }

  async #leaseOnce(): Promise<Turn | undefined> {
    const { limiter, clock, connections, spacingMs, marginMs } = this.#options;
    const wanted = Math.max(1, this.#wanted());
    const latencyMs = this.#latencyMs + this.#strayMs;
    const size = leaseSize({ wanted, connections, latencyMs, spacingMs, marginMs });
    // The more the line is in demand, the smaller the shares, and the sooner everybody's turn.
    const share = Math.ceil(size / (1 + (this.#putOff?.times ?? 0)));
    const waitedMs = this.#putOff ? clock.now() - this.#putOff.since : 0;
    const lease = await limiter.leaseSlots(share, waitedMs, this.#options.prober?.());
    if (lease.kind === 'probe') {
      this.#hasProbe = true;
      return undefined;
    }
    if (lease.kind === 'leased') {
      this.#putOff = undefined;
      for (let index = 0; index < lease.count; index++) this.#slots.push(lease.firstSlotMs + index * lease.spacingMs);
      return undefined;
    }
    if (lease.paused) return { kind: 'paused', untilMs: lease.untilMs };
    // Others' leases reach as far ahead as they may: it is their turn.
    this.#putOff ??= { since: clock.now(), times: 0 };
    this.#putOff.times++;
    await this.#sleepUntil(lease.untilMs);
    return undefined;
  }

  /** In steps, so that the end of the function's time is not slept through. */
  async #sleepUntil(timeMs: number): Promise<void> {
    const { clock, signal, deadline } = this.#options;
    while (clock.now() < timeMs && !signal.aborted && !deadline.isDrawingIn()) {
      this.#options.onWait();
      await clock.sleep(Math.min(Math.ceil(timeMs - clock.now()), longestSleepMs), signal);
    }
  }
}
