import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimsOf, tyingColumns } from '../../../../cli/reingest/claims.ts';
import { parseCsv } from '../../../../cli/reingest/parse-csv.ts';
import type { PlannedCorrection } from '../../../../cli/reingest/plan-corrections.ts';
import { planCorrections } from '../../../../cli/reingest/plan-corrections.ts';
import { summariseChanges } from '../../../../cli/reingest/summarise-changes.ts';
import { correctionIdOf } from '../../../../cli/reingest/correction-id.ts';
import { feedNamed } from '../../../../feeds/index.ts';
import type { DeadAttempt, DeadRecord, FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import { sha256Of } from '../../../../lambdas/core/records/identity.ts';
import { noCounts } from '../../../../lambdas/core/account/outcome.ts';
import type { OpenDead } from '../../../../lambdas/core/dead-letters/reconciliation-csv.ts';
import {
  csvHeader,
  csvLineBreak,
  csvRow,
  sourceRowOf,
} from '../../../../lambdas/core/dead-letters/reconciliation-csv.ts';
import type { Dialect } from '../../../../lambdas/core/records/dialect.ts';
import { saveAsSpreadsheet } from '../../../support/as-spreadsheet.ts';
import { limits } from '../../../support/feed-fixture.ts';

const fileId = 'ab12ab12ab12ab12ab12ab12';
const columns = ['SpotID', 'StationCode', 'AirDateTime', 'Duration', 'ClientName', 'sluice_own'];
const csv: Dialect = {
  format: 'csv',
  encoding: 'utf-8',
  bodyOffset: 0,
  bodyLine: 2,
  delimiter: ',',
  lineBreak: 'lf',
  columns,
};
const jsonl: Dialect = { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 };

function fileOf(dialect: Dialect): FileAccount {
  const source = { bucket: 'b', key: 'traffic/log.csv', etag: '"e"', sizeBytes: 1 };
  const place = { fileId, feed: 'traffic', lane: 'main', source, state: 'completed' as const, limits, dialect };
  return {
    ...place,
    createdAt: 0,
    updatedAt: 0,
    epoch: 1,
    sha256: 'c'.repeat(64),
    settledBatches: 1,
    settled: noCounts(),
  };
}

function openOf(record: number, raw: string, dialect: Dialect = csv, field: string | null = null): OpenDead {
  const history: DeadAttempt[] = [{ at: 0, outcome: 'rejected', reason: 'invalid', error: '', status: null }];
  const sha256 = sha256Of(Buffer.from(raw));
  const dead: DeadRecord = {
    ...{ fileId, record, letterId: `l${record}`, state: 'dead', outcome: 'rejected', failedMessageSentAt: 0 },
    ...{ history, createdAt: 0 },
  };
  const place = { record, line: record + 1, offset: 0, length: raw.length, sha256, attempts: 0 };
  const end = { outcome: 'rejected' as const, request_id: null, status: null, at: '2026-01-05T02:00:00.000Z' };
  const receipt = { ...place, ...end, reason: 'invalid', field, raw_encoding: 'text' as const, raw_payload: raw };
  return { file: fileOf(dialect), receipt, dead };
}

function exportOf(opens: readonly OpenDead[]): string {
  const names = new Set(
    opens.flatMap((open) => [...(sourceRowOf(open.receipt, open.file.dialect)?.cells.keys() ?? [])]),
  );
  const { dialect } = (opens[0] as OpenDead).file;
  const header = dialect?.format === 'csv' ? dialect.columns : [...names];
  return [csvHeader(header), ...opens.map((open) => csvRow(open, header)), ''].join(csvLineBreak);
}

function plan(opens: readonly OpenDead[], text: string | Buffer, resolved: readonly number[] = []) {
  const claims = claimsOf(parseCsv(Buffer.from(text), tyingColumns));
  const done = (record: number) => resolved.includes(record);
  return planCorrections(claims, 'traffic', {
    feedNamed,
    ledger: {
      getFile: async (id) => (id === fileId ? opens[0]?.file : undefined),
      getDead: async (_, record) => {
        const dead = opens.find((open) => open.receipt.record === record)?.dead;
        return dead && { ...dead, state: done(record) ? ('resolved' as const) : dead.state };
      },
    },
    readDead: async function* () {
      for (const open of opens) if (!done(open.receipt.record)) yield open;
    },
  });
}

/** The spreadsheet's own cells: text in place of text. */
const edit = (text: string, from: string, to: string): string => {
  expect(text).toContain(from);
  return text.replace(from, to);
};
const changedIn = ({ row, changes }: PlannedCorrection) =>
  Object.fromEntries(changes.map(({ column }) => [column, row[column]]));

const habits = fc.record({
  bom: fc.boolean(),
  lineBreak: fc.constantFrom('\n' as const, '\r\n' as const),
  cellBreak: fc.constantFrom('\n' as const, '\r\n' as const, undefined),
  delimiter: fc.constantFrom(',' as const, ';' as const, '\t' as const),
  quotes: fc.constantFrom('all' as const, 'needed' as const),
  trailing: fc.nat(2),
  moveColumn: fc.option(fc.tuple(fc.nat(30), fc.nat(30)), { nil: undefined }),
});
const cell = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '=1+1',
    '-5',
    '-cmd',
    "'quoted",
    "'=x",
    '@a',
    '+1',
    'a\r\nb',
    'a\nb',
    ' x ',
    '1,5',
    'x;y',
    '"',
    '\t',
    '007',
    '1e5',
  ),
);
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

describe('an exported CSV that a spreadsheet has saved', () => {
  it('has nothing to send if nothing was changed, whatever its content and however it was saved', async () => {
    const cells = fc.array(fc.array(cell, { minLength: columns.length, maxLength: columns.length }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(cells, habits, async (rows, how) => {
        const opens = rows.map((row, index) => openOf(index + 1, row.map(quoted).join(',')));
        const saved = saveAsSpreadsheet(exportOf(opens), how);
        expect(await plan(opens, saved)).toMatchObject({ corrections: [], unchanged: rows.length, ignored: [] });
      }),
      { numRuns: 300 },
    );
  });

  it('yields a changed cell exactly, and all others as in the file', async () => {
    const cells = fc.array(cell, { minLength: columns.length, maxLength: columns.length });
    await fc.assert(
      fc.asyncProperty(cells, habits, async (row, how) => {
        const open = openOf(1, [...row.slice(0, 4), 'BEFORE', row[5] ?? ''].map(quoted).join(','));
        const saved = edit(saveAsSpreadsheet(exportOf([open]), how), 'BEFORE', 'AFTER');
        const [correction] = (await plan([open], saved)).corrections;
        const expected = Object.fromEntries(columns.map((name, index) => [name, index === 4 ? 'AFTER' : row[index]]));
        expect({ ...correction?.row }).toEqual(expected);
        expect(correction?.changes).toEqual([{ column: 'ClientName', before: 'BEFORE', after: 'AFTER' }]);
      }),
      { numRuns: 300 },
    );
  });

  it('is read with the separator that Excel writes in the first line', async () => {
    const open = openOf(1, 'a,b,c,30s,e,f');
    const saved = saveAsSpreadsheet(exportOf([open]), {
      bom: false,
      lineBreak: '\r\n',
      cellBreak: undefined,
      delimiter: ';',
      quotes: 'needed',
      trailing: 0,
      moveColumn: undefined,
    });
    const { corrections } = await plan([open], edit(`sep=;\r\n${saved}`, '30s', '30'));
    expect(corrections.map(({ line, row }) => [line, row['Duration']])).toEqual([[3, '30']]);
  });
});

/**
 * What spreadsheets are known to take for something else, and what they must leave alone. The saved file was made from
 * their export by `soffice --headless --convert-to ods`, and then `--convert-to csv` with semicolons.
 */
const awkward = [
  ...['SP-1', '=1+1', '-5', '-cmd', "'quoted", "'=x", '@a', '+1', 'a\r\nb', 'a\nb', ' x ', '1,5', 'x;y', '"q"', '\t'],
  ...['007', '1e5', '12345678901234567890', '0.10', '1.50', '2026-11-24', '24/11/2026', '11/24/2026 6:00 AM'],
  ...['06:00:00', 'TRUE', '5%', '$5', '1 000', 'ü—😀', 'ｅ＝', '=HYPERLINK("x")', '', '29.97', '1,234', 'SP-000123'],
  ...['3E10', '-0', '+49 30 123', '1/2', 'Mar 5', '0x1F', '#N/A'],
];

it('saved by LibreOffice 7.4 keeps formulas, quotes and line breaks; numbers that it reformats are reported', async () => {
  const five = ['SpotID', 'StationCode', 'AirDateTime', 'Duration', 'ClientName'];
  const opens = awkward.map((text, index) =>
    openOf(index + 1, ['SP-1', 'W', 't', '30s', text].map(quoted).join(','), { ...csv, columns: five }),
  );
  const planned = await plan(opens, readFileSync(resolve(import.meta.dirname, 'saved-by-libreoffice.csv')));
  const changed = planned.corrections.flatMap(({ changes }) => changes.map(({ before }) => before));
  const numbers = ['007', '1e5', '12345678901234567890', '0.10', '1.50', '$5', '1,234', '3E10', '-0'];
  const times = ['11/24/2026 6:00 AM', '06:00:00', '1/2', 'Mar 5'];
  expect(changed.sort()).toEqual(['\t', ...numbers, ...times].sort());
  const [summary] = summariseChanges(planned);
  expect(summary).toMatchObject({ column: 'ClientName', isSuspicious: true, example: { before: '007', after: '7' } });
});

describe('a corrected row', () => {
  it('that is too long for the ledger is refused before anything is sent, and one nested too deeply is text', async () => {
    const deep = '['.repeat(20_000);
    const opens = [openOf(1, '{"SpotID":"S1","Tags":[1]}', jsonl)];
    const fixed = (value: string) => edit(exportOf(opens), '[1]', value);
    expect((await plan(opens, fixed(`${deep}${deep.replaceAll('[', ']')}`))).corrections.map(changedIn)).toEqual([
      { Tags: `${deep}${deep.replaceAll('[', ']')}` },
    ]);
    await expect(plan(opens, fixed('x'.repeat(300_000)))).rejects.toThrow(/Line 2: the corrected row has \d+ bytes/);
  });

  it('updates fields without a column in the JSON of the others, and keeps those that it does not mention', async () => {
    const names = Array.from({ length: 3 }, (_, index) => `field ${index}`);
    const raw = JSON.stringify({ SpotID: 'S1', ...Object.fromEntries(names.map((name) => [name, `${name} =1`])) });
    const open = openOf(1, raw, jsonl);
    const text = [csvHeader(['SpotID']), csvRow(open, ['SpotID']), ''].join(csvLineBreak);
    expect(await plan([open], text)).toMatchObject({ corrections: [], unchanged: 1 });
    const { corrections } = await plan([open], edit(text, 'field 1 \\=1', 'other'));
    expect(corrections.map(changedIn)).toEqual([{ 'field 1': 'other' }]);
    expect({ ...corrections[0]?.row }).toMatchObject({ 'field 0': 'field 0 =1', 'field 2': 'field 2 =1' });
    await expect(async () => plan([open], edit(text, '{""field 0', '{field 0'))).rejects.toThrow(
      /sluice_other_fields is no longer/,
    );
  });

  it('assigns each field correctly if names differ only by blanks, dots or case', async () => {
    const row = { Duration: '1', ' Duration': '2', 'Duration ': '3', '=Cost': '4', '\tx': '5', '007': '6', '7': '7' };
    const opens = [openOf(1, JSON.stringify(row), jsonl), openOf(2, '{"SpotID":"S2","Duration":"30s"}', jsonl)];
    const how = { bom: true, lineBreak: '\n', cellBreak: '\n', delimiter: ';', quotes: 'all', trailing: 0 } as const;
    const saved = saveAsSpreadsheet(exportOf(opens), { ...how, moveColumn: undefined });
    expect(await plan(opens, saved)).toMatchObject({ corrections: [], unchanged: 2, ignored: [] });
    expect((await plan(opens, edit(saved, '"30s"', '"30"'))).corrections.map(changedIn)).toEqual([{ Duration: '30' }]);
  });

  it('keeps a cell that was too long to be shown', async () => {
    const long = 'x=1;'.repeat(12_000);
    const open = openOf(1, JSON.stringify({ SpotID: 'S1', Notes: long }), jsonl);
    const text = edit(exportOf([open]), 'S1', 'S2');
    expect((await plan([open], text)).corrections[0]?.row).toMatchObject({ SpotID: 'S2', Notes: long });
  });

  it('of a record that could not be read takes the values filled in by the desk', async () => {
    const open = openOf(1, 'S1,W');
    const text = exportOf([open]).replace(/^,,,,,,/m, 'S1,W,t,30,Acme,,');
    const { corrections } = await plan([open], text);
    const row = {
      SpotID: 'S1',
      StationCode: 'W',
      AirDateTime: 't',
      Duration: '30',
      ClientName: 'Acme',
      sluice_own: '',
    };
    expect(corrections.map(({ row: filled }) => ({ ...filled }))).toEqual([row]);
    expect(corrections[0]?.fault).toBeUndefined();
  });

  it('of a JSON record keeps the types of unchanged values, and of values that still have them', async () => {
    const raw = '{"SpotID":"S1","Duration":29.5,"Tags":["a"],"Null":null,"Big":12345678901234567890,"Flag":true}';
    const open = openOf(1, raw, jsonl);
    const text = exportOf([open]);
    expect(await plan([open], text)).toMatchObject({ corrections: [], unchanged: 1 });
    const fixed = edit(edit(edit(text, '29.5', '30'), 'true', 'no'), 'S1', '7');
    expect(changedIn((await plan([open], fixed)).corrections[0] as PlannedCorrection)).toEqual({
      SpotID: '7',
      Duration: 30,
      Flag: 'no',
    });
    // As in a file: no whole number.
    const wrong = (await plan([open], edit(text, '29.5', '30.0'))).corrections[0];
    expect(wrong && changedIn(wrong)).toEqual({ Duration: '30.0' });
    expect(wrong?.fault).toMatch(/StationCode is missing|Duration must be/);
  });

  it('of a JSON record gets a missing field as text', async () => {
    const opens = [openOf(1, '{"SpotID":"S1"}', jsonl), openOf(2, '{"SpotID":"S2","Duration":"x"}', jsonl)];
    const text = exportOf(opens).replace(/^S1,,/m, 'S1,30,');
    expect((await plan(opens, text)).corrections.map(changedIn)).toEqual([{ Duration: '30' }]);
  });

  it('that another character set has changed is refused, whatever else was corrected', async () => {
    const open = openOf(2, 'SP-2,WABC,x,30s,Café,1', csv, 'Duration');
    const text = exportOf([open]);
    expect((await plan([open], edit(text, '30s', '30'))).corrections).toHaveLength(1);
    const misread = edit(edit(text, '30s', '30'), 'Café', 'CafÃ©');
    await expect(plan([open], misread)).rejects.toThrow(/Line 2, column ClientName: 'Café' became 'CafÃ©'/);
    await expect(plan([open], edit(text, 'Café', 'Caf?'))).rejects.toThrow(/the character set has no such characters/);
  });

  it('ignores the desk’s notes, and reports it', async () => {
    const open = openOf(1, 'a,b,c,30s,e,f');
    const [head = '', row = ''] = exportOf([open]).split(csvLineBreak);
    const text = [`${head},Notes`, `${row.replace('30s', '30')},call Ann`, ''].join('\n');
    const planned = await plan([open], text);
    expect(planned.ignored).toEqual(['Notes']);
    expect(planned.corrections.map(changedIn)).toEqual([{ Duration: '30' }]);
  });

  it('whose record has been resolved meanwhile is skipped and counted', async () => {
    const opens = [openOf(1, 'a,b,c,30s,e,f'), openOf(2, 'a,b,c,40s,e,f')];
    const text = edit(edit(exportOf(opens), '30s', '30'), '40s', '40');
    const planned = await plan(opens, text, [1]);
    expect(planned).toMatchObject({ resolved: 1, unchanged: 0 });
    expect(planned.corrections.map(({ record }) => record)).toEqual([2]);
  });

  it('is suspicious in a column that was changed in every row without being invalid', async () => {
    const opens = [1, 2, 3].map((record) => openOf(record, `a,b,2026-01-0${record},${record}0s,e,f`, csv, 'Duration'));
    const text = exportOf(opens)
      .replace(/2026-01-0(\d)/g, '0$1.01.26')
      .replace(/(\d0)s/g, '$1');
    const summary = summariseChanges(await plan(opens, text));
    expect(summary.map(({ column, rows, isSuspicious }) => [column, rows, isSuspicious])).toEqual([
      ['AirDateTime', 3, true],
      ['Duration', 3, false],
    ]);
    expect(summary[0]?.example).toEqual({ column: 'AirDateTime', before: '2026-01-01', after: '01.01.26' });
  });
});

it('a corrected record that was a small file of its own is identified by that file, and not by its bundle', async () => {
  const raw = '{"SpotID":"1","StationCode":"W","AirDateTime":"t","Duration":"30s","ClientName":"c"}';
  const bundled = openOf(7, raw, { format: 'bundle', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 });
  const open = { ...bundled, file: { ...bundled.file, bundle: { members: 9 } } };
  const text = exportOf([open]);
  expect(text).not.toContain('c'.repeat(64));
  const { corrections } = await plan([open], edit(text, '30s', '30'));
  expect(corrections.map(changedIn)).toEqual([{ Duration: '30' }]);
  await expect(plan([open], edit(text, `,,${open.receipt.sha256}`, `,,${'c'.repeat(64)}`))).rejects.toThrow(
    /sluice_checksum is not/,
  );
});

describe('nothing of a CSV is sent', () => {
  const open = openOf(7, 'a,b,c,30s,e,f');
  const text = exportOf([open]);
  const sha = open.receipt.sha256;
  it.each<[string, string | Buffer, RegExp]>([
    [
      'without the columns that tie',
      'SpotID,Duration\n1,2\n',
      /no columns sluice_file_id, sluice_record, sluice_sha256/,
    ],
    ['with a column twice', text.replace('StationCode', 'SpotID'), /two columns SpotID/],
    ['with another record’s hash', text.replace(sha, 'f'.repeat(64)), /Line 2: sluice_sha256 is not that of record 7/],
    ['with an unknown file', text.replace(fileId, '1.2E+23'), /Line 2: There is no file 1\.2E\+23/],
    ['with a damaged number', text.replace(`,7,${sha}`, `,7.5,${sha}`), /Line 2: sluice_file_id or sluice_record is/],
    [
      'with a number that is not a dead letter’s',
      text.replace(`,7,${sha}`, `,8,${sha}`),
      /Line 2: record 8 .* is not a dead letter/,
    ],
    ['with a record twice', `${text}${text.split(csvLineBreak)[1]}\r\n`, /Line 3: record 7 .* is in line 2 already/],
    ['with another file’s checksum', text.replace('c'.repeat(64), 'd'.repeat(64)), /Line 2: sluice_checksum is not/],
    ['with cells too many', text.replace('30s', '30,s'), /Line 2 of the CSV has \d+ cells/],
    ['with a quote that does not end', text.replace('30s', '"30s'), /can't be read/],
    ['in UTF-16', Buffer.from(`\uFEFF${text}`, 'utf16le'), /not in UTF-8 but in UTF-16.*CSV UTF-8/],
    ['in Windows-1252', Buffer.from(text.replace('30s', 'für'), 'latin1'), /not in UTF-8: save it again/],
  ])('%s', async (_, damaged, sentence) => {
    await expect(async () => plan([open], damaged)).rejects.toThrow(sentence);
  });
});

describe('a correction’s id', () => {
  const dead = { fileId, record: 1, history: [] as DeadAttempt[] };
  const failed = (correctionId: string, reason: string): DeadAttempt => ({
    ...{ at: 1, outcome: 'refused', reason, error: '', status: 409, correctionId },
  });

  it('is the same for the same row of the same record, in whatever order its columns are', () => {
    const id = correctionIdOf(dead, { a: '1', b: '2' });
    expect(correctionIdOf(dead, { b: '2', a: '1' })).toBe(id);
    expect(
      new Set([
        id,
        correctionIdOf(dead, { a: '1', b: '3' }),
        correctionIdOf({ ...dead, record: 2 }, { a: '1', b: '2' }),
      ]).size,
    ).toBe(3);
  });

  it('differs if that row has failed, so that it is retried; but not after a conflict', () => {
    const row = { a: '1' };
    const id = correctionIdOf(dead, row);
    const next = correctionIdOf({ ...dead, history: [failed(id, 'http_422')] }, row);
    expect(next).not.toBe(id);
    expect(correctionIdOf({ ...dead, history: [failed(id, 'http_422'), failed(next, 'conflict')] }, row)).toBe(next);
  });
});

describe('a record that is too long for its receipt', () => {
  const raw = `SP-1,WABC,2026-01-05 06:00:00,30,${'x'.repeat(70_000)},North`;
  const whole = (): OpenDead => {
    const open = openOf(1, raw);
    return {
      ...open,
      file: { ...open.file, limits: { ...limits, maxRecordBytes: 80_000 } },
      receipt: { ...open.receipt, length: 70_100 },
    };
  };
  const head = (): OpenDead => {
    const open = whole();
    const raw_payload = Buffer.from(raw.slice(0, 1_024)).toString('base64');
    return { ...open, receipt: { ...open.receipt, raw_encoding: 'head', raw_payload } };
  };

  it('is compared completely with a list that has its row', async () => {
    expect(await plan([whole()], exportOf([whole()]))).toMatchObject({ corrections: [], unchanged: 1 });
  });

  it('has no change in a list that showed only its head: empty cells were not cleared by the desk', async () => {
    expect(await plan([whole()], exportOf([head()]))).toMatchObject({ corrections: [], unchanged: 1 });
  });

  it('is not corrected if a list had its row but the record is gone: what was changed is unknown', async () => {
    await expect(plan([head()], exportOf([whole()]))).rejects.toThrow(/its copy in the work bucket is gone/);
  });
});
