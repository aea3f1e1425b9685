import { describe, expect, it } from 'vitest';
import { forEachAtOnce, mapAhead } from '../../../lambdas/core/at-once.ts';

/** Calls, and what ends each. */
function calls() {
  const begun: number[] = [];
  const ends = new Map<number, (error?: Error) => void>();
  const call = (item: number): Promise<string> => {
    begun.push(item);
    return new Promise((resolve, reject) =>
      ends.set(item, (error) => (error ? reject(error) : resolve(`result ${item}`))),
    );
  };
  return { begun, ends, call };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('calls ahead', () => {
  it('are as many as wished at a time, with their results in the order of the items', async () => {
    const { begun, ends, call } = calls();
    const results = Array.fromAsync(mapAhead([1, 2, 3, 4], 2, call));
    await turn();
    expect(begun).toEqual([1, 2]);
    ends.get(2)?.();
    await turn();
    expect(begun).toEqual([1, 2]);
    ends.get(1)?.();
    await turn();
    expect(begun).toEqual([1, 2, 3, 4]);
    ends.get(3)?.();
    ends.get(4)?.();
    expect(await results).toEqual(['result 1', 'result 2', 'result 3', 'result 4']);
  });

  it('end with the first error, when none is in progress any more, and no further one is begun', async () => {
    const { begun, ends, call } = calls();
    let isOver = false;
    const end = forEachAtOnce([1, 2, 3, 4], 2, call).finally(() => (isOver = true));
    const refused = expect(end).rejects.toThrow('no answer');
    await turn();
    ends.get(1)?.(new Error('no answer'));
    await turn();
    expect(isOver).toBe(false);
    ends.get(2)?.();
    await refused;
    expect(begun).toEqual([1, 2]);
  });

  it('end before an error of the items is thrown', async () => {
    const { begun, ends, call } = calls();
    const items = async function* () {
      yield 1;
      throw new Error('no page');
    };
    let isOver = false;
    const end = forEachAtOnce(items(), 2, call).finally(() => (isOver = true));
    const refused = expect(end).rejects.toThrow('no page');
    await turn();
    expect(begun).toEqual([1]);
    expect(isOver).toBe(false);
    ends.get(1)?.();
    await refused;
  });
});
