import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../../lambdas/core/limiter/limit-policy.ts';
import { decisionsDuring, limitOf, paceAt, recheckAt } from '../../../../lambdas/core/limiter/limit-policy.ts';
import type { PolicyChange, PolicyState } from '../../../../lambdas/core/limiter/policy-changes.ts';
import {
  continuePolicy,
  overrideLimit,
  pauseFeed,
  resetLimit,
  resumeFeed,
} from '../../../../lambdas/core/limiter/policy-changes.ts';
import { slotSpacingMs } from '../../../../lambdas/core/limiter/limiter.ts';
import { InMemoryLimiterStore } from '../../../support/in-memory-limiter-store.ts';
import { answerAttributes } from '../../../../lambdas/core/limiter/breaker-answer.ts';

const deployed = { requests: 600, windowSeconds: 60 };
const anna = { feed: 'traffic', by: 'anna', why: 'the API’s owner asked' };
const t0 = Date.UTC(2026, 0, 5, 3, 0, 0);
const spacing = (requests: number) => slotSpacingMs({ ...deployed, requests });

const stateOf = async (store: InMemoryLimiterStore): Promise<PolicyState> => ({
  item: await store.read(),
  inForce: await store.readInForce(),
});

async function decideAll(...makers: ((state: PolicyState) => PolicyChange)[]): Promise<InMemoryLimiterStore> {
  const store = new InMemoryLimiterStore();
  store.item = { tat: t0 };
  for (const make of makers) expect(await store.decide(make(await stateOf(store)))).toBe(true);
  return store;
}

describe('a decision', () => {
  it('is stored with who, when, why and the numbers, and moves the next slot to the new distance', async () => {
    const until = t0 + 3_600_000;
    const store = await decideAll(
      (state) => overrideLimit(state, deployed, { requests: 60, until }, anna, t0),
      (state) => resetLimit(state, deployed, { feed: 'traffic', by: 'ben' }, t0 + 1_000),
    );
    expect(await store.listDecisions()).toEqual([
      { ...anna, kind: 'limit', at: t0, policy: 1, from: 600, to: 60, windowSeconds: 60, until },
      { feed: 'traffic', by: 'ben', kind: 'reset', at: t0 + 1_000, policy: 2, from: 60, to: 600, windowSeconds: 60 },
    ]);
    expect(store.item).toMatchObject({ policy: 2 });
    expect(store.item.tat).toBeCloseTo(t0, 6);
    expect(store.item).not.toHaveProperty('requests');
    expect(await store.readInForce()).not.toHaveProperty('override');
  });

  it('spaces the slot after the last leased one by the new limit', async () => {
    const store = await decideAll((state) => overrideLimit(state, deployed, { requests: 60 }, anna, t0));
    expect(store.item.tat).toBeCloseTo(t0 + spacing(60) - spacing(600), 6);
  });

  it('changes nothing if another came first', async () => {
    const store = new InMemoryLimiterStore();
    const seen = await stateOf(store);
    expect(await store.decide(pauseFeed(seen, anna, t0))).toBe(true);
    expect(await store.decide(overrideLimit(seen, deployed, { requests: 6 }, anna, t0 + 1))).toBe(false);
    expect(await store.listDecisions()).toHaveLength(1);
    expect(store.item).not.toHaveProperty('requests');
  });

  it('about a pause leaves the limit and the other feeds unchanged', async () => {
    const store = await decideAll(
      (state) => overrideLimit(state, deployed, { requests: 60 }, anna, t0),
      (state) => pauseFeed(state, anna, t0 + 1),
      (state) => pauseFeed(state, { feed: 'news', by: 'ben', why: 'wrong file' }, t0 + 2),
      (state) => resumeFeed(state, { feed: 'traffic', by: 'ben' }, t0 + 3),
    );
    expect(store.item).toMatchObject({ policy: 4, requests: 60, pausedFeeds: { news: t0 + 2 } });
    expect((await store.readInForce()).pauses).toEqual({ news: { by: 'ben', why: 'wrong file', since: t0 + 2 } });
  });

  it('of an operator is followed by the calendar’s, which names no person', async () => {
    const calendar = { timeZone: 'UTC', entries: [{ from: 0, to: 360, requests: 200 }] };
    const withCalendar = { ...deployed, calendar };
    const until = t0 + 60_000;
    const end = Date.UTC(2026, 0, 5, 6, 0, 5);
    const store = await decideAll(
      (state) => overrideLimit(state, withCalendar, { requests: 60, until }, anna, t0),
      (state) => continuePolicy(state, withCalendar, 'traffic', until),
      (state) => continuePolicy(state, withCalendar, 'traffic', end),
    );
    expect((await store.listDecisions()).map(({ kind, by, from, to }) => [kind, by, from, to])).toEqual([
      ['limit', 'anna', 600, 60],
      ['expired', 'anna', 60, 200],
      ['calendar', 'calendar', 200, 600],
    ]);
    expect(store.item).not.toHaveProperty('requests');
    // The next decrease: the following midnight.
    expect(store.item.until).toBe(Date.UTC(2026, 0, 6, 0, 0, 0) - 65_000);
  });
});

describe('the limiter’s item', () => {
  it('stays below 1 KB, the size of one write unit, with every attribute and four paused feeds', async () => {
    const names = ['traffic', 'maintenance', 'sensor-telemetry-north', 'sensor-telemetry-south'];
    const store = await decideAll(
      (state) =>
        overrideLimit(state, deployed, { requests: 60, until: t0 + 0.5 }, { ...anna, why: 'x'.repeat(900) }, t0),
      ...names.map((feed) => (state: PolicyState) => pauseFeed(state, { ...anna, feed, why: 'y'.repeat(900) }, t0)),
    );
    const n = t0 + 0.123;
    const rest = {
      pk: `LIMITER#https://${'a'.repeat(60)}.example.com/v1`,
      ...{ sk: 'LIMITER', tat: n, shiftedUntil: n, pausedUntil: n, breaker: 'closed', reason: 'unauthorised' },
      ...{ openedBy: `traffic.${'0'.repeat(24)}`, openUntil: n, failedProbes: 99, flushed: 1, loneProbes: 99 },
      ...{ probeOwner: '0'.repeat(36), probeUntil: n, outageRecords: 9, outageSince: n, acceptedAt: n },
      ...{ acceptedWith: '0'.repeat(36), askedAt: n, passes: 1e9, pauses: 1e6, refusals: 1e6, calendar: '01234567' },
      ...{ markedAt: n, markedPasses: 1e9, priorAt: n, priorPasses: 1e9, openedAt: n },
      ...answerAttributes({ status: 401, text: '\u6c49'.repeat(500) }),
    };
    expect(Buffer.byteLength(rest.answer ?? '')).toBeGreaterThan(110);
    expect(storedBytes({ ...store.item, ...rest })).toBeLessThan(1024);
  });
});

describe('a sender', () => {
  it('is never faster than its deployment, nor slower than 1% of it', () => {
    expect([1, 6, 300, 900].map((requests) => limitOf({ requests }, deployed).requests)).toEqual([6, 6, 300, 600]);
    expect(limitOf({}, deployed)).toEqual(deployed);
    expect(limitOf({ requests: 1 }, { requests: 3, windowSeconds: 1 }).requests).toBe(1);
  });

  it('keeps to a person’s limit after a deploy that changes the window', async () => {
    const store = await decideAll((state) => overrideLimit(state, deployed, { requests: 60 }, anna, t0));
    expect(limitOf(store.item, { requests: 10, windowSeconds: 1 })).toEqual({ requests: 1, windowSeconds: 1 });
    expect(limitOf(store.item, { requests: 6_000, windowSeconds: 600 }).requests).toBe(600);
    const fraction = { requests: 9, windowSeconds: 0.7 };
    expect(limitOf({ requests: 3, windowSeconds: 0.7 }, fraction)).toEqual({ ...fraction, requests: 3 });
    expect(limitOf(paceAt(store.item, deployed, t0), { requests: 100, windowSeconds: 10 }).requests).toBe(10);
    const reset = resetLimit(await stateOf(store), deployed, anna, t0 + 1);
    expect(await store.decide(reset)).toBe(true);
    expect(store.item).not.toHaveProperty('windowSeconds');
  });

  it('applies a policy that has not been written yet', () => {
    const item = { policy: 1, requests: 60, setBy: 'operator' as const, until: t0 };
    expect(paceAt(item, deployed, t0 - 1)).toMatchObject({ requests: 60 });
    expect(paceAt(item, deployed, t0)).toEqual({});
    const calendar = { timeZone: 'UTC', entries: [{ from: 0, to: 0, requests: 100 }] };
    expect(paceAt({}, { ...deployed, calendar }, t0)).toMatchObject({ requests: 100, setBy: 'calendar' });
  });

  it('checks again after a quarter of the pause so far', () => {
    const waits = [0, 200_000, 36_000_000].map((pausedMs) => recheckAt(t0, t0 + pausedMs) - t0 - pausedMs);
    expect(waits).toEqual([30_000, 50_000, 900_000]);
  });
});

describe('the decisions of a period', () => {
  const decision = (at: number, kind: Decision['kind'], more: Partial<Decision> = {}): Decision => ({
    ...{ at, kind, policy: at, feed: 'traffic', by: 'anna' },
    ...more,
  });
  const during = (decisions: Decision[], fromMs: number, toMs: number) =>
    decisionsDuring(decisions, { feed: 'traffic', fromMs, toMs }).map(({ at }) => at);

  it('are those made in it, and those in force when it began', () => {
    const all = [
      decision(1, 'limit'),
      decision(2, 'limit'),
      decision(3, 'pause'),
      decision(4, 'pause', { feed: 'news' }),
      decision(10, 'resume'),
      decision(20, 'reset'),
    ];
    expect(during(all, 5, 15)).toEqual([2, 3, 10]);
    expect(during(all, 11, 15)).toEqual([2]);
    expect(during(all, 21, 30)).toEqual([]);
  });

  it('include that a limit gave way to the calendar’s, by itself or reset', () => {
    for (const kind of ['reset', 'expired'] as const) {
      expect(during([decision(1, 'limit'), decision(2, kind, { to: 60, until: 9 })], 6, 8)).toEqual([2]);
      expect(during([decision(1, 'limit'), decision(2, kind, { to: 600 })], 6, 8)).toEqual([]);
    }
  });

  it('do not include a limit that had ended', () => {
    expect(during([decision(1, 'limit', { until: 5 })], 6, 9)).toEqual([]);
    expect(during([decision(1, 'limit', { until: 7 })], 6, 9)).toEqual([1]);
  });
});

/** In DynamoDB: names and texts in UTF-8; a number takes a byte for two digits, and one more; a map three more. */
function storedBytes(item: object): number {
  return Object.entries(item).reduce((sum, [name, value]: [string, unknown]) => {
    const number = typeof value === 'number' ? Math.ceil(String(value).length / 2) + 1 : undefined;
    const map = typeof value === 'object' && value !== null ? storedBytes(value) + 3 : undefined;
    return sum + Buffer.byteLength(name) + (number ?? map ?? Buffer.byteLength(String(value)));
  }, 0);
}
