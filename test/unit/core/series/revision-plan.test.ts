import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestIdOf, sha256Of } from '../../../../lambdas/core/records/identity.ts';
import { KnownRecords } from '../../../../lambdas/core/series/known-records.ts';
import type { RevisionRules } from '../../../../lambdas/core/series/revision-guard.ts';
import { guardRevision } from '../../../../lambdas/core/series/revision-guard.ts';
import { decodePlans, encodePlans, RevisionPlan } from '../../../../lambdas/core/series/revision-plan.ts';

interface Row {
  id: string;
  text: string;
}

const checksumOf = (rows: readonly Row[], name: string) => sha256Of(JSON.stringify([name, rows]));

/** What the API has of a revision that was sent whole. */
function knownOf(rows: readonly Row[], name = 'a'): KnownRecords {
  const checksum = checksumOf(rows, name);
  const known = new KnownRecords([checksum], rows.length);
  for (const [n, { id, text }] of rows.entries()) known.add(n + 1, requestIdOf([id], checksum), sha256Of(text));
  return known;
}

const prepared = ({ id, text }: Row, index: number) => ({
  record: index + 1,
  sha256: sha256Of(text),
  result: { kind: 'good' as const, requestId: '', identity: [id], payload: {}, json: '{}' },
});

function plan(rows: readonly Row[], ...known: KnownRecords[]) {
  const made = new RevisionPlan(known);
  for (const [index, row] of rows.entries()) made.note(prepared(row, index));
  return { plans: rows.map((_, index) => made.planOf(index + 1).plan), counts: made.counts };
}

const rowsOf = (...ids: string[]): Row[] => ids.map((id) => ({ id, text: `${id} as it was` }));

describe('a revision', () => {
  it('sends what is new or changed, and nothing that the API has', () => {
    const before = rowsOf('1', '2', '3', '4');
    const after = [...rowsOf('1', '2'), { id: '3', text: 'three, moved' }, ...rowsOf('5')];
    expect(plan(after, knownOf(before))).toEqual({
      plans: ['unchanged', 'unchanged', 'send', 'send'],
      counts: { unchanged: 2, changed: 1, added: 1, removed: 1 },
    });
  });

  it('resends a record if the API may have another content of it', () => {
    const before = [...rowsOf('1'), { id: '1', text: 'another one' }, ...rowsOf('2')];
    expect(plan(rowsOf('1', '2'), knownOf(before)).plans).toEqual(['send', 'unchanged']);
    const known = knownOf(rowsOf('2'));
    known.add(2, known.requestIdOf(['2']), undefined);
    expect(plan(rowsOf('2'), known).plans).toEqual(['send']);
  });

  it('treats a repetition as what the API had before, not as what it has', () => {
    const known = new KnownRecords(['c'], 3);
    const id = requestIdOf(['1'], 'c');
    known.add(1, id, sha256Of('another'), { isRepetition: true });
    known.add(2, id, sha256Of('1 as it was'));
    known.add(3, id, sha256Of('a third'), { isRepetition: true });
    expect(plan(rowsOf('1'), known).plans).toEqual(['unchanged']);
  });

  it('sends no second row after one that is unchanged, wherever it is split', () => {
    const after = [...rowsOf('1'), { id: '1', text: 'again' }];
    expect(plan(after, knownOf(rowsOf('1'))).plans).toEqual(['unchanged', 'repeated']);
    expect(plan(after.toReversed(), knownOf(rowsOf('1'))).plans).toEqual(['send', 'send']);
  });

  it('sends an identity again that only an older revision has: the API may have it, or it was removed manually', () => {
    const oldest = knownOf(rowsOf('1', '2'), 'a');
    const damaged = knownOf(rowsOf('1'), 'b');
    expect(plan(rowsOf('1', '2', '3'), damaged, oldest)).toEqual({
      plans: ['unchanged', 'send', 'send'],
      counts: { unchanged: 1, changed: 1, added: 1, removed: 0 },
    });
  });

  it('does not plan a record that is rejected', () => {
    const rejected = {
      record: 1,
      sha256: 'f',
      result: { kind: 'rejected' as const, problem: { reason: 'blank' } },
    } as never;
    const made = new RevisionPlan([knownOf(rowsOf('1'))]);
    made.note(rejected);
    expect(made.planOf(1)).toEqual({ plan: 'send' });
    expect(made.counts).toEqual({ unchanged: 0, changed: 0, added: 0, removed: 1 });
  });

  const row = fc.record({ id: fc.constantFrom('1', '2', '3', '4', '5'), text: fc.constantFrom('x', 'y', 'z') });
  const rows = fc.array(row, { maxLength: 12 });

  it('leaves the API with the first row of each identity of the newest revision, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 5 }), (revisions) => {
        /** An API that replaces a record under its own key, and keeps the first of those with one request id. */
        const schedule = new Map<string, string>();
        let known: KnownRecords | undefined;
        for (const [number, revision] of revisions.entries()) {
          const { plans } = plan(revision, ...(known ? [known] : []));
          const checksum = checksumOf(revision, `${number}`);
          const sent = new Set<string>();
          const next = new KnownRecords([checksum], revision.length);
          // Removed records are removed by hand.
          for (const id of schedule.keys()) if (!revision.some((each) => each.id === id)) schedule.delete(id);
          for (const [index, { id, text }] of revision.entries()) {
            if (plans[index] === 'send' && !sent.has(id)) schedule.set(id, text);
            if (plans[index] === 'send') sent.add(id);
            if (plans[index] === 'unchanged') expect(schedule.get(id)).toBe(text);
            if (plans[index] === 'repeated') expect(schedule.has(id)).toBe(true);
            next.add(index + 1, requestIdOf([id], checksum), sha256Of(text));
          }
          const expected = new Map(revision.toReversed().map(({ id, text }) => [id, text]));
          expect(Object.fromEntries(schedule)).toEqual(Object.fromEntries(expected));
          known = next;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('known records', () => {
  it('are found among thousands', () => {
    const known = knownOf(rowsOf(...Array.from({ length: 5000 }, (_, n) => `${n}`)));
    const { counts } = plan(rowsOf(...Array.from({ length: 5000 }, (_, n) => `${n + 10}`)), known);
    expect(counts).toEqual({ unchanged: 4990, changed: 0, added: 10, removed: 10 });
  });

  it('refuse more than were announced', () => {
    const known = new KnownRecords(['c'], 0);
    expect(() => {
      for (let n = 0; n < 9; n++) known.add(n, sha256Of(`${n}`), sha256Of('x'));
    }).toThrow(RangeError);
  });
});

describe('plans of a batch', () => {
  it('are unchanged after encoding and decoding', () => {
    const lists = [['a'], ['b', 'a'], ['b', 'a', null]];
    const plans = fc.array(
      fc.record(
        {
          plan: fc.constantFrom('send' as const, 'unchanged' as const, 'repeated' as const),
          earlier: fc.constantFrom(...lists),
        },
        { requiredKeys: ['plan'] },
      ),
    );
    fc.assert(
      fc.property(plans, (all) => {
        expect(decodePlans(encodePlans(all) ?? {}, all.length)).toEqual(all);
      }),
    );
  });

  it('have no more of earlier versions than the whole plan, however many revisions have sent its records', () => {
    const rows = rowsOf(...Array.from({ length: 500 }, (_, n) => `${n}`));
    const known = new KnownRecords(['c'], rows.length);
    for (const [n, { id, text }] of rows.entries()) {
      known.add(n + 1, requestIdOf([id], 'c'), sha256Of(text), { sentIn: sha256Of(`${n % 200}`) });
    }
    const made = new RevisionPlan([known], true);
    const revised = [...rows.with(0, { id: '0', text: 'changed' }), ...rowsOf('new')];
    for (const [index, row] of revised.entries()) made.note(prepared(row, index));
    expect(made.size).toMatchObject({ records: 501, unsent: 499 });
    const encoded = encodePlans(revised.map((_, index) => made.planOf(index + 1)));
    expect(encoded?.earlier?.lists).toHaveLength(201);
    expect(JSON.stringify(encoded?.earlier?.lists).length).toBeLessThanOrEqual(made.size.earlierBytes);
  });

  it('that are too short are refused', () => {
    const encoded = encodePlans([{ plan: 'unchanged', earlier: ['a'] }]);
    expect(() => decodePlans({ plans: encoded?.plans }, 5)).toThrow(RangeError);
    expect(() => decodePlans(encoded ?? {}, 5)).toThrow(RangeError);
  });
});

describe('the guard', () => {
  const counts = { unchanged: 990, changed: 8, added: 5, removed: 2 };
  const rules: RevisionRules = { changedRecords: 'replaces', guard: 0.3 };
  const guard = (change: Partial<typeof counts>, more: Partial<RevisionRules> = {}) =>
    guardRevision({ ...counts, ...change }, 'a', { ...rules, ...more }, 1)?.message;

  it('allows ordinary changes, and any number of new records', () => {
    expect(guard({})).toBeUndefined();
    expect(guard({ added: 5000 })).toBeUndefined();
  });

  it.each([
    [{ unchanged: 0, changed: 0, removed: 3 }, {}, 'They have no record in common.'],
    [{}, { changedRecords: undefined }, 'does not declare that its API replaces a changed record'],
    [
      { unchanged: 100, changed: 50 },
      {},
      '34.2% of the earlier records are changed or removed, and the feed allows 30%.',
    ],
  ])('stops %j with %j', (change, more, sentence) => {
    expect(guard(change, more)).toContain(sentence);
  });

  it('compares no shares of a few records, and allows a feed without a declaration to add and remove', () => {
    expect(guard({ unchanged: 9, changed: 9 })).toBeUndefined();
    expect(guard({ changed: 0 }, { changedRecords: undefined })).toBeUndefined();
  });
});
