import type { BreakerReason } from '../core/breaker.ts';
import { breakerPauseMs, probeLeaseMs } from '../core/breaker.ts';
import type { RateLimit } from '../core/limiter.ts';
import { maxLeaseAheadMs, slotSpacingMs } from '../core/limiter.ts';
import type { Clock, Limiter, SlotLease } from '../ports.ts';
import type { DynamoTable } from './dynamo-table.ts';

interface LimiterItem {
  /** The next free send time, milliseconds since 1970 (with fractions). */
  tat?: number;
  breaker?: 'closed' | 'open';
  openUntil?: number;
  reason?: BreakerReason;
  failedProbes?: number;
  probeOwner?: string;
  probeUntil?: number;
}

/** Refusals in a row by contention, before the caller is told to wait a little. */
const maxRounds = 5;

/** `LIMITER#<api>` / `LIMITER`: one item an API, so that every consumer of every file and lane shares its limit. */
export class DynamoLimiter implements Limiter {
  readonly #table: DynamoTable;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #pk: string;
  readonly #owner: string;
  readonly #spacingMs: number;

  /** @param owner tells this consumer's probe from another's */
  constructor(table: DynamoTable, clock: Pick<Clock, 'now'>, api: string, limit: RateLimit, owner: string) {
    this.#table = table;
    this.#clock = clock;
    this.#pk = `LIMITER#${api}`;
    this.#owner = owner;
    this.#spacingMs = slotSpacingMs(limit);
  }

  async leaseSlots(count: number): Promise<SlotLease> {
    const spanMs = count * this.#spacingMs;
    for (let round = 0; round < maxRounds; round++) {
      const now = this.#clock.now();
      // The line is in use: join its end, unless that is too far ahead.
      const joined = await this.#update('ADD tat :span', `tat >= :now AND tat <= :ahead AND ${closed}`, {
        ':span': spanMs,
        ':now': now,
        ':ahead': now + maxLeaseAheadMs,
        ':closed': 'closed',
      });
      if (joined) return this.#leased(joined, spanMs, count);

      const item = await this.#read();
      if (item.breaker === 'open') return this.#askToProbe(item, now);
      if (item.tat !== undefined && item.tat > now + maxLeaseAheadMs) {
        return { kind: 'wait', untilMs: item.tat - maxLeaseAheadMs / 2, paused: item.tat > now + 2 * maxLeaseAheadMs };
      }
      // The line is idle: it starts when this answer will be here, going by how long the two before took. Begun now, a
      // few slots would all have passed by then where the table is slow, and so would those of every further lease.
      const answeredAt = this.#clock.now();
      const startMs = answeredAt + Math.min(answeredAt - now, maxLeaseAheadMs);
      const begun = await this.#update('SET tat = :end', `(attribute_not_exists(tat) OR tat < :now) AND ${closed}`, {
        ':end': startMs + spanMs,
        ':now': answeredAt,
        ':closed': 'closed',
      });
      if (begun) return this.#leased(begun, spanMs, count);
    }
    return { kind: 'wait', untilMs: this.#clock.now() + 50, paused: false };
  }

  #leased(item: LimiterItem, spanMs: number, count: number): SlotLease {
    return { kind: 'leased', firstSlotMs: (item.tat ?? 0) - spanMs, spacingMs: this.#spacingMs, count };
  }

  async #askToProbe(item: LimiterItem, now: number): Promise<SlotLease> {
    // A probe is a request like any other: it takes a slot, and waits for what Retry-After asked for.
    const freeAt = Math.max(item.openUntil ?? 0, item.probeUntil ?? 0, item.tat ?? 0);
    if (freeAt > now) return { kind: 'wait', untilMs: freeAt, paused: true };
    const probing = await this.#update(
      'SET probeOwner = :owner, probeUntil = :until, tat = :end',
      'breaker = :open AND openUntil <= :now AND (attribute_not_exists(probeUntil) OR probeUntil <= :now) AND ' +
        '(attribute_not_exists(tat) OR tat <= :now)',
      {
        ':owner': this.#owner,
        ':until': now + probeLeaseMs,
        ':end': now + this.#spacingMs,
        ':open': 'open',
        ':now': now,
      },
    );
    return probing ? { kind: 'probe' } : { kind: 'wait', untilMs: now + 1_000, paused: true };
  }

  async pauseUntil(timeMs: number): Promise<void> {
    await this.#update('SET tat = :until', 'attribute_not_exists(tat) OR tat < :until', { ':until': timeMs });
  }

  async shift(ms: number): Promise<void> {
    await this.#update('ADD tat :ms', 'tat >= :now', { ':ms': ms, ':now': this.#clock.now() });
  }

  async openBreaker(reason: BreakerReason): Promise<void> {
    await this.#update(
      'SET breaker = :open, openUntil = :until, reason = :reason, failedProbes = :zero REMOVE probeOwner, probeUntil',
      closed,
      {
        ':open': 'open',
        ':closed': 'closed',
        ':until': this.#clock.now() + breakerPauseMs,
        ':reason': reason,
        ':zero': 0,
      },
    );
  }

  async endProbe(success: boolean): Promise<number> {
    const mine = 'breaker = :open AND probeOwner = :owner';
    const values = { ':open': 'open', ':owner': this.#owner };
    if (success) {
      await this.#update('SET breaker = :closed REMOVE probeOwner, probeUntil, openUntil, failedProbes, reason', mine, {
        ...values,
        ':closed': 'closed',
      });
      return 0;
    }
    const open = await this.#update(
      'SET openUntil = :until, failedProbes = if_not_exists(failedProbes, :zero) + :one REMOVE probeOwner, probeUntil',
      mine,
      { ...values, ':until': this.#clock.now() + breakerPauseMs, ':zero': 0, ':one': 1 },
    );
    return open?.failedProbes ?? 0;
  }

  async #read(): Promise<LimiterItem> {
    return (await this.#table.get(this.#pk, 'LIMITER')) ?? {};
  }

  async #update(change: string, condition: string, values: Record<string, unknown>): Promise<LimiterItem | undefined> {
    return await this.#table.update(this.#pk, 'LIMITER', {
      UpdateExpression: change,
      ConditionExpression: condition,
      ExpressionAttributeValues: values,
    });
  }
}

const closed = '(attribute_not_exists(breaker) OR breaker = :closed)';
