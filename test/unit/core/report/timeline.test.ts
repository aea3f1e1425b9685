import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timeline } from '../../../../lambdas/core/report/timeline.ts';

const times = fc.array(fc.record({ at: fc.integer({ min: 0, max: 40_000_000 }), retried: fc.boolean() }), {
  minLength: 1,
  maxLength: 300,
});

function chartOf(records: readonly { at: number; retried: boolean }[], maxBins: number, slotMs = 0) {
  const timeline = new Timeline(maxBins);
  for (const { at, retried } of records) timeline.add(at, retried);
  const chart = timeline.chart(slotMs);
  if (!chart) throw new Error('There are records, and no chart.');
  return chart;
}

describe('a timeline', () => {
  it('has every record in its bin, whatever the order, and never too many bins', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 64 }), (records, maxBins) => {
        const { bins, fromMs, widthMs } = chartOf(records, maxBins);
        expect(bins.length).toBeLessThanOrEqual(maxBins);
        bins.forEach(({ accepted, retried }, n) => {
          const [from, to] = [fromMs + n * widthMs, fromMs + (n + 1) * widthMs];
          const within = records.filter(({ at }) => at >= from && at < to);
          expect(accepted).toBe(within.length);
          expect(retried).toBe(within.filter((each) => each.retried).length);
        });
        expect(bins.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(records.length);
      }),
    );
  });

  it('is the same whatever the order of the records', () => {
    fc.assert(
      fc.property(times, (records) => {
        expect(chartOf(records.toReversed(), 32)).toEqual(chartOf(records, 32));
      }),
    );
  });

  it('begins and ends with a bin that has records', () => {
    const { bins } = chartOf(
      [5_000, 9_000, 7_500].map((at) => ({ at, retried: false })),
      100,
    );
    expect(bins[0]?.accepted).toBeGreaterThan(0);
    expect(bins.at(-1)?.accepted).toBeGreaterThan(0);
  });

  it('is absent if nothing was accepted', () => {
    expect(new Timeline().chart(100)).toBeUndefined();
  });
});

describe('a pause', () => {
  const steady = (from: number, to: number, everyMs: number) =>
    Array.from({ length: Math.ceil((to - from) / everyMs) }, (_, n) => ({ at: from + n * everyMs, retried: false }));

  it('is a period in which nothing was accepted', () => {
    const { pauses } = chartOf([...steady(0, 20_000, 100), ...steady(60_000, 80_000, 100)], 200, 100);
    expect(pauses).toEqual([{ fromMs: 20_000, toMs: 60_000 }]);
  });

  it('is not shown if the limit allows no more', () => {
    expect(chartOf(steady(0, 300_000, 10_000), 300, 10_000).pauses).toEqual([]);
    expect(chartOf(steady(0, 300_000, 10_000), 300, 100).pauses).not.toEqual([]);
  });

  it('is not shown for a second or two between batches', () => {
    const { pauses } = chartOf([...steady(0, 10_000, 100), ...steady(13_000, 20_000, 100)], 200, 100);
    expect(pauses).toEqual([]);
  });
});
