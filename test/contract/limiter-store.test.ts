import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { DynamoItemStore } from '../../lambdas/adapters/dynamo-item-store.ts';
import { watchServerDates } from '../../lambdas/adapters/watch-server-dates.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import { breakerPauseMs, sharedOutage, suspectProbeDelayMs } from '../../lambdas/core/limiter/breaker.ts';
import { overrideLimit, pauseFeed, resetLimit } from '../../lambdas/core/limiter/policy-changes.ts';
import { limiterStore } from '../../lambdas/ledger/limiter-store.ts';
import type { LimiterStore } from '../../lambdas/ports.ts';
import { dynamoDbs } from '../support/implementations.ts';
import { InMemoryLimiterStore } from '../support/in-memory-limiter-store.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

const inDynamo = (client: DynamoDBClient): LimiterStore =>
  limiterStore(new DynamoItemStore(client, inject('cloud').outputs['LedgerTableName'] ?? ''), randomUUID());

/** One suite for the real item and the fake one. */
describe.each([
  ['in memory', (): LimiterStore => new InMemoryLimiterStore()],
  ...dynamoDbs().map(([name, settings]): [string, () => LimiterStore] => {
    const client = new DynamoDBClient(settings);
    return [`in ${name}`, () => inDynamo(client)];
  }),
])('the limiter’s item %s', (_, create) => {
  let store: LimiterStore;
  beforeEach(() => {
    store = create();
  });

  it('is empty at first', async () => {
    expect(await store.read()).not.toHaveProperty('tat');
  });

  it('is changed if every check holds, and otherwise not at all', async () => {
    const set = { tat: 10.5, reason: 'outage' as const };
    expect(await store.update({ when: [{ name: 'tat', is: '<', value: 5, orAbsent: true }], set })).toMatchObject(set);
    const failing = [{ name: 'tat', is: '<', value: 5, orAbsent: true } as const];
    expect(await store.update({ when: failing, set: { tat: 0 } })).toBeUndefined();
    expect(await store.update({ when: [{ name: 'openUntil', is: '<=', value: 5 }], set: { tat: 0 } })).toBeUndefined();
    expect(await store.read()).toMatchObject(set);
  });

  it.each([
    ['<', 10, false],
    ['<', 11, true],
    ['<=', 10, true],
    ['<=', 9, false],
    ['>=', 10, true],
    ['>=', 11, false],
    ['=', 10, true],
    ['=', 11, false],
  ] as const)('holding 10 is %s %i: %s', async (is, value, holds) => {
    await store.update({ when: [{ name: 'tat', is: '<', value: 0, orAbsent: true }], set: { tat: 10 } });
    const changed = await store.update({ when: [{ name: 'tat', is, value }], add: { failedProbes: 1 } });
    expect(changed !== undefined).toBe(holds);
  });

  it('adds to attributes that do not exist, and removes attributes', async () => {
    const when = [{ name: 'breaker', is: '=', value: 'closed', orAbsent: true } as const];
    expect(await store.update({ when, add: { tat: 2.5, failedProbes: 1 } })).toMatchObject({
      tat: 2.5,
      failedProbes: 1,
    });
    const changed = await store.update({ when, add: { tat: 1 }, set: { probeOwner: 'me' }, remove: ['failedProbes'] });
    expect(changed).toMatchObject({ tat: 3.5, probeOwner: 'me' });
    expect(changed).not.toHaveProperty('failedProbes');
  });

  it('assigns each slot once, however many ask at once', async () => {
    const clock = new SimulatedClock();
    const options = { store, clock, limit: { requests: 600, windowSeconds: 60 }, feed: 'traffic', newId: randomUUID };
    const limiters = Array.from(
      { length: 5 },
      () => new SharedLimiter({ ...options, random: Math.random, correctionMs: () => 0 }),
    );
    const leases = await Promise.all(limiters.map((limiter) => limiter.leaseSlots(2, 0)));
    const firsts = leases.flatMap((lease) => (lease.kind === 'leased' ? [lease.firstSlotMs - clock.now()] : []));
    expect(firsts.length).toBeGreaterThan(0);
    firsts.sort((a, b) => a - b).forEach((first, nth) => expect(first).toBeCloseTo(nth * 201, 3));
  });

  it('stores each step of the breaker’s opening', async () => {
    const clock = new SimulatedClock();
    const options = { store, clock, limit: { requests: 600, windowSeconds: 60 }, feed: 'traffic', newId: randomUUID };
    const limiter = new SharedLimiter({ ...options, random: Math.random, correctionMs: () => 0 });
    await limiter.leaseSlots(1, 0);
    await limiter.pauseUntil(clock.now() + 1_000);
    await limiter.shift(5);
    await limiter.shift(5);
    for (let record = 1; record < sharedOutage.records; record++) {
      expect(await limiter.countOutage()).toBe(false);
      await clock.advance(1_000);
    }
    expect(await limiter.countOutage()).toBe(true);
    expect(await limiter.openBreaker('outage')).toMatchObject({ state: 'open' });
    await clock.advance(breakerPauseMs);
    expect(await limiter.leaseSlots(1, 0)).toEqual({ kind: 'probe' });
    expect(await limiter.endProbe(false)).toMatchObject({ state: 'open', failedProbes: 1 });
    expect([await limiter.takeFlush(1), await limiter.takeFlush(1)]).toEqual([true, false]);
    await clock.advance(breakerPauseMs);
    expect(await limiter.leaseSlots(1, 0)).toEqual({ kind: 'probe' });
    expect(await limiter.endProbe(true)).toMatchObject({ state: 'closed', reason: 'outage', failedProbes: 1 });
    await clock.advance(200);
    limiter.noteSuccess();
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'leased' });
  });

  it('stores a decision completely or not at all, and lists decisions by time', async () => {
    const state = async () => ({ item: await store.read(), inForce: await store.readInForce() });
    const deployed = { requests: 600, windowSeconds: 60 };
    const anna = { feed: 'traffic', by: 'anna', why: 'it was asked for' };
    expect(await store.listDecisions()).toEqual([]);
    const before = await state();
    expect(await store.decide(overrideLimit(before, deployed, { requests: 60 }, anna, 2_000))).toBe(true);
    expect(await store.decide(pauseFeed(before, anna, 1_000))).toBe(false);
    expect(await store.decide(pauseFeed(await state(), { feed: 'a-feed', by: 'ben' }, 3_000))).toBe(true);
    expect(await store.decide(resetLimit(await state(), deployed, anna, 3_000))).toBe(true);
    expect((await store.listDecisions()).map(({ at, policy, kind }) => [at, policy, kind])).toEqual([
      [2_000, 1, 'limit'],
      [3_000, 2, 'pause'],
      [3_000, 3, 'reset'],
    ]);
    expect(await store.readInForce()).toEqual({ pauses: { 'a-feed': { by: 'ben', since: 3_000 } } });
    const item = await store.read();
    expect(item).toMatchObject({ policy: 3, pausedFeeds: { 'a-feed': 3_000 } });
    expect(item).not.toHaveProperty('requests');
  });

  it('stores the reports of other consumers, and probes with records that failed before', async () => {
    const clock = new SimulatedClock();
    const options = { store, clock, limit: { requests: 600, windowSeconds: 60 }, feed: 'traffic', newId: randomUUID };
    const limiter = new SharedLimiter({ ...options, random: Math.random, correctionMs: () => 0 });
    await limiter.leaseSlots(1, 0);
    const acceptedBefore = clock.now();
    limiter.noteSuccess({ sentAtMs: acceptedBefore });
    await limiter.leaseSlots(1, 0);
    expect(await limiter.openBreaker('throttled', { acceptedBefore })).toBe('others-pass');
    expect(await limiter.openBreaker('refusing', { acceptedBefore: acceptedBefore + 1 }, { file: 'f1' })).toMatchObject(
      {
        state: 'open',
      },
    );
    const prober = { isSuspect: true, file: 'f1' };
    for (const loneProbes of [1, 2]) {
      await clock.advance(breakerPauseMs);
      expect(await limiter.leaseSlots(1, 0, prober)).toMatchObject({ kind: 'wait' });
      await clock.advance(suspectProbeDelayMs);
      expect(await limiter.leaseSlots(1, 0, prober)).toEqual({ kind: 'probe' });
      expect(await limiter.endProbe('refused', true)).toMatchObject({ state: 'open', loneProbes });
    }
    await clock.advance(breakerPauseMs);
    expect(await limiter.leaseSlots(1, 0)).toEqual({ kind: 'probe' });
    expect(await limiter.endProbe('accepted')).toMatchObject({ state: 'closed', reason: 'refusing' });
    expect(await store.read()).not.toHaveProperty('loneProbes');
  });
});

it.each(dynamoDbs())('the answers of %s carry the time', async (_, settings) => {
  const client = new DynamoDBClient(settings);
  const seen: [number, number, number][] = [];
  watchServerDates(client, systemClock, (...times) => seen.push(times));
  await inDynamo(client).read();
  expect(seen).toHaveLength(1);
  const [dateMs, sentAtMs, answeredAtMs] = seen[0] ?? [0, 0, 0];
  expect(answeredAtMs).toBeGreaterThanOrEqual(sentAtMs);
  expect(dateMs).toBeLessThanOrEqual(answeredAtMs);
  expect(dateMs).toBeGreaterThan(sentAtMs - 2_000);
});
