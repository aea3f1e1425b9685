import { describe, expect, it } from 'vitest';
import type { DeadRecord, FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import type { Receipt } from '../../../../lambdas/core/account/receipt.ts';
import type { OpenDead } from '../../../../lambdas/core/dead-letters/reconciliation-csv.ts';
import {
  columnOf,
  csvHeader,
  csvRow,
  ownColumns,
  shownCell,
  sourceColumnOf,
  sourceRowOf,
} from '../../../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { unescapeCell } from '../../../../lambdas/core/dead-letters/spreadsheet-text.ts';
import { splitFields } from '../../../../lambdas/core/records/csv-fields.ts';
import type { Dialect } from '../../../../lambdas/core/records/dialect.ts';

const csv: Dialect = {
  format: 'csv',
  encoding: 'utf-8',
  delimiter: ';',
  lineBreak: 'lf',
  columns: ['SpotID', 'ClientName', 'sluice_reason', ''],
  bodyOffset: 0,
  bodyLine: 2,
};
const jsonl: Dialect = { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 };

const manyNames = (count: number): [string, string][] =>
  Array.from({ length: count }, (_, index) => [`name ${index + 1}`, String(index + 1)]);

/** By name, of a row whose source columns are these. */
const ownOf = (line: string, columns: number): Record<string, string | undefined> =>
  Object.fromEntries(ownColumns.map((name, index) => [name, cellsOf(line)[columns + index]]));

const receiptOf = (raw: string, more: Partial<Receipt> = {}): Receipt => ({
  record: 7,
  line: 8,
  offset: 100,
  length: Buffer.byteLength(raw),
  sha256: 'a'.repeat(64),
  outcome: 'rejected',
  request_id: null,
  status: null,
  attempts: 0,
  at: '2026-01-05T04:00:00.000Z',
  reason: 'blank',
  error: 'ClientName is blank',
  field: 'ClientName',
  raw_encoding: 'text',
  raw_payload: raw,
  ...more,
});

const openOf = (receipt: Receipt, dialect: Dialect, dead?: Partial<DeadRecord>): OpenDead => ({
  file: {
    fileId: 'f1',
    source: { bucket: 'in', key: 'traffic/a.csv', etag: '"e"', sizeBytes: 1 },
    sha256: 'c'.repeat(64),
    dialect,
  } as FileAccount,
  receipt,
  dead: dead as DeadRecord | undefined,
});

/** The cells of a line that was written, as a reader of RFC 4180 has them. */
function cellsOf(line: string): string[] {
  const split = splitFields(line.replace('\uFEFF', ''), ',');
  if (split.kind === 'problem') throw new Error(split.problem.message);
  return split.fields;
}

describe('a column of the source', () => {
  it.each(['SpotID', 'sluice_reason', '_sluice_reason', '__sluice_', 'Sluice', '_x'])(
    '%s is distinguished from ours, and found again',
    (name) => {
      expect(ownColumns).not.toContain(columnOf(name));
      expect(sourceColumnOf(columnOf(name))).toBe(name);
    },
  );

  it('is not one of ours', () => {
    for (const name of ownColumns) expect(sourceColumnOf(name)).toBeUndefined();
  });
});

describe('a row', () => {
  it('has the source’s columns first, then the known facts of the failure', () => {
    const columns = ['SpotID', 'ClientName', 'sluice_reason'];
    const header = csvHeader(columns);
    expect(header.startsWith('\uFEFFSpotID,ClientName,_sluice_reason,sluice_reason,')).toBe(true);
    const line = csvRow(openOf(receiptOf('S-1;"A, ""B""\r\nC";=1;'), csv), columns);
    expect(cellsOf(line).slice(0, 3)).toEqual(['S-1', 'A, "B"\r\nC', String.raw`\=1`]);
    expect(ownOf(line, 3)).toMatchObject({
      sluice_reason: 'blank',
      sluice_field: 'ClientName',
      sluice_error: 'ClientName is blank',
    });
    expect(cellsOf(line)).toHaveLength(cellsOf(header).length);
  });

  it('contains the last failure, the time of the first, and the number of failures', () => {
    const history = [
      {
        at: Date.parse('2026-01-05T04:00:00Z'),
        outcome: 'refused',
        reason: 'http_422',
        error: 'no contract',
        status: 422,
      },
      { at: Date.parse('2026-01-06T04:00:00Z'), outcome: 'exhausted', reason: 'http_503', error: 'down', status: 503 },
    ] as const;
    const open = openOf(receiptOf('S-1;A;b;'), csv, { history: [...history], messageId: 'm1', requestId: 'r1' });
    expect(ownOf(csvRow(open, []), 0)).toMatchObject({
      sluice_reason: 'http_503',
      sluice_field: '',
      sluice_outcome: 'exhausted',
      sluice_status: '503',
      sluice_attempts: '2',
      sluice_first_failure: '2026-01-05T04:00:00.000Z',
      sluice_last_failure: '2026-01-06T04:00:00.000Z',
      sluice_source_file: 's3://in/traffic/a.csv',
      sluice_message_id: 'm1',
      sluice_request_id: 'r1',
      sluice_raw: '',
    });
  });

  it('of JSON has numbers as they are written, and nested values as JSON', () => {
    const source = sourceRowOf(receiptOf('{"SpotID":"007","Duration":30.0,"tags":["a"],"none":null,"ok":true}'), jsonl);
    expect(Object.fromEntries(source?.cells ?? [])).toEqual({
      SpotID: '007',
      Duration: '30.0',
      tags: '["a"]',
      none: 'null',
      ok: 'true',
    });
    expect(source?.row).toMatchObject({ Duration: 30, tags: ['a'] });
  });

  it.each([
    ['that can’t be read', receiptOf('{"broken'), '{"broken'],
    ['with too few fields', receiptOf('{"a":1}', { raw_payload: '["a"]' }), '["a"]'],
    [
      'whose head was kept',
      receiptOf('', { raw_encoding: 'head', raw_payload: Buffer.from('{"head').toString('base64') }),
      '{"head',
    ],
  ])('%s shows the text of the file', (_, receipt, raw) => {
    expect(sourceRowOf(receipt, jsonl)).toBeUndefined();
    const cells = cellsOf(csvRow(openOf(receipt, jsonl), ['SpotID']));
    expect(cells[0]).toBe('');
    expect(cells[1 + ownColumns.indexOf('sluice_raw')]).toBe(raw);
  });

  it('has its fields beyond the columns in one cell, each with its text as a column would have it', () => {
    const raw = '{"SpotID":"007","Duration":30.0,"a;=6*7":"=1","tags":["a"],"":"no name"}';
    const own = ownOf(csvRow(openOf(receiptOf(raw), jsonl), ['SpotID']), 1);
    expect(JSON.parse(unescapeCell(own['sluice_other_fields'] ?? ''))).toEqual({
      Duration: '30.0',
      'a;=6*7': '=1',
      tags: '["a"]',
    });
  });

  it('has no cell longer than a spreadsheet accepts, and states what was left out', () => {
    const long = '=\u0001'.repeat(20_000);
    const raw = JSON.stringify({ SpotID: long, ...Object.fromEntries(manyNames(9_000)), Notes: long });
    const line = csvRow(openOf(receiptOf(raw, { error: long, reason: long }), jsonl), ['SpotID']);
    const cells = cellsOf(line);
    for (const cell of cells) expect(cell.length).toBeLessThanOrEqual(32_767);
    expect(unescapeCell(cells[0] ?? '')).toBe(shownCell(long));
    expect(shownCell(long)).toMatch(/too long for a spreadsheet: 40000 characters, SHA-256 [0-9a-f]{64}/);
    const others = JSON.parse(unescapeCell(ownOf(line, 1)['sluice_other_fields'] ?? '')) as Record<string, string>;
    expect(Object.keys(others).length).toBeGreaterThan(500);
    expect(others['name 1']).toBe('1');
  });

  it.each([
    ['arrays', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
  ])('of a record nested 10,000 levels deep in %s needs only its columns', (_, raw) => {
    const open = openOf(receiptOf(raw), jsonl);
    expect(sourceRowOf(open.receipt, jsonl)).toBeUndefined();
    expect(ownOf(csvRow(open, ['a']), 1)['sluice_raw']).toBe(shownCell(raw));
  });
});
