import { beforeEach, describe, expect, it } from 'vitest';
import { logPolicy } from '../../../lambdas/consumer/log-policy.ts';
import { SharedLimiter } from '../../../lambdas/consumer/shared-limiter.ts';
import { breakerPauseMs } from '../../../lambdas/core/limiter/breaker.ts';
import type { DeployedLimit } from '../../../lambdas/core/limiter/limit-policy.ts';
import { longestReachMs } from '../../../lambdas/core/limiter/limiter.ts';
import type { PolicyChange, PolicyState } from '../../../lambdas/core/limiter/policy-changes.ts';
import { overrideLimit, pauseFeed, resumeFeed } from '../../../lambdas/core/limiter/policy-changes.ts';
import { InMemoryLimiterStore } from '../../support/in-memory-limiter-store.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const deployed = { requests: 600, windowSeconds: 60 };
const anna = { feed: 'traffic', by: 'anna', why: 'the API’s owner asked' };

let clock: SimulatedClock;
let store: InMemoryLimiterStore;
let logged: { message: string; fields: unknown }[];

function join(limit: DeployedLimit = deployed, feed = 'traffic'): SharedLimiter {
  const note = (message: string, fields: unknown) => void logged.push({ message, fields });
  const log = { info: note, warn: note, error: note, debug: note };
  return new SharedLimiter({
    ...{ store, clock, limit, feed },
    onPolicy: (item, inForce) => logPolicy(item, inForce, { log, api: 'api', limit }),
    newId: () => 'probe',
    random: () => 0.5,
    correctionMs: () => 0,
  });
}

async function decide(make: (state: PolicyState) => PolicyChange): Promise<void> {
  expect(await store.decide(make({ item: await store.read(), inForce: await store.readInForce() }))).toBe(true);
}

const allow = (requests: number, until?: number) =>
  decide((state) => overrideLimit(state, deployed, { requests, until }, anna, clock.now()));
const pause = () => decide((state) => pauseFeed(state, anna, clock.now()));
const resume = () => decide((state) => resumeFeed(state, { feed: 'traffic', by: 'ben' }, clock.now()));

beforeEach(() => {
  clock = new SimulatedClock();
  store = new InMemoryLimiterStore();
  logged = [];
});

describe('a lease', () => {
  it('by an older policy is refused: the consumer reads the policy again, and leases by the new one', async () => {
    const limiter = join();
    expect(await limiter.leaseSlots(2, 0)).toMatchObject({ kind: 'leased', spacingMs: 100.5 });
    await allow(60);
    expect(await limiter.leaseSlots(2, 0)).toMatchObject({ kind: 'leased', spacingMs: 1005, count: 1 });
  });

  it('has at most one second’s slots, whatever pace the caller assumes', async () => {
    await allow(120);
    expect(await join().leaseSlots(10, 0)).toMatchObject({ kind: 'leased', count: 2, spacingMs: 502.5 });
  });

  it.each([600, 60, 6])('never reserves further ahead than a change may take, at %i requests', async (requests) => {
    await allow(requests);
    const ends: number[] = [];
    for (let consumer = 0; consumer < 80; consumer++) {
      const lease = await join().leaseSlots(10, consumer * 10_000);
      if (lease.kind === 'leased') ends.push(lease.firstSlotMs + (lease.count - 1) * lease.spacingMs - clock.now());
    }
    expect(Math.max(...ends)).toBeLessThanOrEqual(longestReachMs);
  });

  it('is requested again within 4 s if the backlog is far too long: the policy may change', async () => {
    await allow(6);
    await join().leaseSlots(1, 0);
    const put = await join().leaseSlots(1, 60_000);
    expect(put).toMatchObject({ kind: 'wait', paused: false });
    if (put.kind === 'wait') expect(put.untilMs - clock.now()).toBeLessThanOrEqual(4_000);
  });

  it('after the policy’s time writes the next policy first, once', async () => {
    const until = clock.now() + 10_000;
    await allow(60, until);
    const limiters = [join(), join()];
    for (const limiter of limiters) await limiter.leaseSlots(1, 0);
    await clock.advance(10_000);
    for (const limiter of limiters) expect(await limiter.leaseSlots(1, 0)).toMatchObject({ spacingMs: 100.5 });
    expect((await store.listDecisions()).map(({ kind, by, to }) => [kind, by, to])).toEqual([
      ['limit', 'anna', 60],
      ['expired', 'anna', 600],
    ]);
  });

  it('of a deployment with another calendar writes that calendar’s policy, and does not alternate with the previous one', async () => {
    const calendar = { timeZone: 'UTC', entries: [{ from: 0, to: 0, requests: 60 }] };
    const [before, after] = [join(), join({ ...deployed, calendar })];
    expect(await before.leaseSlots(1, 0)).toMatchObject({ spacingMs: 100.5 });
    expect(await after.leaseSlots(1, 60_000)).toMatchObject({ spacingMs: 1005 });
    expect(await before.leaseSlots(1, 60_000)).toMatchObject({ kind: 'leased' });
    await clock.advance(5_000);
    for (const limiter of [after, before, after, before]) await limiter.leaseSlots(1, 60_000);
    expect((await store.listDecisions()).length).toBeLessThanOrEqual(2);
  });

  it.each(['the table is throttled', 'another decision comes first'])(
    'is still made by the new calendar if %s',
    async (fault) => {
      const calendar = { timeZone: 'UTC', entries: [{ from: 0, to: 0, requests: 60 }] };
      const limiter = join({ ...deployed, calendar });
      const write = store.decide.bind(store);
      store.decide = async (change) => {
        store.decide = write;
        if (fault === 'the table is throttled') throw new Error('throttled');
        await decide((state) => pauseFeed(state, { ...anna, feed: 'news' }, clock.now()));
        return store.decide(change);
      };
      await limiter.leaseSlots(1, 0);
      await clock.advance(5_000);
      expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'leased', spacingMs: 1005 });
    },
  );

  it('keeps to the lower of the policy and its own deployment’s limit', async () => {
    await allow(600);
    expect(await join({ requests: 300, windowSeconds: 60 }).leaseSlots(1, 0)).toMatchObject({ spacingMs: 201 });
  });
});

describe.each([
  ['paced', deployed],
  ['unpaced', { ...deployed, isPaced: false }],
])('a paused feed whose API is %s', (_, limit) => {
  it('gets no slot, and checks again after a quarter of the pause', async () => {
    const limiter = join(limit);
    await limiter.leaseSlots(1, 0);
    await pause();
    await clock.advance(1_000);
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: true, untilMs: clock.now() + 30_000 });
    await clock.advance(399_000);
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ untilMs: clock.now() + 100_000 });
    expect(await limiter.stoppedUntil()).toBe(clock.now() + 100_000);
    await resume();
    expect(await limiter.stoppedUntil()).toBeUndefined();
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'leased' });
  });

  it('is read again once what is known is a second old, and not before', async () => {
    const limiter = join(limit);
    await limiter.leaseSlots(1, 0);
    const reads: number[] = [];
    const read = store.read.bind(store);
    store.read = async () => {
      reads.push(clock.now());
      return read();
    };
    for (let batch = 0; batch < 3; batch++) expect(await limiter.stoppedUntil()).toBeUndefined();
    expect(reads).toHaveLength(0);
    await pause();
    reads.length = 0;
    await clock.advance(1_000);
    expect(await limiter.stoppedUntil()).toBeDefined();
    expect(await limiter.stoppedUntil()).toBeDefined();
    expect(reads).toHaveLength(2);
  });

  it('sends no probe', async () => {
    const limiter = join(limit);
    await limiter.openBreaker('outage');
    await pause();
    await clock.advance(breakerPauseMs + 1_000);
    expect(await limiter.leaseSlots(1, 0)).toMatchObject({ kind: 'wait', paused: true });
    expect(store.item).not.toHaveProperty('probeOwner');
    await resume();
    expect(await limiter.leaseSlots(1, 0)).toEqual({ kind: 'probe' });
  });

  it('does not stop the other feeds of its API', async () => {
    await pause();
    expect(await join(limit, 'news').stoppedUntil()).toBeUndefined();
    expect(await join(limit, 'news').leaseSlots(1, 0)).toMatchObject({ kind: 'leased' });
  });
});

it('a probe by an older policy is refused', async () => {
  const limiter = join();
  await limiter.openBreaker('outage');
  await clock.advance(breakerPauseMs);
  const update = store.update.bind(store);
  let isFirst = true;
  store.update = async (change) => {
    // Between the look and the probe.
    if (isFirst && change.set?.probeOwner !== undefined) {
      isFirst = false;
      await pause();
    }
    return update(change);
  };
  expect(await limiter.leaseSlots(1, 1)).toMatchObject({ kind: 'wait' });
  expect(store.item).not.toHaveProperty('probeOwner');
});

it('each process that applies a policy logs it, with who and why', async () => {
  const limiter = join();
  await limiter.leaseSlots(1, 0);
  expect(logged).toEqual([]);
  await allow(60, clock.now() + 60_000);
  await pause();
  for (let lease = 0; lease < 3; lease++) await limiter.leaseSlots(1, 0);
  const since = new Date(clock.now()).toISOString();
  const until = new Date(clock.now() + 60_000).toISOString();
  expect(logged).toEqual([
    {
      message: 'limit policy applied',
      fields: {
        ...{
          api: 'api',
          policy: 2,
          requests: 60,
          deployed_requests: 600,
          window_seconds: 60,
          set_by: 'operator',
          until,
        },
        ...{ by: 'anna', why: anna.why, paused: [{ feed: 'traffic', since, by: 'anna', why: anna.why }] },
      },
    },
  ]);
});
