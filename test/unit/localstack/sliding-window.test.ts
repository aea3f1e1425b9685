import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingWindow, WindowGauge } from '../../../localstack/fake-avstar/sliding-window.ts';

const gaps = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 200 });

/** Arrivals in (t − window, t], counted the slow way. */
const within = (arrivals: number[], at: number, windowMs: number) =>
  arrivals.filter((each) => each > at - windowMs && each <= at).length;

function timesOf(steps: number[]): number[] {
  let now = 0;
  return steps.map((step) => (now += step));
}

describe('the sliding window', () => {
  it('admits a request exactly if the window before it has a place, and reports when the next one has', () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 100 }), (steps, limit, windowMs) => {
        const window = new SlidingWindow(limit, windowMs);
        const admitted: number[] = [];
        for (const now of timesOf(steps)) {
          const waitMs = window.admit(now);
          expect(waitMs === 0).toBe(within(admitted, now, windowMs) < limit);
          if (waitMs === 0) admitted.push(now);
          else {
            expect(within(admitted, now + waitMs, windowMs)).toBeLessThan(limit);
            expect(within(admitted, now + waitMs - 1, windowMs)).toBe(limit);
          }
        }
      }),
    );
  });

  it('admits nothing with a limit of zero', () => {
    expect(new SlidingWindow(0, 1000).admit(5)).toBe(Infinity);
  });
});

describe('the window gauge', () => {
  it('reports the most arrivals in any window', () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 100 }), (steps, windowMs) => {
        const gauge = new WindowGauge(windowMs);
        const times = timesOf(steps);
        for (const now of times) gauge.record(now);
        expect(gauge.most).toBe(Math.max(0, ...times.map((at) => within(times, at, windowMs))));
      }),
    );
  });

  it('grows beyond its first ring', () => {
    const gauge = new WindowGauge(10_000);
    for (let now = 0; now < 25_000; now++) gauge.record(now);
    expect(gauge.most).toBe(10_000);
  });
});
