import { beforeEach, expect, it } from 'vitest';
import { LateArrivals } from '../../../../lambdas/core/limiter/late-arrivals.ts';

let late: LateArrivals;
let now: number;

/** A request at its slot that is answered after so many milliseconds. */
function answered(afterMs: number): number {
  now += 10;
  return late.observe(now, now, now + afterMs);
}

beforeEach(() => {
  now = 1_000_000;
  late = new LateArrivals({ marginMs: 30, windowMs: 60_000 });
  for (let request = 0; request < 200; request++) answered(20);
});

it('shifts nothing while answers arrive within the margin', () => {
  expect(answered(25)).toBe(0);
  expect(answered(49)).toBe(0);
});

it('shifts the next slot by the delay of a request beyond the margin', () => {
  expect(answered(80)).toBeCloseTo(30, 0);
});

it('shifts it once for a stall that delayed many', () => {
  const stalledUntil = now + 130;
  let moved = 0;
  for (let request = 0; request < 5; request++) {
    now += 10;
    moved += late.observe(now, now, stalledUntil + request);
  }
  // The first of them was held up for longest.
  expect(moved).toBeGreaterThan(60);
  expect(moved).toBeLessThan(80);
});

it('shifts it by at most a hundredth of a window within one', () => {
  expect(answered(5_000)).toBeLessThanOrEqual(600);
  expect(answered(5_000)).toBe(0);
});

it('assumes that the API itself is slow when many answers are late', () => {
  for (let request = 0; request < 200; request++) answered(request % 2 === 0 ? 20 : 300);
  expect(answered(300)).toBe(0);
});
