/**
 * At most `count` of the values, evenly spaced in sorted order, including the smallest and the largest: their percentiles
 * are those of all values, but their number is not. If there are no more than `count`, all of them, sorted.
 * @param count 2 or more
 */
export function thinnedOut(values: readonly number[], count: number): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length <= count) return sorted;
  const step = (sorted.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, index) => sorted[Math.round(index * step)] as number);
}
