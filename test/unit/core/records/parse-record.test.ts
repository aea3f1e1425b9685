import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CsvDialect, Dialect } from '../../../../lambdas/core/records/dialect.ts';
import { parseRecord } from '../../../../lambdas/core/records/parse-record.ts';

const body = { encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 } as const;
const jsonLines: Dialect = { format: 'jsonl', ...body };

function csv(columns: string[], more: Partial<CsvDialect> = {}): CsvDialect {
  return { format: 'csv', ...body, delimiter: ',', lineBreak: 'lf', columns, ...more };
}

function fieldsOf(text: string, columns: number, delimiter: CsvDialect['delimiter'] = ','): unknown {
  const names = Array.from({ length: columns }, (_, n) => `c${n}`);
  const parsed = parseRecord(Buffer.from(text), csv(names, { delimiter }));
  return parsed.kind === 'row' ? Object.values(parsed.row) : parsed.problem.reason;
}

function problemOf(text: string | Buffer, dialect: Dialect, integerFields: string[] = []): unknown {
  const parsed = parseRecord(Buffer.from(text), dialect, { integerFields });
  return parsed.kind === 'problem' ? parsed.problem : parsed.row;
}

describe('parsing a CSV record', () => {
  it.each<[string, string[] | string, number]>([
    ['a,b,c', ['a', 'b', 'c'], 3],
    ['a', ['a'], 1],
    [',,', ['', '', ''], 3],
    [' a , b ', [' a ', ' b '], 2],
    ['"a","b"', ['a', 'b'], 2],
    ['"a,b",c', ['a,b', 'c'], 2],
    ['"a ""quoted"" word",c', ['a "quoted" word', 'c'], 2],
    ['"""",""', ['"', ''], 2],
    ['""""""', ['""'], 1],
    ['"two\nlines",b', ['two\nlines', 'b'], 2],
    ['"two\r\nlines",b', ['two\r\nlines', 'b'], 2],
    ['"","",""', ['', '', ''], 3],
    ['a,"b"', ['a', 'b'], 2],
    ['a,', ['a', ''], 2],
    [
      '1,"{""type"": ""Point"", ""coordinates"": [102.0, 0.5]}"',
      ['1', '{"type": "Point", "coordinates": [102.0, 0.5]}'],
      2,
    ],
    ["'a,b'", ["'a", "b'"], 2],
    ['a\\"b', 'bare_quote', 1],
    ['a"b,c', 'bare_quote', 2],
    [' "a",b', 'bare_quote', 2],
    ['"a" ,b', 'text_after_quote', 2],
    ['"a"b,c', 'text_after_quote', 2],
    ['"a""b', 'unclosed_quote', 1],
    ['a,"', 'unclosed_quote', 2],
    ['"', 'unclosed_quote', 1],
    ['a,b', 'field_count', 3],
    ['   ', 'field_count', 2],
  ])('%j is %j', (text, expected, columns) => {
    expect(fieldsOf(text, columns)).toEqual(expected);
  });

  it('accepts other delimiters, and then reads a comma as text', () => {
    expect(fieldsOf('a,b;"c;d"', 2, ';')).toEqual(['a,b', 'c;d']);
    expect(fieldsOf('a\t\tb', 3, '\t')).toEqual(['a', '', 'b']);
    expect(fieldsOf('a|"|"', 2, '|')).toEqual(['a', '|']);
  });

  it('reads back any fields that were written with quotes', () => {
    const field = fc
      .array(fc.constantFrom('"', ',', '\n', '\r', 'a', ' ', 'é'), { maxLength: 8 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), (fields) => {
        const text = fields.map((one) => `"${one.replaceAll('"', '""')}"`).join(',');
        const read = fieldsOf(text, fields.length);
        // Text with delimiters in several lines may look like rows that a quote swallowed.
        const mayLookLikeRows = fields.length > 2 && fields.some((one) => /[\r\n]/.test(one) && one.includes(','));
        if (!mayLookLikeRows || read !== 'swallowed_rows') expect(read).toEqual(fields);
      }),
      { numRuns: 500 },
    );
  });

  it('reports how many fields a row has and how many the header', () => {
    expect(problemOf('a,b', csv(['x', 'y', 'z']))).toEqual({
      reason: 'field_count',
      field: null,
      message: 'record has 2 fields, the header has 3',
    });
  });

  it('handles columns called __proto__ and constructor like any other', () => {
    const parsed = parseRecord(Buffer.from('a,b'), csv(['__proto__', 'constructor']));
    expect(parsed.kind === 'row' && Object.entries(parsed.row)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    const other = parseRecord(Buffer.from('a'), csv(['x']));
    expect(other.kind === 'row' && other.row['constructor']).toBeUndefined();
  });

  it('accepts 10,000 columns', () => {
    const row = Array.from({ length: 10_000 }, (_, n) => `"${n}"`).join(',');
    expect(fieldsOf(row, 10_000)).toHaveLength(10_000);
  });
});

describe('damage in a CSV record that earlier versions accepted', () => {
  it.each<[string, string, string, string]>([
    ['a CR in a field', 'a,Ac\rme,c', 'stray_line_break', 'field 2 has a carriage return in it but is not quoted'],
    ['a CR at the end', 'a,b,c\r', 'stray_line_break', 'field 3 has a carriage return in it but is not quoted'],
    ['a LF in a field', 'a,b\nc,d', 'stray_line_break', 'field 2 has a line feed in it but is not quoted'],
    [
      'a CR beside quoted fields',
      '"a","b",c\rd',
      'stray_line_break',
      'field 3 has a carriage return in it but is not quoted',
    ],
    ['a NUL', 'a,b\0,c', 'stray_character', 'c1 has a NUL (U+0000) in it'],
    ['a quoted NUL', 'a,b,"c\0"', 'stray_character', 'c2 has a NUL (U+0000) in it'],
    ['a byte-order mark', '\ufeffa,b,c', 'stray_character', 'c0 has a byte-order mark (U+FEFF) in it'],
    ['a quoted byte-order mark', '"\ufeffa",b,c', 'stray_character', 'c0 has a byte-order mark (U+FEFF) in it'],
    ['a Ctrl-Z', 'a,b\x1ab,c', 'stray_character', 'c1 has a Ctrl-Z (U+001A) in it'],
  ])('%s is rejected', (_name, text, reason, message) => {
    expect(problemOf(text, csv(['c0', 'c1', 'c2']))).toMatchObject({ reason, message });
  });

  it.each([
    ['CR', '"a\rb",c', ['a\rb', 'c']],
    ['LF', '"a\nb",c', ['a\nb', 'c']],
    ['CRLF', 'a,"b\r\nc"', ['a', 'b\r\nc']],
  ])('a quoted %s is text', (_name, text, fields) => {
    expect(fieldsOf(text, 2)).toEqual(fields);
  });

  it.each([',', ';', '\t', '|'] as const)(
    'a row that a quote swallowed is rejected, with its lines (%j)',
    (delimiter) => {
      const names = ['SpotID', 'StationCode', 'AirDateTime', 'Duration', 'ClientName'];
      const dialect = csv(names, { delimiter });
      const parse = (text: string, line = 1) => {
        const parsed = parseRecord(Buffer.from(text.replaceAll(',', delimiter)), dialect, { line });
        return parsed.kind === 'row' ? Object.values(parsed.row) : parsed.problem;
      };
      for (const text of [
        'a,W,t,30,"Acme\nb,W,t,30,Beta"',
        'a,W,t,30,"Acme\r\nb,W,t,30,Beta"',
        'a,W,t,30,"Acme\rb,W,t,30,Beta"',
        'a,"W,t,30,Acme\nb,W",t,30,Beta',
        '"a,W,t,30,Acme\nb",W,t,30,Beta',
        '"a",W,"t",30,"Acme\nb,"",t,30,Beta"',
      ]) {
        expect(parse(text, 7)).toMatchObject({
          reason: 'swallowed_rows',
          message: expect.stringMatching(
            /^the quote that opens field [125] in line 7 closes in line 8, and each of these/,
          ) as unknown,
        });
      }
      // An earlier field has a line break that belongs there.
      expect(parse('"a\nx",W,t,30,"Acme\nb,W,t,30,Beta"')).toMatchObject({
        reason: 'swallowed_rows',
        message: expect.stringContaining('in line 2 closes in line 3') as unknown,
      });
      expect(parse('a,W,t,30,"Acme\n\nb,W,t,30,x\nb,W,t,30,Beta"')).toMatchObject({ reason: 'swallowed_rows' });
      // Text of several lines that are not rows.
      expect(parse('a,W,t,30,"Acme\nb,W,t,30"')).toEqual([
        'a',
        'W',
        't',
        '30',
        'Acme\nb,W,t,30'.replaceAll(',', delimiter),
      ]);
      expect(parse('a,W,t,30,"Acme,\nb,W,t,30,Beta"')).toHaveLength(5);
      expect(parse('a,W,"two\nlines",30,Beta')).toHaveLength(5);
    },
  );

  it('two columns are too few to tell rows from text', () => {
    expect(fieldsOf('1,"Hello\nworld, again"', 2)).toEqual(['1', 'Hello\nworld, again']);
  });

  it.each([
    ['a,b,c,', ['x', 'y', 'z'], { x: 'a', y: 'b', z: 'c' }],
    ['a,b,c, ', ['x', 'y', 'z'], { x: 'a', y: 'b', z: 'c' }],
    ['a,b,"c",""', ['x', 'y', 'z'], { x: 'a', y: 'b', z: 'c' }],
    ['a,b,c', ['x', 'y', 'z', ''], { x: 'a', y: 'b', z: 'c', '': '' }],
  ])('an extra delimiter at the end of %j or of its header is accepted', (text, columns, row) => {
    expect(problemOf(text, csv(columns))).toEqual(row);
  });

  it.each(['a,b,c,,', 'a,b,c,d', ',a,b,c', 'a,b'])('any other number of fields is invalid: %j', (text) => {
    expect(problemOf(text, csv(['x', 'y', 'z']))).toMatchObject({ reason: 'field_count' });
  });

  it.each(['Total,5', 'TOTAL: 1,200', 'Grand Total', '(5 rows affected)', '12 records', ',Sum'])(
    'a total at the end is reported as one: %j',
    (text) => {
      expect(problemOf(text, csv(['w', 'x', 'y', 'z']))).toMatchObject({
        reason: 'totals_row',
        message: 'row looks like a total or a count at the end of a report, not like data',
      });
    },
  );

  it('a name that the feed ignores and that the header has twice is not part of the row', () => {
    expect(problemOf('1,2,3', csv(['x', 'y', 'x'], { ambiguousColumns: ['x'] }))).toEqual({ y: '2' });
  });
});

describe('the encoding of a record', () => {
  it('rejects invalid UTF-8 rather than replacing it', () => {
    for (const bytes of [[0x61, 0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      expect(problemOf(Buffer.from(bytes), csv(['a']))).toMatchObject({
        reason: 'invalid_encoding',
        message: 'record is not valid UTF-8',
      });
    }
  });

  it('reads Windows-1252, its own characters between 0x80 and 0x9f included', () => {
    const parsed = parseRecord(
      Buffer.from([0x80, 0x92, 0xe9, 0x2c, 0x9f]),
      csv(['a', 'b'], { encoding: 'windows-1252' }),
    );
    expect(parsed.kind === 'row' && { ...parsed.row }).toEqual({ a: '€’é', b: 'Ÿ' });
  });
});

describe('parsing a JSON record', () => {
  it('returns the object', () => {
    expect(problemOf('{"a":1,"b":{"c":[null,true]},"d":"\\ud800"} \r', jsonLines)).toEqual({
      a: 1,
      b: { c: [null, true] },
      d: '\ud800',
    });
  });

  it.each([
    ['', 'it ends too early'],
    ['   ', 'it ends too early'],
    ['{"a":', 'it ends too early'],
    ['{"a":1', 'it ends too early'],
    ['{"a":1,}', 'something unexpected at character 8'],
    ['{"a" 1}', 'something unexpected at character 6'],
    ['{a:1}', 'something unexpected at character 2'],
    ['{"a":01}', 'something unexpected at character 6'],
    ['{"a":NaN}', 'something unexpected at character 6'],
    ['{"a":1} {"b":2}', 'something unexpected at character 9'],
    ['{"a":1},', 'something unexpected at character 8'],
    ['{"a":[1,2}', 'something unexpected at character 10'],
    ['{"a":"secret', 'something unexpected at character 6'],
    ['{"a":"se\ncret"}', 'something unexpected at character 6'],
    ["{'a':1}", 'something unexpected at character 2'],
    ['\ufeff{}', 'something unexpected at character 1'],
    ['{"a":1}}', 'something unexpected at character 8'],
    [']', 'something unexpected at character 1'],
  ])('reports where %j stops being JSON, and quotes none of it', (text, where) => {
    expect(problemOf(text, jsonLines)).toEqual({
      reason: 'not_json',
      field: null,
      message: `record is not JSON: ${where}`,
    });
  });

  it('agrees with JSON.parse on what is invalid JSON', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1',
      '-0',
      '1.5e3',
      'true',
      'null',
      ' ',
      'x',
      '"',
      '\\',
      '\u00a0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const parsed = parseRecord(Buffer.from(pieces.join('')), jsonLines);
        if (parsed.kind === 'problem' && parsed.problem.reason === 'not_json') {
          expect(parsed.problem.message).toMatch(/it ends too early|something unexpected at character \d+$/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['[{"a":1}]', 'an array'],
    ['null', 'null'],
    ['"x"', 'a string'],
    ['12', 'a number'],
    ['true', 'a boolean'],
  ])('rejects %s, which is not an object', (text, name) => {
    expect(problemOf(text, jsonLines)).toEqual({
      reason: 'not_an_object',
      field: null,
      message: `record is JSON, but ${name} instead of an object`,
    });
  });

  it.each([
    String.raw`{"x\"Duration":30,"Duration":30.0}`,
    '{"a":{"Duration":30},"Duration":30.0}',
    '{"a":["Duration",30],"Duration":30.0}',
    '{"note":"Duration:30,","Duration":30.0}',
    '{"Duration":30.0}',
    String.raw`{"\u0044uration":30.0}`,
  ])('is not misled by what looks like the field: %s', (text) => {
    const parsed = parseRecord(Buffer.from(text), jsonLines, { integerFields: ['Duration'] });
    expect(parsed).toMatchObject({ kind: 'problem', problem: { reason: 'not_an_integer', field: 'Duration' } });
  });

  it.each([
    '{"Duration":30}',
    '{"Duration": 30, "x":"30.0"}',
    '{ "Duration" : 30 }',
    '{"a":{"b":1.5},"Duration":-30\n}',
  ])('accepts %s', (text) => {
    const parsed = parseRecord(Buffer.from(text), jsonLines, { integerFields: ['Duration'] });
    expect(parsed.kind).toBe('row');
  });

  it.each(['30.0', '3e1', '29.97', '1e400', '-0.0', '3E0'])('rejects %s in place of a plain integer', (literal) => {
    expect(problemOf(`{"Duration":${literal},"x":30.0}`, jsonLines, ['Duration'])).toEqual({
      reason: 'not_an_integer',
      field: 'Duration',
      message: `Duration must be a plain integer; it is written as ${literal}`,
    });
  });

  it('checks only the field itself', () => {
    const nested = { Duration: 30, x: { Duration: 1.5 } };
    expect(problemOf('{"x":{"Duration":1.5},"Duration":30}', jsonLines, ['Duration'])).toEqual(nested);
    expect(problemOf('{"Duration":30,"x":{"Duration":1.5}}', jsonLines, ['Duration'])).toEqual(nested);
    expect(problemOf('{"Duration":"30.0"}', jsonLines, ['Duration'])).toEqual({ Duration: '30.0' });
  });

  it.each<[string, string | null, string]>([
    ['{"a":30,"b":1,"a":60}', 'a', 'a'],
    ['{"a":30,"\\u0061":30}', 'a', 'a'],
    ['{"x":[{"y":{"b":1,"c":":","b":1}}]}', null, 'b'],
    ['{"__proto__":1,"__proto__":2}', '__proto__', '__proto__'],
    ['{"a":{"a":1},"b":[{"a":1},{"a":2,"a":3}]}', null, 'a'],
  ])('rejects %s: a name occurs twice in an object', (text, field, name) => {
    for (const exactNumbers of [false, true]) {
      const parsed = parseRecord(Buffer.from(text), jsonLines, { exactNumbers });
      const message = `record has an object with the name "${name}" more than once: it is unclear which of its values counts`;
      expect(parsed).toEqual({ kind: 'problem', problem: { reason: 'duplicate_name', field, message } });
    }
  });

  it('accepts the same name in different objects, and colons and quotes in strings', () => {
    for (const text of ['{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}', '{"a":"\\"b\\":1,\\"b\\":2","c":"{::[["}']) {
      expect(problemOf(text, jsonLines)).toEqual(JSON.parse(text));
    }
    const parsed = parseRecord(Buffer.from('{"a":12345678901234567890,"b":1}'), jsonLines, { exactNumbers: true });
    expect(parsed.kind).toBe('row');
  });

  it('finds no repeated name in any output of JSON.stringify, and finds every repeated member', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.boolean(), (object, isSpaced) => {
        const text = JSON.stringify(object, null, isSpaced ? 2 : undefined);
        const reasonOf = (json: string) => {
          const parsed = parseRecord(Buffer.from(json), jsonLines);
          return parsed.kind === 'problem' ? parsed.problem.reason : 'row';
        };
        expect(['row', 'stray_character']).toContain(reasonOf(text));
        const name = JSON.stringify(Object.keys(object)[0]);
        expect(reasonOf(`${text.slice(0, -1)},${name}:0}`)).toBe('duplicate_name');
      }),
      { numRuns: 300 },
    );
  });

  it('accepts 64 levels and no more, whatever is nested', () => {
    const nested = (levels: number, open: string, close: string) =>
      `{"a":${open.repeat(levels - 1)}1${close.repeat(levels - 1)}}`;
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      expect(problemOf(nested(64, open, close), jsonLines)).not.toHaveProperty('reason');
      expect(problemOf(nested(65, open, close), jsonLines)).toEqual({
        reason: 'too_deep',
        field: null,
        message: 'record is nested 65 levels deep; the limit is 64',
      });
      expect(problemOf(nested(20_000, open, close), jsonLines)).toMatchObject({ reason: 'too_deep' });
    }
    expect(problemOf('['.repeat(50_000), jsonLines)).toMatchObject({ reason: 'too_deep' });
  });

  it('rejects a NUL written as an escape in a string, and accepts a backslash before u0000 as text', () => {
    expect(problemOf('{"a":"x\\u0000"}', jsonLines)).toMatchObject({ reason: 'stray_character' });
    expect(problemOf('{"a":"x\\\\\\u0000"}', jsonLines)).toMatchObject({ reason: 'stray_character' });
    expect(problemOf('{"a":"x\\\\u0000"}', jsonLines)).toEqual({ a: 'x\\u0000' });
    for (const name of ['001a', '001A', 'FEFF', 'feff', 'fEfF']) {
      expect(problemOf(`{"a":"x\\u${name}"}`, jsonLines)).toMatchObject({
        reason: 'stray_character',
        message: expect.stringMatching(
          /^record has a (Ctrl-Z \(U\+001A\)|byte-order mark \(U\+FEFF\)) in it$/,
        ) as string,
      });
    }
    // As it is, in a value and in a name.
    for (const text of ['{"a":"x\ufeff"}', '{"\ufeffa":"x"}', '{"a":["\ufeff"]}']) {
      expect(problemOf(text, jsonLines)).toMatchObject({ reason: 'stray_character' });
    }
  });

  it('treats __proto__ in a record as an ordinary field', () => {
    const parsed = parseRecord(Buffer.from('{"__proto__":{"a":1}}'), jsonLines);
    expect(parsed.kind === 'row' && parsed.row['a']).toBeUndefined();
  });
});
