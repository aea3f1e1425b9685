import { expect, it } from 'vitest';
import { SendRate } from '../../../../lambdas/core/limiter/send-rate.ts';

it('is the larger of the current second’s requests and those of the second before', () => {
  const rate = new SendRate();
  expect(rate.aSecond(10_000)).toBe(0);
  for (let request = 0; request < 30; request++) rate.note(10_500);
  expect(rate.aSecond(10_999)).toBe(30);
  rate.note(11_000);
  expect(rate.aSecond(11_100)).toBe(30);
  expect(rate.aSecond(12_500)).toBe(1);
});

it('forgets what is longer ago: a function that was frozen starts from zero', () => {
  const rate = new SendRate();
  for (let request = 0; request < 30; request++) rate.note(10_500);
  expect(rate.aSecond(13_000)).toBe(0);
  rate.note(13_000);
  expect(rate.aSecond(13_001)).toBe(1);
});
