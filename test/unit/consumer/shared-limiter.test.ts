import { beforeEach, describe, expect, it } from 'vitest';
import { SharedLimiter } from '../../../lambdas/consumer/shared-limiter.ts';
import {
  breakerPauseMs,
  suspectProbeDelayMs,
  probeLeaseMs,
  sharedOutage,
} from '../../../lambdas/core/limiter/breaker.ts';
import { longestReachMs } from '../../../lambdas/core/limiter/limiter.ts';
import { maxRetryAfterMs } from '../../../lambdas/core/limiter/retry.ts';
import type { LimiterStore } from '../../../lambdas/ports.ts';
import { InMemoryLimiterStore, storeWith } from '../../support/in-memory-limiter-store.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

let clock: SimulatedClock;
let store: InMemoryLimiterStore;
let correctionMs: number;
let ids: number;

/** One of the consumers. */
function join(over: LimiterStore = store, limit = { requests: 600, windowSeconds: 60 }): SharedLimiter {
  const newId = () => `probe-${++ids}`;
  const feed = 'traffic';
  return new SharedLimiter({
    ...{ store: over, clock, limit, feed, newId },
    random: () => 0.5,
    correctionMs: () => correctionMs,
  });
}

const joinWith = (methods: Partial<LimiterStore>): SharedLimiter => join(storeWith(store, methods));

beforeEach(() => {
  clock = new SimulatedClock();
  store = new InMemoryLimiterStore();
  correctionMs = 0;
  ids = 0;
});

it('a probe that is asked to wait keeps the breaker open, and does not count towards giving up a batch', async () => {
  const limiter = join();
  await limiter.openBreaker('throttled');
  for (const failedProbes of [0, 1]) {
    await clock.advance(breakerPauseMs + suspectProbeDelayMs);
    expect(await limiter.leaseSlots(1, 0, { isSuspect: true })).toEqual({ kind: 'probe' });
    const ended = await limiter.endProbe('failed', true, failedProbes === 0);
    expect(ended).toMatchObject({ state: 'open', failedProbes, loneProbes: failedProbes + 1 });
  }
});

describe('a lease', () => {
  it('after a used one takes one write and no read', async () => {
    const limiter = join();
    await limiter.leaseSlots(3, 0);
    let reads = 0;
    let writes = 0;
    const counted = joinWith({
      read: () => (reads++, store.read()),
      update: (change) => (writes++, store.update(change)),
    });
    expect(await counted.leaseSlots(2, 0)).toMatchObject({ kind: 'leased', count: 2 });
    expect([reads, writes]).toEqual([0, 1]);
  });

  it('follows the previous one, whichever consumer holds it', async () => {
    const [first, second] = [await join().leaseSlots(3, 0), await join().leaseSlots(1, 0)];
    if (first.kind !== 'leased' || second.kind !== 'leased') throw new Error('no lease');
    expect(first.firstSlotMs).toBe(clock.now());
    expect(second.firstSlotMs - first.firstSlotMs).toBeCloseTo(3 * first.spacingMs, 3);
  });

  it('is longer for a consumer that has the line to itself, and a second’s worth as soon as it has not', async () => {
    const [limiter, other] = [join(), join()];
    const lease = async (of = limiter) => {
      const leased = await of.leaseSlots(1_000, 0);
      if (leased.kind !== 'leased') throw new Error('no lease');
      // The next one is asked for when the last slot has nearly passed.
      await clock.advance(leased.firstSlotMs + (leased.count - 1) * leased.spacingMs - 250 - clock.now());
      return leased.count;
    };
    expect([await lease(), await lease(), await lease(), await lease()]).toEqual([10, 10, 20, 38]);
    expect(await lease(other)).toBe(10);
    expect([await lease(), await lease(), await lease()]).toEqual([10, 10, 20]);
  });

  it('never reaches further than a change of the limit allows', async () => {
    const limiter = join();
    for (let leases = 0; leases < 20; leases++) {
      const leased = await limiter.leaseSlots(1_000, 0);
      if (leased.kind === 'leased') {
        const lastSlotMs = leased.firstSlotMs + (leased.count - 1) * leased.spacingMs;
        expect(lastSlotMs - clock.now()).toBeLessThanOrEqual(longestReachMs);
      }
      await clock.advance(leases % 3 === 0 ? 900 : 2_700);
    }
  });

  it('reaches no further on an idle line whose table is slow', async () => {
    let readMs = 0;
    const limiter = joinWith({ read: async () => (await clock.advance(readMs), store.read()) });
    const lease = async () => {
      const leased = await limiter.leaseSlots(1_000, 0);
      if (leased.kind !== 'leased') throw new Error('no lease');
      return { count: leased.count, lastSlotMs: leased.firstSlotMs + (leased.count - 1) * leased.spacingMs };
    };
    for (let leases = 0; leases < 4; leases++) await clock.advance((await lease()).lastSlotMs - 250 - clock.now());
    await clock.advance(2_000);
    readMs = 1_900;
    const { count, lastSlotMs } = await lease();
    expect(count).toBeGreaterThan(10);
    expect(lastSlotMs - clock.now()).toBeLessThanOrEqual(longestReachMs);
  });

  it('reports how many requests passed, and others see it', async () => {
    const [limiter, other] = [join(), join()];
    for (const _ of [1, 2, 3]) limiter.noteSuccess();
    expect(await limiter.countOthers()).toMatchObject({ passes: 3, pauses: 0 });
    expect(await other.countOthers()).toMatchObject({ passes: 0 });
    await limiter.leaseSlots(1, 0);
    expect(await limiter.countOthers()).toMatchObject({ passes: 3 });
    expect(await other.countOthers()).toMatchObject({ passes: 3 });
    await limiter.pauseUntil(clock.now() + 1_000);
    await limiter.pauseUntil(clock.now() + 2_000, false);
    expect(await other.countOthers()).toMatchObject({ pauses: 1, pausedUntilMs: clock.now() + 2_000 });
  });

  it('reports refusals, and counts those of all consumers until a record is accepted', async () => {
    const [limiter, other] = [join(), join()];
    for (const each of [limiter, other]) {
      for (const _ of [1, 2, 3]) each.noteRefusal();
      await each.leaseSlots(1, 0);
    }
    other.noteRefusal();
    expect(other.refusals().count).toBe(7);
    limiter.noteSuccess({ sentAtMs: clock.now() });
    expect(limiter.refusals().count).toBe(0);
    await limiter.leaseSlots(1, 0);
    await other.leaseSlots(1, 0);
    expect(other.refusals()).toEqual({ count: 1, sinceMs: clock.now() + 1 });
  });

  it('restarts the count of refusals once others have passed', async () => {
    const [limiter, other] = [join(), join()];
    limiter.noteRefusal();
    const acceptedBefore = clock.now();
    other.noteSuccess({ sentAtMs: acceptedBefore });
    await other.leaseSlots(1, 0);
    expect(await limiter.openBreaker('refusing', { acceptedBefore })).toBe('others-pass');
    expect(limiter.refusals().count).toBe(0);
  });

  it('goes to the consumer that has waited if the backlog is too long for a new one', async () => {
    for (let lease = 0; lease < 3; lease++) await join().leaseSlots(5, 60_000);
    expect(await join().leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: false });
    expect(await join().leaseSlots(1, 60_000)).toMatchObject({ kind: 'leased' });
  });

  it.each([5, 40, 300])('has slots in the future if the table answers after %i ms', async (callMs) => {
    const slow = storeWith(store, {
      read: async () => (await clock.advance(callMs), store.read()),
      update: async (change) => (await clock.advance(callMs), store.update(change)),
    });
    const lease = await join(slow, { requests: 600, windowSeconds: 10 }).leaseSlots(2, 0);
    expect(lease).toMatchObject({ kind: 'leased', count: 2 });
    if (lease.kind === 'leased') expect(lease.firstSlotMs).toBeGreaterThanOrEqual(clock.now());
  });

  it('is given in the consumer’s own time if its clock is wrong', async () => {
    correctionMs = 5_000;
    expect(await join().leaseSlots(1, 0)).toMatchObject({ kind: 'leased', firstSlotMs: clock.now() });
    expect(store.item.tat).toBeCloseTo(clock.now() + 5_000 + 100.5, 3);
  });

  it('waits for a throttled table, and gives up when it is throttled for long', async () => {
    const limiter = joinWith({
      read: () => Promise.reject(new Error('throttled')),
      update: () => Promise.reject(new Error('throttled')),
    });
    for (let fault = 0; fault < 5; fault++) {
      expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: false });
    }
    await expect(limiter.leaseSlots(1, 0)).rejects.toThrow('throttled');
  });
});

describe('a pause', () => {
  it('is reported as a pause, and ends on time', async () => {
    await join().leaseSlots(1, 0);
    await join().pauseUntil(clock.now() + 7_000);
    expect(await join().leaseSlots(1, 0)).toEqual({ kind: 'wait', untilMs: clock.now() + 7_000, paused: true });
    await clock.advance(7_000);
    expect(await join().leaseSlots(1, 0)).toMatchObject({ kind: 'leased', firstSlotMs: clock.now() });
  });

  it('is not reported for a slow rate', async () => {
    const slow = { requests: 1, windowSeconds: 30 };
    await join(store, slow).leaseSlots(1, 0);
    expect(await join(store, slow).leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: false });
  });

  it('is never shortened by another', async () => {
    await join().pauseUntil(clock.now() + 60_000);
    await join().pauseUntil(clock.now() + 1_000);
    expect(store.item.pausedUntil).toBe(clock.now() + 60_000);
  });

  it.each([10 * 365 * 86_400_000, Infinity])('of %d ms is no longer than the longest', async (ms) => {
    await join().pauseUntil(clock.now() + ms);
    expect(store.item.pausedUntil).toBe(clock.now() + maxRetryAfterMs);
  });

  it.each([NaN, -Infinity, -5_000])('of %d ms delays no consumer', async (ms) => {
    await join().pauseUntil(clock.now() + ms);
    expect(await join().leaseSlots(1, 0)).toMatchObject({ kind: 'leased' });
  });
});

describe('shifts of the next slot', () => {
  it('by all consumers together are at most a hundredth of a window', async () => {
    await join().leaseSlots(10, 0);
    const before = store.item.tat ?? 0;
    for (let consumer = 0; consumer < 50; consumer++) await join().shift(100);
    expect((store.item.tat ?? 0) - before).toBeLessThanOrEqual(600);
    expect((store.item.tat ?? 0) - before).toBeGreaterThanOrEqual(500);
  });
});

describe('the breaker', () => {
  it('is opened by one of the consumers that request it', async () => {
    const until = clock.now() + breakerPauseMs;
    expect(await join().openBreaker('throttled')).toEqual({
      state: 'open',
      reason: 'throttled',
      failedProbes: 0,
      untilMs: until,
    });
    expect(await join().openBreaker('outage')).toBeUndefined();
    expect(await join().leaseSlots(1, 0)).toEqual({ kind: 'wait', untilMs: until, paused: true });
  });

  it('gives one consumer the probe, and another one when the first has died', async () => {
    const [dead, other] = [join(), join()];
    await dead.openBreaker('outage');
    await clock.advance(breakerPauseMs);
    expect(await dead.leaseSlots(5, 0)).toEqual({ kind: 'probe' });
    expect(await other.leaseSlots(5, 0)).toMatchObject({ kind: 'wait', paused: true });
    await clock.advance(probeLeaseMs);
    expect(await other.leaseSlots(5, 0)).toEqual({ kind: 'probe' });
    expect(await dead.endProbe(true)).toBeUndefined();
    expect(await other.endProbe(false)).toMatchObject({ state: 'open', reason: 'outage', failedProbes: 1 });
  });

  it('allows the probe although the answer that assigned it was lost', async () => {
    await join().openBreaker('outage');
    await clock.advance(breakerPauseMs);
    // What the SDK does: the write is made, its answer is lost, it is made again.
    const twice = joinWith({
      read: () => store.read(),
      update: async (change) => {
        await store.update(change);
        return store.update(change);
      },
    });
    expect(await twice.leaseSlots(1, 0)).toEqual({ kind: 'probe' });
  });

  it('reports why it was open when it closes', async () => {
    const limiter = join();
    await limiter.openBreaker('throttled');
    await clock.advance(breakerPauseMs);
    await limiter.leaseSlots(1, 0);
    expect(await limiter.endProbe(true)).toMatchObject({ state: 'closed', reason: 'throttled', untilMs: null });
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'leased' });
  });

  it('allows the next request a whole step after a probe, however late the probe was sent', async () => {
    const limiter = join();
    await limiter.openBreaker('unauthorised');
    await clock.advance(breakerPauseMs);
    await limiter.leaseSlots(1, 0);
    // The secret is read again between the lease and the request.
    await clock.advance(10_000);
    const sentAt = clock.now();
    await limiter.endProbe(true);
    const next = await join().leaseSlots(1, 0);
    expect(next).toMatchObject({ kind: 'leased' });
    if (next.kind === 'leased') expect(next.firstSlotMs - sentAt).toBeGreaterThanOrEqual(next.spacingMs);
  });

  it('gives up one batch per opening', async () => {
    const limiter = join();
    for (const opening of [1, 2]) {
      await limiter.openBreaker('outage');
      expect(await limiter.takeFlush(2), `${opening}`).toBe(false);
      for (const flushed of [false, true]) {
        await clock.advance(breakerPauseMs);
        await limiter.leaseSlots(1, 0);
        await limiter.endProbe(false);
        expect(await limiter.takeFlush(2)).toBe(flushed);
      }
      expect(await join().takeFlush(2)).toBe(false);
      await clock.advance(breakerPauseMs);
      await limiter.leaseSlots(1, 0);
      await limiter.endProbe(true);
    }
  });
});

describe('the other consumers, whose reports are read before the breaker opens', () => {
  const accept = async (sentAtMs: number, secretVersion?: string) => {
    const other = join();
    other.noteSuccess({ sentAtMs, secretVersion });
    await other.leaseSlots(1, 0);
  };

  it('keep it closed if a request of theirs has passed since, and only then', async () => {
    const since = clock.now();
    await accept(since - 1);
    expect(await join().openBreaker('throttled', { acceptedBefore: since })).toMatchObject({ state: 'open' });
    store.item = {};
    await accept(since + 1);
    expect(await join().openBreaker('throttled', { acceptedBefore: since })).toBe('others-pass');
    expect(store.item.breaker ?? 'closed').toBe('closed');
  });

  it('count for a token only if they sent with the same secret', async () => {
    const acceptedBefore = clock.now();
    await accept(acceptedBefore, 'v1');
    const open = (secretVersion: string | undefined) =>
      join().openBreaker('unauthorised', { acceptedBefore, secretVersion });
    expect(await open('v1')).toBe('others-pass');
    expect(await open('v2')).toMatchObject({ state: 'open' });
    store.item = { ...store.item, breaker: 'closed' };
    expect(await open(undefined)).toMatchObject({ state: 'open' });
  });

  it('are considered even if they report while it is being opened', async () => {
    const since = clock.now();
    const late = joinWith({
      read: () => store.read(),
      update: async (change) => {
        if (change.set?.breaker === 'open') await accept(since + 1);
        return store.update(change);
      },
    });
    expect(await late.openBreaker('throttled', { acceptedBefore: since })).toBe('others-pass');
  });

  it('probe before those that have only records that failed', async () => {
    await join().openBreaker('outage');
    await clock.advance(breakerPauseMs);
    expect(await join().leaseSlots(1, 0, { isSuspect: true })).toMatchObject({ kind: 'wait', paused: true });
    expect(await join().leaseSlots(1, 0)).toEqual({ kind: 'probe' });
  });

  it('leave the probe to a record that failed if no other consumer has come', async () => {
    await join().openBreaker('outage');
    await clock.advance(breakerPauseMs + suspectProbeDelayMs);
    expect(await join().leaseSlots(1, 0, { isSuspect: true })).toEqual({ kind: 'probe' });
  });

  it('of other files probe first if all records of one file were refused', async () => {
    await join().openBreaker('refusing', undefined, { file: 'f1' });
    await clock.advance(breakerPauseMs);
    expect(await join().leaseSlots(1, 0, { isSuspect: false, file: 'f1' })).toMatchObject({ kind: 'wait' });
    const other = join();
    expect(await other.leaseSlots(1, 0, { isSuspect: false, file: 'f2' })).toEqual({ kind: 'probe' });
    expect(await other.endProbe('refused')).toMatchObject({ state: 'open', reason: 'refusing' });
  });
});

describe('an outage that no single consumer can detect', () => {
  const count = async (failures: number, everyMs: number) => {
    let opens = false;
    for (let nth = 0; nth < failures; nth++) {
      opens = await join().countOutage();
      await clock.advance(everyMs);
    }
    return opens;
  };

  it('is counted over all of them', async () => {
    expect(await count(sharedOutage.records - 1, 1_000)).toBe(false);
    expect(await count(1, 0)).toBe(true);
  });

  it('is not assumed if another consumer’s requests succeed: the next lease says so', async () => {
    await count(sharedOutage.records - 1, 1_000);
    const lucky = join();
    lucky.noteSuccess();
    await lucky.leaseSlots(1, 0);
    expect(await count(sharedOutage.records - 1, 1_000)).toBe(false);
  });

  it('is not assumed before a success can have been reported, nor if failures are far apart', async () => {
    expect(await count(3 * sharedOutage.records, 10)).toBe(false);
    await join().forgetOutage();
    expect(await count(3 * sharedOutage.records, sharedOutage.longestMs / (sharedOutage.records - 1) + 1_000)).toBe(
      false,
    );
  });
});

describe('without a limit', () => {
  /** What it asks of the store. */
  let asked: string[];
  const free = (): SharedLimiter =>
    new SharedLimiter({
      store: storeWith(store, {
        read: () => (asked.push('read'), store.read()),
        update: (change) => (asked.push('update'), store.update(change)),
      }),
      clock,
      limit: { requests: 1, windowSeconds: 60, isPaced: false },
      feed: 'traffic',
      newId: () => `probe-${++ids}`,
      random: () => 0.5,
      correctionMs: () => correctionMs,
    });

  beforeEach(() => {
    asked = [];
  });

  it('every consumer may send at once, and reads the store only now and then', async () => {
    const limiter = free();
    for (let n = 0; n < 100; n++) {
      limiter.noteSuccess();
      expect(await limiter.leaseSlots(50, 0)).toEqual({
        kind: 'leased',
        firstSlotMs: clock.now(),
        spacingMs: 0,
        count: 50,
      });
      await clock.advance(20);
    }
    expect(asked.length).toBeLessThanOrEqual(3);
    expect(asked).not.toContain('update');
  });

  it('a pause that the API requested from this consumer applies at once, and one from another within a second', async () => {
    const [limiter, other] = [free(), free()];
    await other.leaseSlots(1, 0);
    await limiter.pauseUntil(clock.now() + 5_000);
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: true });
    await clock.advance(1_000);
    expect(await other.leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: true });
    await clock.advance(4_000);
    expect(await other.leaseSlots(1, 0)).toMatchObject({ kind: 'leased' });
  });

  it('a pause applies at once to a consumer that reads while it is written', async () => {
    const limiter = free();
    const update = store.update.bind(store);
    store.update = async (change) => {
      await limiter.leaseSlots(1, 0);
      return update(change);
    };
    await limiter.pauseUntil(clock.now() + 5_000);
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: true });
  });

  it('the breaker still applies, with one probe at a time', async () => {
    const [limiter, other] = [free(), free()];
    await other.leaseSlots(1, 0);
    await limiter.openBreaker('outage');
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: true });
    await clock.advance(breakerPauseMs + 1);
    expect(await limiter.leaseSlots(1, 0)).toEqual({ kind: 'probe' });
    expect(await other.leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: true });
    await limiter.endProbe(true);
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'leased' });
  });

  it('a success resets the count towards an outage', async () => {
    const limiter = free();
    await limiter.countOutage();
    limiter.noteSuccess();
    await limiter.leaseSlots(1, 0);
    expect((await store.read()).outageRecords ?? 0).toBe(0);
  });

  it('reports an accepted request if another consumer asks', async () => {
    const [limiter, asking] = [free(), free()];
    limiter.noteSuccess({ sentAtMs: clock.now() + 1 });
    await limiter.leaseSlots(1, 0);
    expect(asked).not.toContain('update');
    await asking.requestReports();
    await clock.advance(1_000);
    await limiter.leaseSlots(1, 0);
    expect(await asking.openBreaker('throttled', { acceptedBefore: clock.now() - 1_000 })).toBe('others-pass');
  });

  it('counts only requests that passed close to the question', async () => {
    const [limiter, asking] = [free(), free()];
    for (let second = 0; second < 5; second++) {
      limiter.noteSuccess({ sentAtMs: clock.now() });
      await limiter.leaseSlots(1, 0);
      await clock.advance(1_000);
    }
    const { passes } = await asking.countOthers();
    await asking.requestReports();
    await clock.advance(1_000);
    limiter.noteSuccess({ sentAtMs: clock.now() });
    await limiter.leaseSlots(1, 0);
    expect((await asking.countOthers()).passes - passes).toBe(1);
  });

  it('shifts nothing: there are no slots', async () => {
    await free().shift(100);
    expect(asked).toEqual([]);
  });
});
