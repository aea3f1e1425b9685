import { LateArrivals } from '../core/late-arrivals.ts';
import { leaseSize } from '../core/limiter.ts';
import type { Clock, Limiter } from '../ports.ts';

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
  signal: AbortSignal;
}

/** Slots are asked for this long before the last one in hand passes, so that none goes by meanwhile. Milliseconds. */
const askAheadMs = 250;

/** Deals leased send times to the requests of one consumer, each at its time. */
export class SlotPacer {
  readonly #options: PacerOptions;
  #slots: number[] = [];
  #leasing: Promise<Turn | undefined> | undefined;
  #hasProbe = false;
  /** A running mean of how long the API takes to answer; a guess until it has. */
  #latencyMs = 50;
  /** Slots that passed unused because a request came too late for them. */
  missed = 0;

  readonly #late: LateArrivals;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#late = new LateArrivals(options);
  }

  /** Resolves at the time of the next free slot, or with the reason why there is none. */
  async next(): Promise<Turn> {
    const { clock, marginMs, signal } = this.#options;
    while (!signal.aborted) {
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
      while (clock.now() < slot && !signal.aborted) await clock.sleep(Math.ceil(slot - clock.now()), signal);
      // Half of the margin is for being late here, half for being late on the way.
      if (clock.now() <= slot + marginMs / 2) {
        return signal.aborted ? { kind: 'stopped' } : { kind: 'go', slotMs: slot };
      }
      this.missed++;
    }
    return { kind: 'stopped' };
  }

  /** Tells how a request fared: leases fit what the connections can serve, and a late one moves the line. */
  answered(turn: Turn, sentAt: number): void {
    const now = this.#options.clock.now();
    this.#latencyMs += (now - sentAt - this.#latencyMs) / 8;
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
    const { limiter, clock, connections, spacingMs, marginMs, signal } = this.#options;
    const wanted = Math.max(1, this.#wanted());
    const size = leaseSize({ wanted, connections, latencyMs: this.#latencyMs, spacingMs, marginMs });
    const lease = await limiter.leaseSlots(size);
    if (lease.kind === 'probe') {
      this.#hasProbe = true;
      return undefined;
    }
    if (lease.kind === 'leased') {
      for (let index = 0; index < lease.count; index++) this.#slots.push(lease.firstSlotMs + index * lease.spacingMs);
      return undefined;
    }
    if (lease.paused) return { kind: 'paused', untilMs: lease.untilMs };
    // Others' leases reach as far ahead as they may: it is their turn.
    await clock.sleep(lease.untilMs - clock.now(), signal);
    return undefined;
  }
}
