import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CsvDialect, CutLimits, Dialect } from '../../../../lambdas/core/records/dialect.ts';
import { cutRules } from '../../../../lambdas/core/records/dialect.ts';
import { scannerOf } from '../../../../lambdas/core/records/choose-scanner.ts';

/** For a longer run than CI's. */
const more = Number(process.env['PROPERTY_RUNS'] ?? 1);

const body = { encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 } as const;
const csv = (delimiter: CsvDialect['delimiter'], lineBreak: CsvDialect['lineBreak']): Dialect => ({
  format: 'csv',
  ...body,
  delimiter,
  lineBreak,
  columns: ['a', 'b', 'c'],
});
const dialects = fc.constantFrom<Dialect>(
  csv(',', 'lf'),
  csv('|', 'cr'),
  { format: 'jsonl', ...body },
  { ...csv(',', 'lf'), rules: cutRules },
  { ...csv(',', 'lf'), rules: cutRules },
  { ...csv(',', 'lf'), rules: cutRules, pairedBreaks: true } as Dialect,
  { ...csv('|', 'cr'), rules: cutRules },
  { format: 'jsonl', ...body, rules: cutRules },
  { format: 'json-array', ...body, indentBytes: 0 },
  { format: 'json-document', ...body },
);

const pieces = [
  'ab,cd,ef\n',
  'ab|cd|ef\r',
  '"a","b,","c""d"\r\n',
  'a,"b"x\n',
  ',"',
  '",',
  '"',
  '""',
  '\n',
  '\r',
  '\r\n',
  '\r\r\n',
  '\x1a',
  '\ufeff',
  'a,b,c\n',
  '"a",b,c\r\n',
  'a|b|c\r',
  ',,\n',
  '"",\n',
  '" ",\t\n',
  ' \t\n',
];
const files = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.constantFrom('a', 'bcd', ',', '|', '{"a":1}\n')), { maxLength: 25 })
  .map((parts) => Buffer.from(parts.join('')));

/** What is skimmed in windows of each length, and what `find` gives from the same place. */
function compare(file: Buffer, dialect: Dialect, limits: CutLimits, to: number, most: number): void {
  for (let length = 0; length <= file.length; length++) {
    const window = file.subarray(0, length);
    const skimmer = scannerOf(dialect, limits);
    const found = skimmer.skim(window, 0, to, most);
    expect(found).toBeLessThanOrEqual(most);
    if (found === 0) continue;

    const finder = scannerOf(dialect, limits);
    let next = 0;
    let lines = 0;
    for (let n = 0; n < found; n++) {
      expect(finder.find(window, next, false)).toBe('record');
      expect([finder.start, finder.linesBefore]).toEqual([next, 0]);
      expect(finder.end).toBeLessThanOrEqual(to);
      next = finder.next;
      lines += finder.lines;
    }
    expect([skimmer.end, skimmer.next, skimmer.lines]).toEqual([finder.end, finder.next, lines]);
    // The scanner that skimmed continues as the other one does.
    expect(skimmer.find(window, next, true)).toBe(finder.find(window, next, true));
    expect([skimmer.start, skimmer.end, skimmer.next]).toEqual([finder.start, finder.end, finder.next]);
  }
}

describe('records that are skimmed', () => {
  it('equal those found one by one, wherever the window ends', () => {
    const sizes = {
      maxRecordBytes: fc.integer({ min: 1, max: 30 }),
      to: fc.nat(120),
      most: fc.integer({ min: 1, max: 9 }),
    };
    fc.assert(
      fc.property(files, dialects, fc.record(sizes), (file, dialect, { maxRecordBytes, to, most }) => {
        compare(file, dialect, { maxRecordBytes, maxBatchBytes: 100, maxBatchRecords: 9 }, to, most);
      }),
      { numRuns: 1500 * more },
    );
  });

  it.each([
    ['CSV without quotes', csv(',', 'lf'), '1,2,3\n4,5,6\r\n7,8,9\n', 3],
    ['CSV with quotes that are closed in their lines', csv(',', 'lf'), '"1",2,"3,"\r\n4,"5""",6\n', 2],
    ['CSV with quotes where none may stand', csv(',', 'lf'), '1,2"x,3\n"4"x,5,6\n7,8,9\n', 3],
    ['CSV up to quotes that go on past their line', csv(',', 'lf'), '1,2,3\n4,"5\n6",7\n8,9,0\n', 1],
    ['JSON Lines', { format: 'jsonl', ...body } satisfies Dialect, '{}\n"{"\n[]\r\n', 3],
  ])('are all of %s', (_name, dialect, text, records) => {
    const limits = { maxRecordBytes: 100, maxBatchBytes: 1000, maxBatchRecords: 100 };
    expect(scannerOf(dialect, limits).skim(Buffer.from(text), 0, 1000, 100)).toBe(records);
  });
});
