import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Check, ItemChange, ItemKey } from '../../lambdas/core/ledger/item-change.ts';
import { exists, isNew, maxItemsAtOnce } from '../../lambdas/core/ledger/item-change.ts';
import type { ItemStore } from '../../lambdas/ports.ts';
import { dynamoStores } from '../support/implementations.ts';
import { InMemoryItemStore } from '../support/in-memory-item-store.ts';

/** One suite for the real table and the one in memory. */
describe.each([['in memory', (): ItemStore => new InMemoryItemStore()], ...dynamoStores()])(
  'an item %s',
  (_, create) => {
    let store: ItemStore;
    let pk: string;
    let key: ItemKey;
    beforeEach(() => {
      store = create();
      pk = `TEST#${randomUUID()}`;
      key = { pk, sk: 'A' };
    });

    it('does not exist at first, and is created by the first change that expects nothing, or expects it absent', async () => {
      expect(await store.read(key)).toBeUndefined();
      expect(await store.update(key, { when: [exists], set: { a: 1 } })).toEqual({ kind: 'refused', item: undefined });
      expect(await store.update(key, { when: [isNew], set: { a: 1 } })).toEqual({
        kind: 'changed',
        item: { ...key, a: 1 },
      });
      expect(await store.update(key, { when: [isNew], set: { a: 2 } })).toEqual({
        kind: 'refused',
        item: { ...key, a: 1 },
      });
      expect(await store.update({ pk, sk: 'B' }, { add: { n: 2 } })).toEqual({
        kind: 'changed',
        item: { pk, sk: 'B', n: 2 },
      });
      expect(await store.update({ pk, sk: 'C' }, { when: [isNew], remove: ['a'] })).toMatchObject({ kind: 'changed' });
      expect(await store.read(key)).toEqual({ ...key, a: 1 });
    });

    const item = { n: 10, text: 'x', nothing: null, list: ['a'], map: { n: 3, inner: { text: 'y' } } };

    it.each<[Check, boolean]>([
      [{ name: 'n', is: 'present' }, true],
      [{ name: 'nothing', is: 'present' }, true],
      [{ name: 'z', is: 'present' }, false],
      [{ name: 'map.inner', is: 'present' }, true],
      [{ name: 'map.z', is: 'absent' }, true],
      [{ name: 'z.z', is: 'absent' }, true],
      [{ name: 'n', is: '<', value: 10 }, false],
      [{ name: 'n', is: '<', value: 11 }, true],
      [{ name: 'n', is: '<=', value: 10 }, true],
      [{ name: 'n', is: '<=', value: 9 }, false],
      [{ name: 'n', is: '>=', value: 10 }, true],
      [{ name: 'n', is: '>=', value: 11 }, false],
      [{ name: 'n', is: '>', value: 10 }, false],
      [{ name: 'n', is: '>', value: 9 }, true],
      [{ name: 'n', is: '=', value: 10 }, true],
      [{ name: 'n', is: '=', value: '10' }, false],
      [{ name: 'text', is: '=', value: 'x' }, true],
      [{ name: 'text', is: '<', value: 10 }, false],
      [{ name: 'text', is: '>', value: 10 }, false],
      [{ name: 'map.n', is: '=', value: 3 }, true],
      [{ name: 'map.inner.text', is: '=', value: 'y' }, true],
      [{ name: 'z', is: '<', value: 10 }, false],
      [{ name: 'z', is: '<', value: 10, orAbsent: true }, true],
      [{ name: 'z.z', is: '=', value: 1, orAbsent: true }, true],
      [{ name: 'n', is: '=', value: 1, orAbsent: true }, false],
      [{ name: 'text', is: 'other', value: 'x' }, false],
      [{ name: 'text', is: 'other', value: 'y' }, true],
      [{ name: 'map.z', is: 'other', value: 'y' }, true],
      [{ name: 'list', is: 'without', value: 'a' }, false],
      [{ name: 'list', is: 'without', value: 'b' }, true],
      [{ name: 'z', is: 'without', value: 'b' }, true],
      [{ anyOf: [[isNew], [exists, { name: 'n', is: '=', value: 10 }]] }, true],
      [{ anyOf: [[isNew], [exists, { name: 'n', is: '=', value: 11 }]] }, false],
    ])('is checked: %o is %s', async (check, holds) => {
      await store.update(key, { set: item });
      const { kind } = await store.update(key, { when: [exists, check], set: { isChanged: true } });
      expect(kind).toBe(holds ? 'changed' : 'refused');
      expect(await store.read(key)).toEqual({ ...key, ...item, ...(holds ? { isChanged: true } : {}) });
    });

    it('is changed in every way at once, based on its previous values', async () => {
      await store.update(key, { set: { ...item, gone: 1, counts: { a: 1 } } });
      const { item: after } = await store.update(key, {
        set: { text: 'new', 'map.inner': [1], left: undefined, bytes: Buffer.from('ab') },
        setOnce: { n: 99, first: { at: 5 }, out: undefined },
        add: { 'counts.a': 2.5, 'counts.b': 1, total: -3 },
        append: { list: ['b', { c: 1 }], others: [null] },
        remove: ['gone', 'never'],
      });
      expect(after).toEqual({
        ...{ ...key, n: 10, text: 'new', nothing: null, list: ['a', 'b', { c: 1 }], map: { n: 3, inner: [1] } },
        ...{ bytes: new Uint8Array([97, 98]), first: { at: 5 }, counts: { a: 3.5, b: 1 }, total: -3, others: [null] },
      });
      expect(await store.read(key)).toEqual(after);
    });

    it('rejects a path into an attribute that does not exist', async () => {
      await store.update(key, { set: { a: 1 } });
      await expect(store.update(key, { set: { 'b.c': 1 } })).rejects.toThrow();
      expect(await store.read(key)).toEqual({ ...key, a: 1 });
    });

    it('is a copy: changing the object in memory does not change the store', async () => {
      const list = [1];
      const { item: changed } = await store.update(key, { set: { list } });
      list.push(2);
      (changed?.['list'] as number[]).push(3);
      expect(await store.read(key)).toEqual({ ...key, list: [1] });
    });

    it('is replaced as a whole', async () => {
      await store.put(key, { a: 1, b: 1 });
      await store.put(key, { b: 2, c: undefined });
      expect(await store.read(key)).toEqual({ ...key, b: 2 });
    });

    describe('with others', () => {
      const keysTo = (count: number) => Array.from({ length: count }, (_, n) => ({ pk, sk: `N${String(n + 100)}` }));
      const change: ItemChange = { when: [isNew], set: { a: 1 } };

      it('is changed with all of them or not at all', async () => {
        const keys = keysTo(maxItemsAtOnce);
        expect(await store.updateAll(keys.map((each) => ({ key: each, change })))).toBe(true);
        expect(await store.readAll(keys)).toHaveLength(maxItemsAtOnce);
        const one = keys[0] as ItemKey;
        const mixed = [
          { key: one, change: { add: { a: 1 } } },
          { key, change },
          { key: keys[1] as ItemKey, change },
        ];
        expect(await store.updateAll(mixed)).toBe(false);
        expect(await store.readAll([one, key])).toEqual([{ ...one, a: 1 }]);
        expect(await store.updateAll(mixed.slice(0, 2))).toBe(true);
        expect((await store.readAll([one, key])).map(({ a }) => a).sort()).toEqual([1, 2]);
      });

      it('is in a transaction with at most 99 others', async () => {
        const keys = keysTo(maxItemsAtOnce + 1);
        await expect(store.updateAll(keys.map((each) => ({ key: each, change })))).rejects.toThrow();
        expect(await store.readAll(keys.slice(0, 100))).toEqual([]);
      });

      it('is listed in its partition in key order, completely or by key prefix', async () => {
        for (const sk of ['B#2', 'A', 'B#10', 'B#1', 'C']) await store.update({ pk, sk }, { set: { a: sk } });
        const found = async (prefix?: string) => Array.fromAsync(store.query(pk, prefix), ({ sk }) => sk);
        expect(await found()).toEqual(['A', 'B#1', 'B#10', 'B#2', 'C']);
        expect(await found('B#')).toEqual(['B#1', 'B#10', 'B#2']);
        expect(await found('D')).toEqual([]);
      });

      it('is listed in the index that its attributes name, in index order', async () => {
        const listPk = `LIST#${pk}`;
        for (const [n, each] of keysTo(5).entries()) {
          await store.update(each, { set: { listPk, listSk: String((n * 3) % 5) } });
        }
        await store.update(key, { set: { listPk: 'another', listSk: '0' } });
        const oldest = await Array.fromAsync(store.list(listPk, 'oldest', 2), ({ sk }) => sk);
        expect(oldest).toEqual(['N100', 'N102', 'N104', 'N101', 'N103']);
        expect(await Array.fromAsync(store.list(listPk, 'newest'), ({ sk }) => sk)).toEqual(oldest.toReversed());
        const before = await Array.fromAsync(store.list(listPk, 'newest', 2, '3'), ({ sk }) => sk);
        expect(before).toEqual(oldest.slice(0, 3).toReversed());
        await store.update({ pk, sk: 'N100' }, { remove: ['listPk'] });
        expect(await Array.fromAsync(store.list(listPk, 'oldest'))).toHaveLength(4);
      });
    });
  },
);

// DynamoDB refuses these; the local cloud does not, and DynamoDB Local not in every case.
it('rejects two changes of one path in memory', async () => {
  const store = new InMemoryItemStore();
  const key = { pk: 'p', sk: 's' };
  await store.put(key, { m: { a: 1 } });
  await expect(store.update(key, { set: { a: 1 }, remove: ['a'] })).rejects.toThrow(/Two changes of one place/);
  await expect(store.update(key, { set: { m: {} }, add: { 'm.a': 1 } })).rejects.toThrow(/Two changes of one place/);
  const twice = [key, key].map((each) => ({ key: each, change: { set: { a: 1 } } }));
  await expect(store.updateAll(twice)).rejects.toThrow(/each item once/);
});

const numbers = fc.constantFrom('n', 'k', 'm.a', 'm.b');
const texts = fc.constantFrom('t', 'u', 'm.t');
const number = fc.integer({ min: -2, max: 2 });
const text = fc.constantFrom('x', 'y');
const simple: fc.Arbitrary<Check> = fc.oneof(
  fc.record({
    name: fc.oneof(numbers, texts, fc.constantFrom('l', 'm', 'z.z')),
    is: fc.constantFrom('present', 'absent'),
  }) as fc.Arbitrary<Check>,
  fc.record(
    {
      name: fc.oneof(numbers, texts),
      is: fc.constantFrom('<', '<=', '>=', '>', '='),
      value: number,
      orAbsent: fc.constant(true as const),
    },
    { requiredKeys: ['name', 'is', 'value'] },
  ) as fc.Arbitrary<Check>,
  fc.record({
    name: fc.oneof(numbers, texts),
    is: fc.constantFrom('=', 'other'),
    value: fc.oneof(text, number),
  }) as fc.Arbitrary<Check>,
  fc.record({ name: fc.constant('l'), is: fc.constant('without'), value: text }) as fc.Arbitrary<Check>,
);
const alternatives = fc.array(fc.array(simple, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 });
const check: fc.Arbitrary<Check> = fc.oneof(
  { weight: 3, arbitrary: simple },
  { weight: 1, arbitrary: fc.record({ anyOf: alternatives }) },
);

const fields = fc.oneof(
  ...[fc.tuple(numbers, number), fc.tuple(texts, text), fc.tuple(fc.constantFrom('nothing'), fc.constant(null))],
);
const placesOf = ({ set = {}, setOnce = {}, add = {}, append = {}, remove = [] }: ItemChange): string[] =>
  [set, setOnce, add, append].flatMap((each) => Object.keys(each)).concat(remove);

/** Some of them use a path into a missing map, which fails. */
const change: fc.Arbitrary<ItemChange> = fc
  .record(
    {
      when: fc.array(check, { maxLength: 2 }),
      set: fc.array(fields, { maxLength: 2 }).map(Object.fromEntries),
      setOnce: fc.array(fields, { maxLength: 1 }).map(Object.fromEntries),
      add: fc.dictionary(numbers, number, { maxKeys: 2 }),
      append: fc.dictionary(fc.constant('l'), fc.array(text, { minLength: 1, maxLength: 2 })),
      remove: fc.uniqueArray(fc.constantFrom('n', 'k', 't', 'l', 'm'), { maxLength: 1 }),
    },
    { requiredKeys: [] },
  )
  .filter((each) => {
    const places = placesOf(each);
    const isWhole = places.includes('m') && places.some((place) => place.startsWith('m.'));
    return places.length > 0 && new Set(places).size === places.length && !isWhole;
  });

/** The store's result: the answer, or that it failed. */
async function madeOf<T>(call: Promise<T>): Promise<T | 'thrown'> {
  return call.catch(() => 'thrown' as const);
}

describe.each(dynamoStores())('random changes %s', (_, create) => {
  const dynamo = create();
  const start = { n: 1, t: 'x', m: { a: 1, t: 'y' }, l: ['x'] };
  const whole = change.filter(({ remove }) => !remove?.includes('m'));

  it('have the same result as in memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), fc.boolean(), async (changes, isThere) => {
        const memory = new InMemoryItemStore();
        const key = { pk: `TEST#${randomUUID()}`, sk: 'A' };
        if (isThere) await Promise.all([memory, dynamo].map((store) => store.put(key, start)));
        for (const each of changes) {
          const inMemory = await madeOf(memory.update(key, each));
          expect(inMemory, JSON.stringify(each)).toEqual(await madeOf(dynamo.update(key, each)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of several items are all applied or none, as in memory', async () => {
    await fc.assert(
      // Changes that are invalid themselves are excluded: the two stores report them differently from a failed check.
      fc.asyncProperty(fc.array(fc.tuple(whole, whole), { minLength: 1, maxLength: 4 }), async (pairs) => {
        const memory = new InMemoryItemStore();
        const pk = `TEST#${randomUUID()}`;
        const keys = ['A', 'B'].map((sk) => ({ pk, sk }));
        for (const key of keys) await Promise.all([memory, dynamo].map((store) => store.put(key, start)));
        for (const pair of pairs) {
          const writes = keys.map((key, nth) => ({ key, change: pair[nth] as ItemChange }));
          expect(await madeOf(memory.updateAll(writes))).toEqual(await madeOf(dynamo.updateAll(writes)));
          expect(await Array.fromAsync(memory.query(pk))).toEqual(await Array.fromAsync(dynamo.query(pk)));
        }
      }),
      { numRuns: 100 },
    );
  });
});
