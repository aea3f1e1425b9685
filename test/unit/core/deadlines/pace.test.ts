import { beforeEach, describe, expect, it } from 'vitest';
import { SharedLimiter } from '../../../../lambdas/consumer/shared-limiter.ts';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../../lambdas/core/account/outcome.ts';
import { currentPace, paceOf } from '../../../../lambdas/core/deadlines/pace.ts';
import { breakerPauseMs } from '../../../../lambdas/core/limiter/breaker.ts';
import { overrideLimit } from '../../../../lambdas/core/limiter/policy-changes.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { InMemoryLimiterStore } from '../../../support/in-memory-limiter-store.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const limit = { requests: 600, windowSeconds: 60 };
const allowed = paceOf(limit);

let clock: SimulatedClock;
let store: InMemoryLimiterStore;
let files: FileAccount[];

const join = () =>
  new SharedLimiter({
    store,
    clock,
    limit,
    feed: 'traffic',
    newId: () => 'probe',
    random: () => 0.5,
    correctionMs: () => 0,
  });
const pace = () => currentPace({ limit, item: store.item, files }, clock.now());
const arrive = () => {
  files = [fileAccount({ createdAt: clock.now(), totalRecords: 100_000 })];
};

/** A consumer has that many records answered in each round of so many seconds. */
async function send(limiter: SharedLimiter, answers: number, { everySeconds = 1, seconds = 60 } = {}): Promise<void> {
  for (let passed = 0; passed < seconds; passed += everySeconds) {
    expect(await limiter.leaseSlots(answers, passed * 1000)).toMatchObject({ kind: 'leased' });
    await clock.advance(everySeconds * 1000);
    for (let answer = 0; answer < answers; answer++) limiter.noteSuccess({ sentAtMs: clock.now() });
  }
}

beforeEach(() => {
  clock = new SimulatedClock();
  store = new InMemoryLimiterStore();
  arrive();
});

it('is slightly under the limit, as the limiter has it', () => {
  expect(allowed).toBeCloseTo(9.95, 2);
});

describe('the pace of files with a limit', () => {
  it('is the limit, not measured, before anything is sent', () => {
    expect(pace()).toEqual({ perSecond: allowed, measuredPerSecond: undefined });
  });

  it('is the limit that an operator or the calendar has set, until its end', () => {
    store.item = { policy: 1, requests: 60, until: clock.now() + 1_000 };
    expect(pace()?.perSecond).toBeCloseTo(allowed / 10, 5);
    store.item = { ...store.item, until: clock.now() };
    expect(pace()?.perSecond).toBe(allowed);
  });

  it('is the rate at which a slow API answers, after ten seconds', async () => {
    const limiter = join();
    await send(limiter, 4, { everySeconds: 2, seconds: 6 });
    expect(pace()?.measuredPerSecond).toBeUndefined();
    await send(limiter, 4, { everySeconds: 2, seconds: 8 });
    expect(pace()?.perSecond).toBeGreaterThan(1.5);
    expect(pace()?.perSecond).toBeLessThanOrEqual(2);
  });

  it('is the sum over all consumers', async () => {
    const [one, other] = [join(), join()];
    for (let second = 0; second < 40; second++) {
      for (const limiter of [one, other]) {
        await limiter.leaseSlots(2, 1_000 * second);
        limiter.noteSuccess({ sentAtMs: clock.now() });
        limiter.noteSuccess({ sentAtMs: clock.now() });
      }
      await clock.advance(1_000);
    }
    expect(pace()?.perSecond).toBeGreaterThan(3.6);
    expect(pace()?.perSecond).toBeLessThan(4.2);
  });

  it('is the limit if the API answers about that fast: answers are counted late', async () => {
    await send(join(), 9.5);
    expect(pace()?.perSecond).toBe(allowed);
    expect(pace()?.measuredPerSecond).toBeLessThan(allowed);
  });

  it('follows an API that becomes slow', async () => {
    const limiter = join();
    await send(limiter, 9);
    await send(limiter, 3, { everySeconds: 3, seconds: 90 });
    expect(pace()?.perSecond).toBeLessThan(1.2);
    expect(pace()?.perSecond).toBeGreaterThan(0.8);
  });

  it('does not count a time without waiting records', async () => {
    await send(join(), 5);
    await clock.advance(20 * 60_000);
    arrive();
    expect(pace()?.measuredPerSecond).toBeUndefined();
    await send(join(), 5, { seconds: 12 });
    expect(pace()?.perSecond).toBeGreaterThan(4);
  });

  it('is not the rate at which small files arrive', async () => {
    const limiter = join();
    for (let file = 0; file < 20; file++) {
      arrive();
      await limiter.leaseSlots(1, 0);
      limiter.noteSuccess({ sentAtMs: clock.now() });
      await clock.advance(3_000);
    }
    arrive();
    expect(pace()).toEqual({ perSecond: allowed, measuredPerSecond: undefined });
  });

  it('during and after a pause is what was measured before it', async () => {
    const limiter = join();
    await send(limiter, 4);
    await limiter.openBreaker('outage');
    await clock.advance(breakerPauseMs - 1);
    expect(pace()?.perSecond).toBeGreaterThan(3.5);
    await clock.advance(1);
    expect(await limiter.leaseSlots(1, 0)).toEqual({ kind: 'probe' });
    await limiter.endProbe('accepted');
    await send(limiter, 4, { seconds: 12 });
    expect(pace()?.perSecond).toBeGreaterThan(3);
    await limiter.pauseUntil(clock.now() + 600_000);
    await clock.advance(600_000);
    await send(limiter, 4, { seconds: 30 });
    expect(pace()?.perSecond).toBeGreaterThan(3.5);
  });

  it('is at most the limit while requests are sent and no record is accepted', async () => {
    const limiter = join();
    await limiter.leaseSlots(5, 0);
    await clock.advance(30_000);
    expect(pace()).toEqual({ perSecond: allowed, measuredPerSecond: 0 });
  });

  it('is that of an operator’s limit until it ends, and is measured again from then on', async () => {
    const limiter = join();
    await send(limiter, 9);
    const until = clock.now() + 600_000;
    const state = { item: store.item, inForce: {} };
    const anna = { feed: 'traffic', by: 'anna', why: 'it was asked for' };
    await store.decide(overrideLimit(state, limit, { requests: 60, until }, anna, clock.now()));
    expect(pace()).toEqual({
      perSecond: paceOf({ requests: 60, windowSeconds: 60 }),
      measuredPerSecond: undefined,
      later: [{ fromMs: until, perSecond: allowed }],
    });
    await clock.advance(600_000);
    expect(pace()).toEqual({ perSecond: allowed, measuredPerSecond: undefined });
  });

  it('follows the calendar of the stage’s file', () => {
    const calendar = { timeZone: 'UTC', entries: [{ from: 0, to: 360, requests: 60 }] };
    const at = Date.UTC(2026, 0, 5, 3);
    const follow = currentPace({ limit: { ...limit, calendar }, item: {}, files }, at);
    expect(follow?.perSecond).toBeCloseTo(paceOf({ requests: 60, windowSeconds: 60 }), 6);
    expect(follow?.later?.slice(0, 2)).toEqual([
      { fromMs: Date.UTC(2026, 0, 5, 6, 0, 5), perSecond: allowed },
      { fromMs: Date.UTC(2026, 0, 6) - 65_000, perSecond: follow?.perSecond },
    ]);
  });

  it('is not measured from a file that is stopped or done', async () => {
    await send(join(), 4);
    const [file] = files;
    files = [{ ...(file as FileAccount), settled: { ...noCounts(), uploaded: 100_000 } }];
    expect(pace()?.measuredPerSecond).toBeUndefined();
  });
});

it('is measured since the first open file arrived, if there is no limit', () => {
  const evening = clock.now();
  const uploaded = (count: number) => ({ settled: { ...noCounts(), uploaded: count } });
  const came = [
    fileAccount({ createdAt: evening - 20_000, ...uploaded(300) }),
    fileAccount({ createdAt: evening, ...uploaded(100) }),
  ];
  const free = (of: FileAccount[]) => currentPace({ limit: undefined, item: {}, files: of }, evening);
  expect(free(came)).toEqual({ perSecond: 20, measuredPerSecond: 20 });
  expect(free([fileAccount({ createdAt: evening - 20_000 })])).toBeUndefined();
});
