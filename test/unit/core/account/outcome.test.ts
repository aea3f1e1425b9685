import { expect, it } from 'vitest';
import { addCounts, noCounts, sumCounts } from '../../../../lambdas/core/account/outcome.ts';

/** As an earlier version stored it. */
const { unchanged: _unchanged, ...before } = { ...noCounts(), uploaded: 3, held: 2 };

it('a count that an earlier version did not store is 0', () => {
  expect(sumCounts(before)).toBe(5);
  expect(addCounts(before, { ...noCounts(), unchanged: 4 })).toEqual({
    ...noCounts(),
    uploaded: 3,
    held: 2,
    unchanged: 4,
  });
  expect(addCounts(before, before)).toEqual({ ...noCounts(), uploaded: 6, held: 4 });
});
