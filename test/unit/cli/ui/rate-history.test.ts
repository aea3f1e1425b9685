import { expect, it } from 'vitest';
import { LimiterSamples } from '../../../../cli/ui/limiter-samples.ts';
import type { RateFacts } from '../../../../cli/ui/rate-history.ts';
import { rateHistory } from '../../../../cli/ui/rate-history.ts';
import type { Decision } from '../../../../lambdas/core/limiter/limit-policy.ts';
import type { LimiterItem } from '../../../../lambdas/core/limiter/limiter-item.ts';

const minute = 60_000;
const now = Date.UTC(2026, 0, 5, 6, 0, 0);

const facts = (change: Partial<RateFacts> = {}): RateFacts => ({
  ...{ api: 'avstar', feeds: ['traffic'], limit: { requests: 600, windowSeconds: 60 }, consumers: 4 },
  ...{ batches: [], samples: [], decisions: [], ...change },
});

const decision = (kind: Decision['kind'], minutesAgo: number, more: Partial<Decision> = {}): Decision => ({
  ...{ kind, at: now - minutesAgo * minute, policy: 1, feed: 'traffic', by: 'ann', why: 'they asked' },
  ...more,
});

it('spreads a finished batch over its duration, so that batches that end together are not a peak', () => {
  // Four consumers began together and share 10 records a second: each batch of 500 takes 200 s.
  const ends = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((round) =>
    Array.from({ length: 4 }, () => now - 30 * minute + round * 200_000),
  );
  const history = rateHistory(facts({ batches: ends.map((settledAt) => ({ settledAt, answered: 500 })) }), 1, now);
  const rates = history.bins.map(({ per_second: rate }) => rate);
  expect(Math.max(...rates)).toBeLessThanOrEqual(10.2);
  expect(rates.slice(6, 11).every((rate) => rate > 9.5)).toBe(true);
  const sum = rates.reduce((total, rate) => total + rate * 300, 0);
  expect(Math.round(sum / 100) * 100).toBe(16_000);
  expect(history.counted_since).toBeNull();
});

it('uses the limiter’s own count if it was seen, and states since when', () => {
  const samples = new LimiterSamples();
  for (let s = 0; s <= 80; s++) samples.note('avstar', { passes: s * 120 }, now - (80 - s) * 15_000);
  const batches = [{ settledAt: now - 2 * minute, answered: 5_000 }];
  const { bins, counted_since: since } = rateHistory(facts({ samples: samples.of('avstar'), batches }), 1, now);
  expect(bins.slice(-3).map(({ per_second: rate, is_counted: isCounted }) => [rate, isCounted])).toEqual([
    ...[
      [8, true],
      [8, true],
      [8, true],
    ],
  ]);
  expect(bins[0]?.is_counted).toBe(false);
  expect(since).toBe(new Date(now - 80 * 15_000).toISOString());
});

it('does not count over a gap without samples', () => {
  const samples = new LimiterSamples();
  for (const secondsAgo of [1_200, 1_185, 30, 15, 0])
    samples.note('avstar', { passes: 1_000 }, now - secondsAgo * 1_000);
  const { bins } = rateHistory(facts({ samples: samples.of('avstar') }), 1, now);
  expect(bins.every(({ is_counted: isCounted }) => !isCounted)).toBe(true);
});

it('has the limit of each time, never above the deployed one', () => {
  const decisions = [
    decision('limit', 40, { to: 60 }),
    decision('reset', 20, { to: 600 }),
    decision('limit', 10, { to: 6_000 }),
  ];
  const { bins } = rateHistory(facts({ decisions }), 1, now);
  expect(bins.map(({ limit_per_second: limit }) => limit)).toEqual([10, 10, 10, 10, 1, 1, 1, 1, 10, 10, 10, 10]);
  expect(rateHistory(facts({ limit: undefined }), 1, now).bins[0]?.limit_per_second).toBeNull();

  const ended = { ...decision('limit', 40, { to: 60 }), until: now - 20 * 60_000 };
  const limits = rateHistory(facts({ decisions: [ended] }), 1, now).bins.map(({ limit_per_second: limit }) => limit);
  expect(limits).toEqual([10, 10, 10, 10, 1, 1, 1, 1, 10, 10, 10, 10]);
});

it('names pauses by operators, the breaker and the API', () => {
  const samples = new LimiterSamples();
  const items: LimiterItem[] = [
    {},
    { breaker: 'open', reason: 'outage' },
    { breaker: 'open', reason: 'outage' },
    {},
    { pausedUntil: now + minute },
  ];
  items.forEach((item, n) => samples.note('avstar', item, now - (4 - n) * 15_000));
  const decisions = [
    decision('pause', 50),
    decision('resume', 45),
    decision('pause', 5, { feed: 'maintenance', why: 'night' }),
  ];
  const { pauses } = rateHistory(facts({ samples: samples.of('avstar'), decisions }), 1, now);
  expect(
    pauses.map(({ text, from, to }) => [text, (now - Date.parse(from)) / 1000, to && (now - Date.parse(to)) / 1000]),
  ).toEqual([
    ['traffic paused by ann: they asked', 3_000, 2_700],
    ['maintenance paused by ann: night', 300, null],
    ['the breaker was open (outage)', 45, 30],
    ['the API asked for a pause', 0, 0],
  ]);
});
