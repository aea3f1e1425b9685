import { expect, it } from 'vitest';
import { InStep } from '../../../lambdas/core/in-step.ts';

/** @param read gets each number that is read */
async function* numbers(all: Iterable<number>, read: number[] = []): AsyncGenerator<number> {
  for (const each of all) {
    read.push(each);
    yield each;
  }
}

const itself = (each: number): number => each;

it('finds the items with the keys that are asked for, and no others', async () => {
  const items = new InStep(numbers([2, 3, 5, 8]), itself);
  const found: (number | undefined)[] = [];
  for (const key of [1, 2, 4, 5, 6, 8, 9]) found.push(await items.find(key));
  expect(found).toEqual([undefined, 2, undefined, 5, undefined, 8, undefined]);
});

it('reads no further than to the first item that is not lower', async () => {
  const read: number[] = [];
  const items = new InStep(numbers([2, 3, 5, 8, 9], read), itself);
  expect(await items.reach(4)).toBe(5);
  expect(await items.reach(5)).toBe(5);
  expect(read).toEqual([2, 3, 5]);
  await items.end();
  expect(read).toEqual([2, 3, 5, 8, 9]);
  expect(await items.reach(10)).toBeUndefined();
});
