import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { feedNamed } from '../../../../feeds/index.ts';
import type { Feed } from '../../../../feeds/feed.ts';
import { prepareRecord } from '../../../../lambdas/core/records/prepare-record.ts';
import { BatchCutter } from '../../../../lambdas/core/records/batch-cutter.ts';
import { cutSlice } from '../../../../lambdas/core/records/cut-slice.ts';
import { detectDialect } from '../../../../lambdas/core/records/detect-dialect.ts';
import type { CutBatch, CutLimits, CutPosition, Dialect } from '../../../../lambdas/core/records/dialect.ts';

const traffic = feedNamed('traffic');
const maintenance = feedNamed('maintenance');
const limits: CutLimits = { maxBatchRecords: 500, maxBatchBytes: 100_000, maxRecordBytes: 20_000 };

interface Account {
  /** For each record: the payload, or the reason for its rejection. */
  records: unknown[];
  lines: number[];
  warnings: { code: string; message: string }[];
}

/** The results for a file's records: detected, split in chunks of all kinds, split again from every batch, and mapped. */
function account(content: string | Buffer, feed: Feed = traffic, key = 'traffic/export'): Account {
  const file = Buffer.from(content);
  const found = detectDialect(file, true, { ...feed, key });
  if (found.kind !== 'dialect')
    throw new Error(found.kind === 'refused' ? `${found.code}: ${found.message}` : found.kind);
  const { dialect } = found;
  const whole = read(file, dialect, feed, limits, [file.length]);
  if (file.length > 5000) return whole;
  // Batches of a record or two, and chunks that end anywhere: nothing may change.
  const small = { ...limits, maxBatchRecords: 2 };
  for (let at = 0; at <= file.length; at += Math.ceil(file.length / 60)) {
    expect(read(file, dialect, feed, at % 2 ? small : limits, [at])).toEqual(whole);
  }
  expect(read(file, dialect, feed, { ...limits, maxBatchRecords: 1 }, [])).toEqual(whole);
  // A restart from any checkpoint finds out the same about the file as a whole.
  for (const position of positionsOf(file, dialect)) {
    const rest = new BatchCutter(dialect, limits, position);
    rest.push(file.subarray(position.offset));
    rest.end();
    expect(rest.warnings.filter(({ code }) => code === 'repeated_header')).toEqual(
      whole.warnings.filter(({ code }) => code === 'repeated_header'),
    );
  }
  return whole;
}

/** Of a cutter that is given one byte at a time. */
function positionsOf(file: Buffer, dialect: Dialect): CutPosition[] {
  const start: CutPosition = { offset: dialect.bodyOffset, line: dialect.bodyLine, record: 0, batch: 0 };
  const cutter = new BatchCutter(dialect, { ...limits, maxBatchRecords: 1 }, start);
  const positions = Array.from(file.subarray(start.offset), (byte) => {
    cutter.push(Buffer.of(byte));
    return cutter.position;
  });
  return [...new Set(positions)];
}

/** @param splits where a chunk ends; without any, after each byte */
function read(file: Buffer, dialect: Dialect, feed: Feed, own: CutLimits, splits: number[]): Account {
  const start: CutPosition = { offset: dialect.bodyOffset, line: dialect.bodyLine, record: 0, batch: 0 };
  const cutter = new BatchCutter(dialect, own, start);
  const batches: CutBatch[] = [];
  const ends = splits.length > 0 ? [...splits, file.length] : Array.from(file, (_, n) => n + 1);
  for (let at = dialect.bodyOffset; at < file.length;) {
    const from = at;
    const end = Math.max(from + 1, ends.find((each) => each > from) ?? file.length);
    batches.push(...cutter.push(file.subarray(from, end)));
    at = end;
  }
  batches.push(...cutter.end());
  const cuts = batches.flatMap((batch) => {
    if (batch.kind === 'oversize') throw new Error('No record here is that long.');
    return cutSlice(batch, dialect, own);
  });
  const records = cuts.map((cut) => {
    const { result } = prepareRecord(cut, feed, dialect, ['f'.repeat(64)]);
    return result.kind === 'good' ? result.payload : result.problem.reason;
  });
  // Every byte of a record is where its offset says.
  for (const { offset, bytes } of cuts) expect(file.subarray(offset, offset + bytes.length).equals(bytes)).toBe(true);
  return { records, lines: cuts.map(({ line }) => line), warnings: cutter.warnings };
}

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const row = (id: string, client = 'Acme') => `${id},W,t,30,${client}`;
const payload = (id: string, advertiser = 'Acme') => ({
  spot_id: id,
  station: 'W',
  airtime: 't',
  duration_sec: 30,
  advertiser,
});

/** A table in a delimiter and with or without quotes, from lines without any. */
const styles: [string, (text: string) => string][] = [',', ';', '\t', '|'].flatMap((delimiter) => [
  [JSON.stringify(delimiter), (text: string) => text.replaceAll(',', delimiter)],
  [
    `${JSON.stringify(delimiter)}, quoted`,
    // eslint-disable-next-line no-control-regex -- files have them
    (text: string) => text.replace(/[^,\r\n\x1a\ufeff]+/g, '"$&"').replaceAll(',', delimiter),
  ],
]);

describe.each(styles)('CSV with %s', (_name, styled) => {
  const of = (...lines: string[]) => account(styled(lines.join('')));

  it.each([
    ['LF', '\n'],
    ['CR LF', '\r\n'],
    ['CR', '\r'],
    ['CR CR LF', '\r\r\n'],
    ['LF CR', '\n\r'],
    ['Ctrl-Z LF', '\x1a\n'],
  ])('has the same records with any line ending: %s', (_end, end) => {
    const { records, warnings } = of(...[header, row('a'), row('b', 'Beta')].map((line) => line + end));
    expect(records).toEqual([payload('a'), payload('b', 'Beta')]);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['between CR and LF', `${header}\r\n${row('a')}\r\n${row('b')}\r`],
    ['before CR CR LF ends', `${header}\r\r\n${row('a')}\r\r\n${row('b')}\r\r`],
    ['before its last line break', `${header}\n${row('a')}\n${row('b')}`],
  ])('truncated %s loses nothing, with a warning', (_where, text) => {
    const { records, warnings } = of(text);
    expect(records).toEqual([payload('a'), payload('b')]);
    expect(warnings).toMatchObject([{ code: 'no_final_line_break' }]);
  });

  it.each([
    ['CR, its rows by CR LF', `${header}\r${row('a')}\r\n${row('b')}\r\n`],
    ['CR, its rows by LF', `${header}\r${row('a')}\n${row('b')}\n`],
    ['CR LF, its rows by CR', `${header}\r\n${row('a')}\r${row('b')}\r`],
    ['LF, its rows by turns', `${header}\n${row('a')}\r\n${row('b')}\n`],
  ])('can have a header that ends with %s', (_ends, text) => {
    expect(of(text).records).toEqual([payload('a'), payload('b')]);
  });

  it('does not read a byte-order mark or a repeated header as data', () => {
    const part = `${header}\r\n${row('a')}\r\n`;
    const one = of('\ufeff', part, '\ufeff', part, row('b'), '\r\n');
    expect(one.records).toEqual([payload('a'), payload('a'), payload('b')]);
    expect(one.lines).toEqual([2, 4, 5]);
    expect(one.warnings).toEqual([
      {
        code: 'repeated_header',
        message: 'The header is repeated in line 3, and was skipped there: the file was combined from two.',
      },
    ]);
    const more = of(part, part, '\n\ufeff', part, header);
    expect(more.records).toEqual([payload('a'), payload('a'), payload('a')]);
    expect(more.warnings).toMatchObject([
      { message: expect.stringMatching(/^The header is repeated 3 times, first in line 3,/) as unknown },
      { code: 'no_final_line_break' },
    ]);
    expect(of(header, '\n', '\ufeff', row('a'), '\n').records).toEqual([payload('a')]);
    expect(of(header, ',\n', row('a'), ',\n', header, '\n', row('b'), '\n')).toMatchObject({
      records: [payload('a'), payload('b')],
      warnings: [{ code: 'repeated_header' }],
    });
    expect(of(header, '\n', row('a'), '\n', header, ',\n', row('b'), ',\n').records).toEqual([
      payload('a'),
      payload('b'),
    ]);
  });

  it('skips empty lines before the header, among rows and at the end', () => {
    const nothing = [',,,,\n', ' \t\n', '\n', ', ,,,\r\n', '\r\n'];
    const { records, lines } = of(
      ...nothing,
      header,
      '\n',
      ...nothing,
      row('a'),
      '\n',
      ...nothing,
      row('b'),
      '\n',
      ',,,,\n\x1a',
    );
    expect(records).toEqual([payload('a'), payload('b')]);
    expect(lines).toEqual([12, 18]);
    expect(of(header, '\n', row('a'), '\n', '\x1a').records).toEqual([payload('a')]);
    expect(of(header, '\n', row('a'), '\x1a').records).toEqual([payload('a')]);
  });

  it('accepts an extra delimiter at the end of the header, or of the rows', () => {
    expect(of(header, ',\n', row('a'), '\n', row('b'), '\n').records).toEqual([payload('a'), payload('b')]);
    expect(of(header, '\n', row('a'), ',\n', row('b'), ',\n').records).toEqual([payload('a'), payload('b')]);
    expect(of(header, ',\n', row('a'), ',\n', row('b'), ',x\n').records).toEqual([payload('a'), 'field_count']);
    // The comma may be one within a field.
    expect(of(header, ',\n', row('a', 'Acme, Inc'), '\n').records).toEqual(['field_count']);
    expect(of(header, '\n', row('a'), ',x\n').records).toEqual(['field_count']);
  });

  it('rejects a total at the end with one reason', () => {
    expect(of(header, '\n', row('a'), '\n', 'Total,,,30,\n').records).toEqual([payload('a'), 'totals_row']);
    expect(of(header, '\n', row('a'), '\n', '(1 rows affected)\n').records).toEqual([payload('a'), 'totals_row']);
  });
});

describe('CSV', () => {
  it.each([
    ['LF', '\n', '\r', 'stray_line_break'],
    ['CR LF', '\r\n', '\r', 'stray_line_break'],
    ['CR LF', '\r\n', '\n', 'stray_line_break'],
    ['CR', '\r', '\n', 'stray_line_break'],
  ])(
    'of %s rejects another line break in a field without quotes, and keeps it in quotes',
    (_name, end, stray, reason) => {
      const rows = [row('a', `Ac${stray}me`), row('b', `"Ac${stray}me"`), row('c')];
      const { records } = account([header, row('x'), row('y'), ...rows].map((line) => line + end).join(''));
      expect(records.slice(2)).toEqual([reason, payload('b', `Ac${stray}me`), payload('c')]);
    },
  );

  it('of CR LF is not split at a line feed in a field without quotes', () => {
    const file = (...lines: string[]) => account([header, row('x'), row('y'), ...lines, row('z'), ''].join('\r\n'));
    const good = [payload('x'), payload('y')];
    expect(file(row('a', 'Ac\nme'))).toMatchObject({
      records: [...good, 'stray_line_break', payload('z')],
      lines: [2, 3, 4, 6],
    });
    expect(file(row('a', 'Ac\nme\nInc')).records).toEqual([...good, 'stray_line_break', payload('z')]);
    expect(file(row('a', 'Ac\nme" Inc')).records).toEqual([...good, 'bare_quote', payload('z')]);
    expect(file(`a\n${row('a')}`, row('b'))).toMatchObject({
      records: [...good, 'stray_line_break', payload('b'), payload('z')],
      lines: [2, 3, 4, 6, 7],
    });
    expect(file(`a\n${row('a')}\n${row('b')}`).records).toEqual([
      ...good,
      'stray_line_break',
      payload('b'),
      payload('z'),
    ]);
    expect(file(`Made by Avion\n${header}`, row('b')).records).toEqual([
      ...good,
      'field_count',
      payload('b'),
      payload('z'),
    ]);
    // Behind it are rows, or nothing: then it ends a line.
    expect(file(`${row('a')}\n${row('b')}`).records).toEqual([...good, payload('a'), payload('b'), payload('z')]);
    expect(file(`${row('a')}\n`).records).toEqual([...good, payload('a'), payload('z')]);
    expect(file(row('a', '"Ac\nme"')).records).toEqual([...good, payload('a', 'Ac\nme'), payload('z')]);
  });

  it('can declare its delimiter in its first line', () => {
    expect(account(`sep=;\r\n${header}\r\n${row('a')}\r\n`.replaceAll(',', ';')).records).toEqual([payload('a')]);
  });

  it('keeps rows that a quote would have swallowed', () => {
    const swallowed = account([header, row('a', '"Acme'), row('b'), row('c'), row('d', 'Beta"'), row('e')].join('\n'));
    expect(swallowed.records).toEqual(['unclosed_quote', payload('b'), payload('c'), 'bare_quote', payload('e')]);
    const blankBetween = account([header, row('a', '"Acme'), '', row('b'), row('c', 'Beta"'), row('e')].join('\n'));
    expect(blankBetween.records).toEqual(['unclosed_quote', payload('b'), 'bare_quote', payload('e')]);
    const two = account([header, row('a', '"Acme'), row('b', 'Beta"'), row('e')].join('\n'));
    expect(two.records).toEqual(['swallowed_rows', payload('e')]);
    for (const [first, last, head] of [
      ['"Acme,', 'Beta",', header],
      ['"Acme', 'Beta"', `${header},`],
    ] as const) {
      const withSurplus = account([head, row('a', first), row('b', last), row('e')].join('\n'));
      expect(withSurplus.records).toEqual(['swallowed_rows', payload('e')]);
    }
    // Rows with an empty field too many have a delimiter more.
    const surplus = account([header, row('a', '"Acme,'), row('b,'), row('c', 'Beta",'), row('e,')].join('\n'));
    expect(surplus.records.filter((each) => typeof each === 'string').length).toBeGreaterThan(0);
    expect(surplus.records).not.toContainEqual(expect.objectContaining({ spot_id: 'a' }));
  });

  it('has no record over the limit for a run of carriage returns', () => {
    const run = '\r'.repeat(50_000);
    expect(account(`${header}\n${run}\n${row('a')}\n`).records).toEqual([payload('a')]);
  });

  it('with the byte-order mark of UTF-8 is read as UTF-8, whatever the feed declares', () => {
    const feed: Feed = { ...traffic, encoding: 'windows-1252' };
    const file = `${header}\n${row('a', 'Café')}\n`;
    expect(account(`\ufeff${file}`, feed).records).toEqual([payload('a', 'Café')]);
    expect(account(Buffer.from(file, 'latin1'), feed).records).toEqual([payload('a', 'Café')]);
  });

  it('recognises the repeated header in Windows-1252, too', () => {
    const feed = { ...traffic, encoding: 'windows-1252' as const, columns: ['SpotID'] };
    const names = Buffer.from(`\u0080Größe,${header}\n`.replace('\u0080', '€'), 'utf8').toString('utf8');
    const bytes = Buffer.from(names.replace('€', '\x80'), 'latin1');
    const rows = Buffer.from(`x,${row('a')}\n`);
    const { records, warnings } = account(Buffer.concat([bytes, rows, bytes, rows]), feed);
    expect(records).toEqual([payload('a'), payload('a')]);
    expect(warnings).toMatchObject([{ code: 'repeated_header' }]);
  });
});

const spot = (id: string) => ({ SpotID: id, StationCode: 'W', AirDateTime: 't', Duration: 30, ClientName: 'Acme' });
const json = (id: string, indent?: number) => JSON.stringify(spot(id), null, indent);
const abc = [payload('a'), payload('b'), payload('c')];

describe('JSON', () => {
  it.each<[string, string]>([
    ['lines', `${json('a')}\n${json('b')}\r\n${json('c')}\n`],
    ['lines with CR CR LF and marks', `\ufeff${json('a')}\r\r\n\ufeff${json('b')}\r\r\n \t\r\n${json('c')}\r\r\n\x1a`],
    ['lines ended by CR', `${json('a')}\r${json('b')}\r${json('c')}\r`],
    ['objects one after another', `${json('a')}${json('b')}${json('c')}`],
    ['the same on lines', `${json('a')}${json('b')}\n${json('c')}\n`],
    ['objects over several lines', `${json('a', 2)}\n${json('b', 2)}\n${json('c', 2)}\n`],
    ['the same in CR LF', `${json('a', 2)}\n\n${json('b', 2)}${json('c', 2)}\n`.replaceAll('\n', '\r\n')],
    ['an array', `[${json('a')},${json('b')},${json('c')}]`],
    ['an array over lines', JSON.stringify([spot('a'), spot('b'), spot('c')], null, 2)],
    ['an array with a [ too many', `[\n${json('a')},\n[${json('b')},\n${json('c')}\n]`],
    ['the same over several lines', `[\n  [\n${json('a', 2)},\n${json('b', 2)},\n${json('c', 2)}\n]\n`],
    ['arrays in an array', `[[${json('a')},${json('b')}],[${json('c')}]]`],
    ['an array with a mark in it', `[${json('a')},\n\ufeff${json('b')},${json('c')}]\x1a`],
    ['an array in an object', `{"Records":[\n${json('a')},\n${json('b')},\n${json('c')}\n]}`],
    ['one of its members', `{"n":{"x":["]"]},"Records":[${json('a')},${json('b')},${json('c')}],"next":null,"e":[]}\n`],
    [
      'the same, indented',
      JSON.stringify({ n: 3, Records: [spot('a'), spot('b'), spot('c')], next: { a: [1] } }, null, 2),
    ],
  ])('as %s has all records, and no warning', (_name, text) => {
    expect(account(text)).toMatchObject({ records: abc, warnings: [] });
  });

  it('of one object over several lines is one record', () => {
    expect(account(json('a', 2)).records).toEqual([payload('a')]);
  });

  it('loses only the damaged object among those over several lines', () => {
    const text = [json('a', 2), json('x', 2).replace('"W"', '"W'), json('b', 2), json('c', 2)].join('\n');
    expect(account(text).records).toEqual([payload('a'), 'not_json', payload('b'), payload('c')]);
  });

  it('sends nothing from a second array of the object', () => {
    const other = `{"Records":[${json('a')},${json('b')},${json('c')}],"Other":[${json('d')}]}`;
    expect(() => account(other)).toThrow(
      'wrapped_arrays: The object contains several arrays of objects ("Records", "Other")',
    );
    // Beyond the bytes that format detection reads.
    const padding = `{"n":"${'x'.repeat(15_000)}"}`;
    const far = `{"Records":[${json('a')},${Array.from({ length: 20 }, () => padding).join(',')}],"Other":[${json('d')}]}`;
    const { records } = account(far);
    expect(records[0]).toEqual(payload('a'));
    expect(records).not.toContainEqual(payload('d'));
    expect(records.slice(-1)).not.toEqual([payload('d')]);
  });

  it('that ends within an object which contains the array has a warning', () => {
    for (const end of ['', ',', ']', '],"n":']) {
      const { records, warnings } = account(`{"Records":[${json('a')},${json('b')},${json('c')}${end}`);
      expect(records.slice(0, 3)).toEqual(abc);
      expect(warnings).toMatchObject([{ code: 'unclosed_array' }]);
    }
  });

  it('whose array has no beginning is refused', () => {
    expect(() => account(`${json('a')},\n${json('b')}\n]`)).toThrow('not_an_array');
  });

  it('under the name that the feed declares is read, whatever else is there', () => {
    const feed = { ...traffic, recordsIn: 'Spots' };
    const text = JSON.stringify({ SpotID: 'x', Errors: [{ n: 1 }], Spots: [spot('a'), spot('b')], More: [{ n: 2 }] });
    expect(account(text, feed)).toMatchObject({ records: abc.slice(0, 2), warnings: [] });
    expect(account('{"Spots":[]}', feed)).toEqual({ records: [], lines: [], warnings: [] });
  });

  it('in an array of the same name that was not detected is rejected, and not sent', () => {
    const padding = Array.from({ length: 20 }, () => `{"n":"${'x'.repeat(15_000)}"}`).join(',');
    for (const feed of [traffic, { ...traffic, recordsIn: 'Records' }]) {
      for (const second of [`[${json('d')}]`, '[]', '7']) {
        const far = `{"Records":[${json('a')},${padding}],"Records":${second}}`;
        const { records } = account(far, feed);
        expect(records[0]).toEqual(payload('a'));
        expect(records).not.toContainEqual(payload('d'));
        // Not the padding alone.
        expect(records.length).toBeGreaterThan(21);
      }
    }
  });

  it('of an empty array in an object has no records', () => {
    for (const text of ['{"Records":[]}', '{"made":"now","Records":[ \n ],"n":0}\n']) {
      expect(account(text)).toEqual({ records: [], lines: [], warnings: [] });
    }
  });

  it('whose array is deeper within the object is refused', () => {
    const text = `{"data":{"n":1,"Records":[${json('a')},${json('b')}]}}`;
    expect(() => account(text)).toThrow(
      'wrapped_arrays: The object holds no array of records, but "data" in it does ("Records")',
    );
  });

  it('for a feed of documents: several of them over several lines are records', () => {
    const record = (id: string) => ({
      record_id: id,
      component_sn: 'SN',
      form_type: 'FAA 8130-3',
      cert_status: 'airworthy',
      removal_date: '2026-01-05',
    });
    const text = ['a', 'b'].map((id) => JSON.stringify(record(id), null, 2)).join('\n');
    const { records } = account(text, maintenance, 'maintenance/x.json');
    expect(records).toMatchObject([{ record_id: 'a' }, { record_id: 'b' }]);
  });
});

it('under a name in .jsonl that contains CSV is read as CSV', () => {
  expect(account(`${header}\n${row('a')}\n`, traffic, 'traffic/log.jsonl').records).toEqual([payload('a')]);
});
