import { expect, it } from 'vitest';
import { inGroups } from '../../../lambdas/core/in-groups.ts';

const groupsOf = (sizes: number[], count: number, size: number): number[][] => [
  ...inGroups(sizes, { count, size }, (each) => each),
];

it('groups items by number and by size, in their order', () => {
  expect(groupsOf([1, 1, 1, 1, 1], 2, 100)).toEqual([[1, 1], [1, 1], [1]]);
  expect(groupsOf([4, 6, 1, 9, 2], 10, 10)).toEqual([[4, 6], [1, 9], [2]]);
});

it('gives a group of its own to what is too large', () => {
  expect(groupsOf([1, 99, 1], 10, 10)).toEqual([[1], [99], [1]]);
});

it('makes no group of nothing', () => {
  expect(groupsOf([], 10, 10)).toEqual([]);
});
