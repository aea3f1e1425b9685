import { expect, it } from 'vitest';
import { SharedLimiter } from '../../../../lambdas/consumer/shared-limiter.ts';
import { breakerPauseMs, suspectProbeDelayMs } from '../../../../lambdas/core/limiter/breaker.ts';
import { breakerText, openBreakerOf, whyOpen } from '../../../../lambdas/core/limiter/open-breaker.ts';
import { answerAttributes } from '../../../../lambdas/core/limiter/breaker-answer.ts';
import { InMemoryLimiterStore } from '../../../support/in-memory-limiter-store.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const clock = new SimulatedClock();
const limit = { requests: 600, windowSeconds: 60 };
const join = (store: InMemoryLimiterStore) =>
  new SharedLimiter({
    store,
    clock,
    limit,
    feed: 'traffic',
    newId: () => 'p',
    random: () => 0.5,
    correctionMs: () => 0,
  });

it('keeps the API’s answer, since when, and when the next probe is due', async () => {
  const store = new InMemoryLimiterStore();
  const limiter = join(store);
  expect(openBreakerOf(store.item)).toBeUndefined();
  const sinceMs = clock.now();
  await limiter.openBreaker('unauthorised', undefined, { file: 'f1', answer: { status: 401, text: 'token expired' } });
  expect(openBreakerOf(store.item)).toEqual({
    reason: 'unauthorised',
    sinceMs,
    nextProbeMs: sinceMs + breakerPauseMs,
    answer: { status: 401, text: 'token expired' },
  });
  await clock.advance(breakerPauseMs + suspectProbeDelayMs);
  await limiter.leaseSlots(1, 0);
  await limiter.endProbe('failed', false, false, { status: null, text: 'timeout' });
  expect(openBreakerOf(store.item)).toMatchObject({
    sinceMs,
    nextProbeMs: clock.now() + breakerPauseMs,
    answer: { status: null, text: 'timeout' },
  });
  await clock.advance(breakerPauseMs);
  await limiter.leaseSlots(1, 0);
  await limiter.endProbe('accepted');
  expect(openBreakerOf(store.item)).toBeUndefined();
  expect(Object.keys(store.item)).not.toContain('answer');
});

it('shows an item of an earlier version', () => {
  expect(openBreakerOf({ breaker: 'open', reason: 'outage', openUntil: 5 })).toEqual({
    reason: 'outage',
    nextProbeMs: 5,
  });
});

it.each([
  [{ status: 401, text: 'token expired' }, 'it refuses the token: 401 "token expired"'],
  [{ status: 403, text: '' }, 'it refuses the token: 403'],
  // Nothing was sent: the API has refused nothing.
  [{ status: 0, text: 'the secret cannot be read' }, 'the secret cannot be read'],
  [{ status: null, text: 'timeout' }, 'it refuses the token: no answer (timeout)'],
  [undefined, 'it refuses the token'],
])('gives the reason: %j', (answer, text) => {
  expect(whyOpen({ reason: 'unauthorised', ...(answer && { answer }) })).toBe(text);
});

it('gives the time of the next probe', () => {
  const at = Date.UTC(2026, 0, 5, 2);
  const breaker = { reason: 'outage' as const, sinceMs: at - 60_000, nextProbeMs: at + 60_000 };
  expect(breakerText('the API', breaker, undefined, at, false)).toBe(
    'Nothing is sent to the API since 01:59 UTC (1 min ago): it fails on every record. ' +
      'The next probe is due at 02:01 UTC (in 1 min).',
  );
  expect(breakerText('the API', { ...breaker, nextProbeMs: at }, 'Europe/Paris', at, false)).toContain('since 02:59');
  expect(breakerText('the API', { ...breaker, nextProbeMs: at }, 'Europe/Paris', at, false)).toContain(
    'The next probe is due now.',
  );
  expect(breakerText('the API', breaker, undefined, at, true)).toContain('The next probe is sent after a resume.');
});

it('keeps the beginning of a long answer, in whole characters', () => {
  expect(answerAttributes({ status: 500, text: 'x'.repeat(120) }).answer).toBe('x'.repeat(120));
  expect(answerAttributes({ status: 500, text: '汉'.repeat(100) }).answer).toBe(`${'汉'.repeat(39)}…`);
});
