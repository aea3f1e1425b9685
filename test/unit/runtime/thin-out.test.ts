import { expect, it } from 'vitest';
import { thinnedOut } from '../../../lambdas/runtime/thin-out.ts';

const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
};

it('leaves a few values as they are, in order', () => {
  expect(thinnedOut([], 100)).toEqual([]);
  expect(thinnedOut([3, 1, 2], 3)).toEqual([1, 2, 3]);
});

it('keeps smallest and largest, and every percentile, of many', () => {
  // Most answers are quick, some are slow, one is very slow.
  const values = Array.from({ length: 10_000 }, (_, index) => (index % 20 === 0 ? 900 + (index % 97) : index % 80));
  values.push(30_000);
  const thinned = thinnedOut(values, 100);
  expect(thinned).toHaveLength(100);
  expect([thinned.at(0), thinned.at(-1)]).toEqual([1, 30_000]);
  for (const share of [0.1, 0.5, 0.9, 0.94, 0.96, 0.98]) {
    // A step is one percent of the values, and as far as that the percentiles may be apart.
    const [low, high] = [percentile(values, share - 0.011), percentile(values, share + 0.011)];
    expect(percentile(thinned, share)).toBeGreaterThanOrEqual(low);
    expect(percentile(thinned, share)).toBeLessThanOrEqual(high);
  }
});
