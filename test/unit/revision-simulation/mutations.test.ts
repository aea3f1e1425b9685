import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutations } from '../../simulation/mutations.ts';

it.each(mutations)('the functions have one place for the defect “$name”', ({ file, from, to }) => {
  expect(readFileSync(file, 'utf8').split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});

it('each defect has a name of its own', () => {
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
});
