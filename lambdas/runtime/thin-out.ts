/**
 * At most `count` of the values, evenly spaced over their order, the smallest and the largest among them: percentiles of
 * what is left are those of all values, and their number is not. All of them, in order, where they are no more than that.
 * @param count 2 or more
 */
export function thinnedOut(values: readonly number[], count: number): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length <= count) return sorted;
  const step = (sorted.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, index) => sorted[Math.round(index * step)] as number);
}
