import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeadRecord, FileAccount } from '../../../lambdas/core/file-account.ts';
import type { Receipt } from '../../../lambdas/core/receipt.ts';
import type { OpenDead } from '../../../lambdas/core/reconciliation-csv.ts';
import {
  columnOf,
  csvHeader,
  csvRow,
  escapeCell,
  ownColumns,
  sourceColumnOf,
  sourceRowOf,
  unescapeCell,
} from '../../../lambdas/core/reconciliation-csv.ts';
import { splitFields } from '../../../lambdas/core/records/csv-fields.ts';
import type { Dialect } from '../../../lambdas/core/records/dialect.ts';

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

describe('a cell', () => {
  const formulas = [
    '=1+1',
    '+1',
    '-1+2',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '\uFF1D1',
    "'=1",
    "''-5",
    '-',
    '=cmd|calc',
  ];

  it.each(formulas)('%j is no formula to a spreadsheet', (text) => {
    expect(escapeCell(text)).toBe(`'${text}`);
    expect(unescapeCell(escapeCell(text))).toBe(text);
  });

  it.each(['-5', '-5.25', '30', "O'Neill", "'quoted'", '', 'a=b', "'"])('%j stands as it is', (text) => {
    expect(escapeCell(text)).toBe(text);
    expect(unescapeCell(text)).toBe(text);
  });

  it('gives back what was written, whatever it was', () => {
    const tricky = fc.string({
      unit: fc.constantFrom("'", '=', '-', '+', '@', '1', '.', 'a', '\t', '\r', '\n', '\uFF20'),
    });
    fc.assert(
      fc.property(fc.oneof(tricky, fc.string()), (text) => {
        expect(unescapeCell(escapeCell(text))).toBe(text);
      }),
    );
  });
});

describe('a column of the source', () => {
  it.each(['SpotID', 'sluice_reason', '_sluice_reason', '__sluice_', 'Sluice', '_x'])(
    '%s can be told from ours, and is found again',
    (name) => {
      expect(ownColumns).not.toContain(columnOf(name));
      expect(sourceColumnOf(columnOf(name))).toBe(name);
    },
  );

  it('is none of ours', () => {
    for (const name of ownColumns) expect(sourceColumnOf(name)).toBeUndefined();
  });
});

describe('a row', () => {
  it('has the source’s columns first, then what is known of the failure', () => {
    const columns = ['SpotID', 'ClientName', 'sluice_reason'];
    const header = csvHeader(columns);
    expect(header.startsWith('\uFEFFSpotID,ClientName,_sluice_reason,sluice_reason,')).toBe(true);
    const line = csvRow(openOf(receiptOf('S-1;"A, ""B""\r\nC";=1;x'), csv), columns);
    expect(cellsOf(line).slice(0, 6)).toEqual([
      'S-1',
      'A, "B"\r\nC',
      "'=1",
      'blank',
      'ClientName',
      'ClientName is blank',
    ]);
    expect(cellsOf(line)).toHaveLength(cellsOf(header).length);
  });

  it('tells the last failure, the first one’s time, and how often there was one', () => {
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
    const own = Object.fromEntries(ownColumns.map((name, index) => [name, cellsOf(csvRow(open, []))[index]]));
    expect(own).toMatchObject({
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

  it('of JSON has numbers as they are written, and what is nested as JSON', () => {
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
  ])('%s shows what stood in the file', (_, receipt, raw) => {
    expect(sourceRowOf(receipt, jsonl)).toBeUndefined();
    const cells = cellsOf(csvRow(openOf(receipt, jsonl), ['SpotID']));
    expect(cells[0]).toBe('');
    expect(cells[1 + ownColumns.indexOf('sluice_raw')]).toBe(raw);
  });
});
