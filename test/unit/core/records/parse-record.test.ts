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
  const parsed = parseRecord(Buffer.from(text), csv(names, { delimiter }), []);
  return parsed.kind === 'row' ? Object.values(parsed.row) : parsed.problem.reason;
}

function problemOf(text: string | Buffer, dialect: Dialect, integerFields: string[] = []): unknown {
  const parsed = parseRecord(Buffer.from(text), dialect, integerFields);
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
    ['a\rb,c', ['a\rb', 'c'], 2],
    ['a\0b,\0', ['a\0b', '\0'], 2],
    ['\ufeffa,b', ['\ufeffa', 'b'], 2],
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

  it('takes other delimiters, and a comma for text then', () => {
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
        expect(fieldsOf(text, fields.length)).toEqual(fields);
      }),
      { numRuns: 500 },
    );
  });

  it('says how many fields a row has and how many the header', () => {
    expect(problemOf('a,b', csv(['x', 'y', 'z']))).toEqual({
      reason: 'field_count',
      field: null,
      message: 'record has 2 fields, the header has 3',
    });
  });

  it('takes columns called __proto__ and constructor for what they are', () => {
    const parsed = parseRecord(Buffer.from('a,b'), csv(['__proto__', 'constructor']), []);
    expect(parsed.kind === 'row' && Object.entries(parsed.row)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    const other = parseRecord(Buffer.from('a'), csv(['x']), []);
    expect(other.kind === 'row' && other.row['constructor']).toBeUndefined();
  });

  it('takes 10,000 columns', () => {
    const row = Array.from({ length: 10_000 }, (_, n) => `"${n}"`).join(',');
    expect(fieldsOf(row, 10_000)).toHaveLength(10_000);
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
      [],
    );
    expect(parsed.kind === 'row' && { ...parsed.row }).toEqual({ a: '€’é', b: 'Ÿ' });
  });
});

describe('parsing a JSON record', () => {
  it('gives the object', () => {
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
  ])('says where %j stops being JSON, and quotes none of it', (text, where) => {
    expect(problemOf(text, jsonLines)).toEqual({
      reason: 'not_json',
      field: null,
      message: `record is not JSON: ${where}`,
    });
  });

  it('agrees with JSON.parse on what is no JSON', () => {
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
        const parsed = parseRecord(Buffer.from(pieces.join('')), jsonLines, []);
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
  ])('rejects %s, which is no object', (text, name) => {
    expect(problemOf(text, jsonLines)).toEqual({
      reason: 'not_an_object',
      field: null,
      message: `record is JSON, but ${name} instead of an object`,
    });
  });

  it.each(['30.0', '3e1', '29.97', '1e400', '-0.0', '3E0'])('rejects %s where a plain integer belongs', (literal) => {
    expect(problemOf(`{"Duration":${literal},"x":30.0}`, jsonLines, ['Duration'])).toEqual({
      reason: 'not_an_integer',
      field: 'Duration',
      message: `Duration must be a plain integer; it is written as ${literal}`,
    });
  });

  it('looks only at the field itself, and at its last spelling', () => {
    const nested = { Duration: 30, x: { Duration: 1.5 } };
    expect(problemOf('{"x":{"Duration":1.5},"Duration":30}', jsonLines, ['Duration'])).toEqual(nested);
    expect(problemOf('{"Duration":30,"x":{"Duration":1.5}}', jsonLines, ['Duration'])).toEqual(nested);
    expect(problemOf('{"Duration":1.0,"\\u0044uration":30}', jsonLines, ['Duration'])).toEqual({ Duration: 30 });
    expect(problemOf('{"Duration":"30.0"}', jsonLines, ['Duration'])).toEqual({ Duration: '30.0' });
  });

  it('does not let __proto__ in a record be more than a field', () => {
    const parsed = parseRecord(Buffer.from('{"__proto__":{"a":1}}'), jsonLines, []);
    expect(parsed.kind === 'row' && parsed.row['a']).toBeUndefined();
  });
});
