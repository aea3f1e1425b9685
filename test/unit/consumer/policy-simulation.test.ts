import { describe, expect, it } from 'vitest';
import { policyLagMs } from '../../../lambdas/core/limiter/limit-calendar.ts';
import type { DeployedLimit } from '../../../lambdas/core/limiter/limit-policy.ts';
import { lowestRequests } from '../../../lambdas/core/limiter/limit-policy.ts';
import { jitterMarginMs } from '../../../lambdas/core/limiter/limiter.ts';
import { overrideLimit, pauseFeed, resetLimit, resumeFeed } from '../../../lambdas/core/limiter/policy-changes.ts';
import { FaultDice } from '../../../localstack/fake-avstar/faults.ts';
import type { Scenario, SimulationResult } from '../../support/limiter-simulation.ts';
import { LimiterSimulation } from '../../support/limiter-simulation.ts';
import { excessesOf, longestStopMs, useOfEach } from '../../support/policy-windows.ts';

const fast = { requests: 2_000, windowSeconds: 10 };
const slow = { requests: 600, windowSeconds: 60 };
const short = { requests: 300, windowSeconds: 1 };

const anna = { feed: 'traffic', by: 'anna', why: 'the API’s owner asked' };

const simulate = (scenario: Scenario): Promise<SimulationResult> => new LimiterSimulation(scenario).run();

const withinMargin = (limit: DeployedLimit): Pick<Scenario, 'skewMs' | 'wayMs'> => {
  const quarter = jitterMarginMs(limit) / 4;
  return { skewMs: (_, random) => (random() - 0.5) * quarter, wayMs: [5, 5 + quarter] };
};

const unreliable = { lost: 0.01, throttled: 0.03, slow: 0.02, slowMs: 1_500, latencyMs: [4, 40] as [number, number] };

type Decisions = Required<Scenario>['decisions'];

/** Limits with and without an end, resets, pauses and resumes, some of them in the same moment. */
function randomDecisions(limit: DeployedLimit, count: number, spanMs: number, seed: number): Decisions {
  const dice = new FaultDice(seed);
  const between = (from: number, to: number) => from + (to - from) * dice.next();
  return Array.from({ length: count }, () => {
    const kind = dice.next();
    const requests = Math.ceil(between(0, 1) ** 2 * (limit.requests - lowestRequests(limit))) + lowestRequests(limit);
    const lastsMs = dice.next() < 0.6 ? between(2_000, spanMs / 4) : undefined;
    return {
      atMs: between(0, spanMs),
      decide: (state, now) => {
        const until = lastsMs === undefined ? undefined : now + lastsMs;
        if (kind < 0.55) return overrideLimit(state, limit, { requests, until }, anna, now);
        if (kind < 0.65) return resetLimit(state, limit, anna, now);
        return kind < 0.82 ? pauseFeed(state, anna, now) : resumeFeed(state, anna, now);
      },
    };
  });
}

function expectKept(result: SimulationResult, { requests, windowSeconds }: DeployedLimit): void {
  expect(result.most).toBeLessThanOrEqual(requests);
  expect(excessesOf(result, windowSeconds * 1000)).toEqual([]);
  expect(longestStopMs(result, 'traffic')).toBeLessThanOrEqual(policyLagMs);
}

describe('operators decide while', () => {
  it.each([
    { limit: fast, windows: 12, count: 25, consumers: 1_000, deaths: 60 },
    { limit: slow, windows: 8, count: 40, consumers: 20, deaths: 20 },
    { limit: short, windows: 100, count: 40, consumers: 20, deaths: 30 },
  ])(
    '$consumers consumers send $limit.requests in $limit.windowSeconds s: no window exceeds the limit from 5 s on',
    async ({ limit, count, windows, ...rest }) => {
      const spanMs = windows * limit.windowSeconds * 1000;
      for (const seed of rest.consumers > 100 ? [1] : [1, 2, 3]) {
        const result = await simulate({
          ...{ ...rest, limit, windows, warmUp: 0, seed, connections: 4, feeds: ['traffic', 'news'] },
          ...{ ...withinMargin(limit), store: unreliable },
          decisions: randomDecisions(limit, count, spanMs, seed),
        });
        expectKept(result, limit);
        expect(result.policies.length).toBeGreaterThan(count / 2);
      }
    },
    180_000,
  );
});

describe('one decision', () => {
  const at = (second: number, decide: Decisions[number]['decide']) => ({ atMs: second * 1000, decide });
  const allow = (limit: DeployedLimit, requests: number, lastsMs?: number): Decisions[number]['decide'] => {
    return (state, now) => {
      const until = lastsMs === undefined ? undefined : now + lastsMs;
      return overrideLimit(state, limit, { requests, until }, anna, now);
    };
  };

  it('takes effect within 5 s, downwards and upwards, and a limit ends at its time', async () => {
    const result = await simulate({
      ...{ limit: slow, consumers: 20, connections: 4, warmUp: 0, windows: 14 },
      decisions: [
        at(60, allow(slow, 6)),
        at(240, allow(slow, 600)),
        at(360, allow(slow, 100, 120_000)),
        at(620, (state, now) => resetLimit(state, slow, anna, now)),
      ],
    });
    expectKept(result, slow);
    expect(result.policies.map(({ requests }) => requests)).toEqual([600, 6, 600, 100, 600, 600]);
    const until = (result.policies[3]?.fromMs ?? 0) + 120_000;
    expect(result.policies[4]?.fromMs).toBeGreaterThanOrEqual(until);
    expect(result.policies[4]?.fromMs).toBeLessThan(until + 5_000);
    for (const use of useOfEach(result, 60_000)) expect(use).toBeGreaterThanOrEqual(0.9);
  });

  it('to pause a feed stops only that feed, and a resume restarts it', async () => {
    const result = await simulate({
      ...{ limit: slow, consumers: 20, connections: 4, warmUp: 0, windows: 6, feeds: ['traffic', 'news'] },
      decisions: [
        at(60, (state, now) => pauseFeed(state, anna, now)),
        at(180, (state, now) => resumeFeed(state, anna, now)),
      ],
    });
    expectKept(result, slow);
    const [paused, resumed] = result.policies.slice(1).map(({ fromMs }) => fromMs) as [number, number];
    const during = (feed: string) =>
      result.arrivals.get(feed)?.filter((time) => time > paused + policyLagMs && time < resumed) ?? [];
    expect(during('traffic')).toEqual([]);
    // The other feed has the whole of the limit.
    expect(during('news').length).toBeGreaterThan(0.95 * 1150);
    const again = result.arrivals.get('traffic')?.find((time) => time > resumed) ?? Infinity;
    expect(again - resumed).toBeLessThanOrEqual(31_000);
  });
});

it('a calendar’s limit holds in every window that overlaps its time', async () => {
  // The simulation begins at 02:00 UTC.
  const entries = [
    { from: 123, to: 125, requests: 60 },
    { from: 125, to: 127, requests: 300 },
  ];
  const limit = { ...slow, calendar: { timeZone: 'UTC', entries } };
  const decisions: Decisions = [
    // After a person's limit, the calendar applies again.
    {
      atMs: 480_000,
      decide: (state, now) => overrideLimit(state, limit, { requests: 30, until: now + 60_000 }, anna, now),
    },
  ];
  const result = await simulate({
    ...{ limit, consumers: 20, connections: 4, warmUp: 0, windows: 11, deaths: 10, decisions },
    ...{ ...withinMargin(limit), store: unreliable },
  });
  expectKept(result, limit);
  expect(result.policies.map(({ requests }) => requests)).toEqual([600, 600, 60, 300, 600, 30, 600]);
  const sorted = result.arrivals.get('traffic') ?? [];
  for (const { from, to, requests } of entries) {
    const [begin, end] = [from, to].map((minute) => result.startMs + (minute - 120) * 60_000) as [number, number];
    const starts = sorted.filter((time) => time > begin - 60_000 && time < end);
    const lower = entries.filter((entry) => entry.requests < requests);
    for (const start of starts) {
      // The window before belongs to the entry before, too.
      if (lower.some((entry) => start < result.startMs + (entry.to - 120) * 60_000)) continue;
      const count = sorted.filter((time) => time >= start && time < start + 60_000 - 1e-6 && time < end).length;
      expect(count).toBeLessThanOrEqual(requests);
    }
  }
  for (const use of useOfEach(result, 60_000)) expect(use).toBeGreaterThanOrEqual(0.85);
});
