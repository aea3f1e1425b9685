import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine } from '../../../../lambdas/core/dead-letters/reconciliation-csv.ts';
import {
  escapeCell,
  escapeName,
  unescapeCell,
  unescapeName,
} from '../../../../lambdas/core/dead-letters/spreadsheet-text.ts';
import { couldBeFormula, importedCells } from '../../../support/spreadsheet-imports.ts';

const tricky = fc.string({
  unit: fc.constantFrom(
    ...[
      "'",
      '"',
      '\\',
      'u',
      '0',
      '4',
      '=',
      '-',
      '+',
      '@',
      '1',
      '.',
      ',',
      ';',
      '|',
      'a',
      ' ',
      'é',
      '😀',
      '\t',
      '\r',
      '\n',
    ],
    ...[
      '\u0000',
      '\u001b',
      '\u0085',
      '\uFEFF',
      '\u2028',
      '\u202e',
      '\uFF20',
      '\uFF1D',
      '\u2212',
      '\ud800',
      '\udc00',
      '\\u0041',
    ],
  ),
  maxLength: 12,
});
const text = fc.oneof(tricky, fc.string({ unit: 'binary' }));

describe('a cell', () => {
  it.each<readonly [string, string]>([
    ['=1+1', String.raw`\=1\+1`.replace(String.raw`\+`, '+')],
    ['-1+2', String.raw`\-1+2`],
    ['@SUM(A1)', String.raw`\@SUM(A1)`],
    ['\u0000=6*7', String.raw`\u0000\=6*7`],
    ['x;=6*7;y', String.raw`x;\=6*7;y`],
    ['x\t=6*7', String.raw`x\u0009\=6*7`],
    ['a\n=1', 'a\n\\=1'],
    ["=cmd|'/C calc'!A0", String.raw`\=cmd|'/C calc'!A0`],
    ['\uFF1D1', '\\\uFF1D1'],
    [String.raw`\=1`, String.raw`\\=1`],
    [String.raw`\u0041`, String.raw`\\u0041`],
    ['\\\u0000', String.raw`\u005c\u0000`],
    ...['-5', '-5.25', '30', "O'Neill", '', 'a=b', "'", 'ann@example.org', '2026-11-24', String.raw`C:\dir`].map(
      (plain) => [plain, plain] as const,
    ),
  ])('%j is written as %j', (given, written) => {
    expect(escapeCell(given)).toBe(written);
    expect(unescapeCell(written)).toBe(given);
  });

  it('is read back as it was written, whatever it was', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(unescapeCell(escapeCell(given))).toBe(given);
        // Also through UTF-8, which has no half pairs.
        expect(escapeCell(given).isWellFormed()).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('of a hundred thousand characters is read back, whatever they are', () => {
    for (const unit of ['\\', '=', '\\=', '\u0000', ' ', "'", '\ud800', '-1']) {
      const long = unit.repeat(100_000 / unit.length);
      expect(unescapeCell(escapeCell(long))).toBe(long);
    }
  });
});

describe('a line', () => {
  const settings = fc.record({
    separators: fc.constantFrom(',', ';', '\t', '|', ' ', ':', "'", '^', '~', '/', '.', ',;', ';\t ', ',;\t |'),
    quote: fc.constantFrom('"' as const, "'" as const, undefined),
  });

  it('has no cell that could be a formula, with any separators and quotes at import', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), settings, (cells, how) => {
        for (const cell of importedCells(csvLine(cells), how)) expect(couldBeFormula(cell)).toBe(false);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a column’s name', () => {
  it.each(['SpotID', 'Client Name', 'sluice_x', '_x', 'Größe', 'Line2'])('%j is unchanged', (name) => {
    expect(escapeName(name)).toBe(name);
  });

  it('is read back with its blanks and line breaks, and not confused with another', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [a, b] = [one, other].map((name) => escapeName(name).trim().replace(/\r\n?/g, '\n')) as [string, string];
        expect(unescapeName(a)).toBe(one);
        expect(a === b).toBe(one === other);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    '007',
    '1e5',
    'TRUE',
    'Mar 5',
    '1/2',
    ' Duration',
    'Duration ',
    '=Cost',
    '-',
    '@',
    '\t',
    'a\r\nb',
    '5%',
    '',
    '\\x',
  ])('%j looks like nothing that a program would reformat, trim or run', (name) => {
    const written = escapeName(name);
    expect(written).toMatch(/^\\/);
    expect(written).not.toMatch(/[\r\n\t]|\s$/);
    expect(unescapeName(written)).toBe(name);
  });
});
