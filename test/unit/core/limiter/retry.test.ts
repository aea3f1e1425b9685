import { describe, expect, it } from 'vitest';
import { backoffMs, parseRetryAfter, successorDelaySeconds } from '../../../../lambdas/core/limiter/retry.ts';

const now = Date.UTC(2026, 0, 5, 3, 0, 0);

describe('Retry-After', () => {
  it.each([
    ['5', 5_000],
    [' 120 ', 120_000],
    ['0', 0],
    ['1.5', 1_500],
    ['Mon, 05 Jan 2026 03:00:07 GMT', 7_000],
    ['Mon, 05 Jan 2026 02:59:00 GMT', 0],
    ['86400', 900_000],
    ['99999999999999999999', 900_000],
    ['Fri, 01 Jan 2100 00:00:00 GMT', 900_000],
  ])('%s means %i ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });

  it.each([undefined, '', ' ', 'soon', '-5', 'NaN', '2026-01-05', '0x10', 'Mon, 99 Foo'])('%s is ignored', (header) => {
    expect(parseRetryAfter(header, now)).toBeUndefined();
  });
});

describe('backoff', () => {
  const policy = { baseMs: 100, capMs: 1_000 };

  it('ranges from zero to base × 2^failures', () => {
    expect(backoffMs(policy, 2, 0)).toBe(0);
    expect(backoffMs(policy, 2, 0.999999)).toBe(399);
  });

  it('never exceeds its cap', () => {
    expect(backoffMs(policy, 50, 0.999999)).toBeLessThan(1_000);
  });

  it('of successors grows, and fits what SQS can delay', () => {
    const delays = [1, 2, 3, 4, 5, 20].map((failures) => successorDelaySeconds(failures, 0.5));
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(successorDelaySeconds(20, 0.999)).toBeLessThanOrEqual(900);
    expect(successorDelaySeconds(1, 0)).toBeGreaterThanOrEqual(5);
  });
});
