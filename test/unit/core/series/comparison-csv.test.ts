import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContradictionError } from '../../../../lambdas/core/errors.ts';
import type { Dialect } from '../../../../lambdas/core/records/dialect.ts';
import type { ComparedRow } from '../../../../lambdas/core/series/comparison-csv.ts';
import {
  compareRows,
  comparisonHeader,
  comparisonLine,
  notListedLine,
} from '../../../../lambdas/core/series/comparison-csv.ts';
import { changedFields, readComparison } from '../../../../lambdas/core/series/read-comparison.ts';

const rowOf = (change: ComparedRow['change'], identity: string[], more: Partial<ComparedRow> = {}): ComparedRow => ({
  ...{ change, identity },
  ...more,
});

async function read(text: string, chunkBytes = text.length + 9) {
  const bytes = Buffer.from(text);
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  return Array.fromAsync(readComparison(chunks()));
}

describe('the list of what a revision changes', () => {
  it('gives back each text as it was, however it is cut into chunks', async () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('=1+1', 'a\r\nb', '"', '-5', '\\u000a', "'="),
    );
    const anyRow = fc.record({ identity: fc.array(anyText, { maxLength: 3 }), before: anyText, after: anyText });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { maxLength: 5 }),
        fc.integer({ min: 1, max: 50 }),
        async (rows, chunkBytes) => {
          const lines = rows.map((row, n) =>
            comparisonLine({ change: 'changed', record: n + 1, earlier: { fileId: 'f.1', record: n }, ...row }),
          );
          const found = await read(comparisonHeader + lines.join(''), chunkBytes);
          const asText = (text: string) => (text === '' ? null : text);
          expect(found).toEqual(
            rows.map(({ identity, before, after }, n) => ({
              ...{ change: 'changed', earlier_file: 'f.1', earlier_record: n, record: n + 1, identity },
              ...{ before: asText(before), after: asText(after), note: '' },
            })),
          );
        },
      ),
    );
  });

  it('has a moved spot next to its old place, and the removed one first', () => {
    const rows = [
      rowOf('new', ['S10', '06:00']),
      rowOf('new', ['S2', '07:00'], { record: 9 }),
      rowOf('removed', ['S2', '06:00'], { earlier: { fileId: 'f.1', record: 7 } }),
      rowOf('changed', ['S1', '06:00']),
    ];
    const sorted = rows.toSorted(compareRows).map(({ change, identity }) => [change, ...(identity ?? [])].join(' '));
    expect(sorted).toEqual(['changed S1 06:00', 'new S10 06:00', 'removed S2 06:00', 'new S2 07:00']);
  });

  it('says in its last row what it does not list', async () => {
    const [row] = await read(comparisonHeader + notListedLine('7 more'));
    expect(row).toMatchObject({ change: 'not listed', note: '7 more', identity: null });
  });

  it.each([
    ['is empty', ''],
    ['has another header', 'change,record\r\n'],
    ['has another change', `${comparisonHeader}moved,,,,,,,\r\n`],
    ['has one cell less', `${comparisonHeader}new,,,,,,\r\n`],
    ['has an identity that is no list', `${comparisonHeader}new,,,1,{},,,\r\n`],
    ['ends within a row', `${comparisonHeader}new,,,1,,,`],
    ['ends within quotes', `${comparisonHeader}new,,,1,,"x,\r\n`],
  ])('is refused if it %s', async (_, text) => {
    await expect(read(text)).rejects.toThrow(ContradictionError);
  });
});

describe('the fields that differ', () => {
  const csv: Dialect = {
    ...{ format: 'csv', encoding: 'windows-1252', bodyOffset: 0, bodyLine: 2, delimiter: ';', lineBreak: 'lf' },
    columns: ['Spot', 'Client'],
  };

  it('are found by the columns of the file', () => {
    const fields = changedFields({ before: 'S1;Zoë', after: 'S1;"Ann; Bob"' }, csv);
    expect(fields).toEqual([{ name: 'Client', before: 'Zoë', after: 'Ann; Bob' }]);
  });

  it('are found in JSON, also if one is missing', () => {
    const json: Dialect = { ...csv, format: 'jsonl', encoding: 'utf-8' } as never;
    const fields = changedFields({ before: '{"a":1,"b":[2]}', after: '{"a":1,"c":"x"}' }, json);
    expect(fields).toEqual([
      { name: 'b', before: '[2]', after: null },
      { name: 'c', before: null, after: 'x' },
    ]);
  });

  it('are not known of a text that can not be read, or of one side alone', () => {
    expect(changedFields({ before: 'S1', after: 'S1;x' }, csv)).toBeUndefined();
    expect(changedFields({ before: null, after: 'S1;x' }, csv)).toBeUndefined();
  });
});
