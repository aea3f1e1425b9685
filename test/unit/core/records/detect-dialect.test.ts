import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import type { Format } from '../../../../feeds/feed.ts';
import type { DialectWish } from '../../../../lambdas/core/records/dialect.ts';
import { detectDialect } from '../../../../lambdas/core/records/detect-dialect.ts';

const all: [Format, ...Format[]] = ['csv', 'jsonl', 'json-array', 'json-document'];
const wish: DialectWish = { formats: all, encoding: 'utf-8', columns: ['id', 'name'], key: 'traffic/export' };

function detect(content: string | Buffer, more: Partial<DialectWish> = {}): ReturnType<typeof detectDialect> {
  const file = Buffer.from(content);
  const whole = detectDialect(file, true, { ...wish, ...more });
  // Whatever a shorter head is answered with, unless it is `more`, must be the same.
  for (let length = 0; length < file.length; length += Math.max(1, file.length >> 6)) {
    const early = detectDialect(file.subarray(0, length), false, { ...wish, ...more });
    if (early.kind !== 'more') expect(early).toEqual(whole);
  }
  return whole;
}

function csvOf(content: string, more: Partial<DialectWish> = {}): unknown {
  const found = detect(content, { formats: ['csv'], ...more });
  return found.kind === 'dialect' ? found.dialect : found;
}

const rows = '1,a\n'.repeat(3000);

describe('a CSV header', () => {
  it.each([',', ';', '\t', '|'])('determines the delimiter %j', (delimiter) => {
    expect(csvOf(`id${delimiter}name${delimiter}x\n1${delimiter}a${delimiter}b\n`)).toMatchObject({
      delimiter,
      columns: ['id', 'name', 'x'],
      lineBreak: 'lf',
    });
  });

  it('may have quotes, blanks, other columns, other delimiters in a cell, any order', () => {
    expect(csvOf('"name";" id ";"a, b, ""c"""; d\n')).toMatchObject({
      delimiter: ';',
      columns: ['name', 'id', 'a, b, "c"', 'd'],
    });
  });

  it.each([
    ['lf', 'id,name\n1,a\n', 8, 2, 'lf'],
    ['crlf', 'id,name\r\n1,a\r\n', 9, 2, 'lf'],
    ['cr', 'id,name\r1,a\r', 8, 2, 'cr'],
    ['cr with a line feed in later fields', 'id,name\r1,"a\nb"\r2,"c\nd"\r3,e\r', 8, 2, 'cr'],
    ['a line end of cr, cr, lf', 'id,name\r\r\n1,a\r\r\n', 10, 2, 'lf'],
    ['a line end of lf, cr', 'id,name\n\r1,a\n\r', 8, 2, 'lf'],
    ['cr, and rows of crlf', 'id,name\r1,a\r\n2,b\r\n', 8, 2, 'lf'],
    ['cr, and rows of lf', 'id,name\r1,a\n2,b\n', 8, 2, 'lf'],
    ['crlf, and rows of cr', 'id,name\r\n1,a\r2,b\r', 9, 2, 'cr'],
    ['crlf, and a cr in a row', 'id,name\r\n1,a\rb\r\n2,b\r\n', 9, 2, 'lf'],
    ['rows of lf, and of cr lf, and a cr at the end', 'id,name\n1,a\r\n2,b\r', 8, 2, 'lf'],
    ['lines of delimiters and blanks before', ';;\n , ,\n"",""\nid,name\n1,a', 22, 5, 'lf'],
    ['a line that says what delimits', 'sep=,\r\nid,name\r\n1,a', 16, 3, 'lf'],
    ['the same in quotes, behind a byte order mark', '\ufeff"SEP=,"\nid,name\n1,a', 19, 3, 'lf'],
    ['blank lines before', '\n\r\n\nid,name\n1,a', 12, 5, 'lf'],
    ['a byte order mark', '\ufeffid,name\n1,a', 11, 2, 'lf'],
    ['a line break in a cell', 'id,name,"two\nlines"\n1,a,b\n', 20, 3, 'lf'],
    ['no row and no line break', 'id,name', 7, 1, 'lf'],
    ['many rows', `id,name\n${rows}`, 8, 2, 'lf'],
    ['many rows, cr', `id,name\n${rows}`.replaceAll('\n', '\r'), 8, 2, 'cr'],
  ])('%s: determines line break and position of the first row', (_name, content, bodyOffset, bodyLine, lineBreak) => {
    expect(csvOf(content)).toMatchObject({ bodyOffset, bodyLine, lineBreak });
  });

  it('is refused without the required columns, which are named', () => {
    expect(csvOf('\nid;nmae\n')).toEqual({
      kind: 'refused',
      code: 'missing_columns',
      message: expect.stringContaining('lacks the column "name".') as string,
    });
    // A line feed ends it, or a carriage return: both leave it incomplete.
    expect(csvOf('id,x\rname,name\n1,a\n')).toMatchObject({ code: 'missing_columns' });
    expect(csvOf('1,2\n')).toMatchObject({
      message: expect.stringContaining('lacks the columns "id", "name".') as string,
    });
  });

  it('is refused if a required name occurs twice, but not for another name', () => {
    expect(csvOf('id,name,x,id\n')).toMatchObject({
      kind: 'refused',
      code: 'duplicate_columns',
      message: 'The CSV header has the column "id" more than once.',
    });
    expect(csvOf('id,name,,\n')).toMatchObject({ columns: ['id', 'name', '', ''] });
    expect(csvOf('x,id,x,name,y,y\n')).toMatchObject({ ambiguousColumns: ['x', 'y'] });
    expect(csvOf('id,name,x\n')).not.toHaveProperty('ambiguousColumns');
  });

  it('is refused beyond its limit, with broken quotes, and if it is not text', () => {
    expect(csvOf(`id,name,${'x'.repeat(70_000)}\n`)).toMatchObject({ kind: 'refused', code: 'bad_header' });
    expect(csvOf('id,na"me\n')).toMatchObject({ kind: 'refused', code: 'bad_header' });
    expect(detect(Buffer.from('id,name,caf\xe9\n', 'latin1'))).toMatchObject({ code: 'invalid_encoding' });
    expect(detect(Buffer.from('id,name,caf\xe9\n', 'latin1'), { encoding: 'windows-1252' })).toMatchObject({
      dialect: { columns: ['id', 'name', 'café'] },
    });
  });

  it('may follow a preamble if the feed declares one: it is the first of 20 lines that has all columns', () => {
    const title = 'Daily "log" of\r\n"WABC\r\n\r\nid,nmae\r\n';
    const file = `${title}name;id\r\na;1\r\n`;
    expect(csvOf(file, { preamble: true })).toMatchObject({
      delimiter: ';',
      columns: ['name', 'id'],
      bodyOffset: title.length + 9,
      bodyLine: 6,
      preambleBytes: title.length,
    });
    expect(csvOf(file)).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Line 5 has all columns: ') as string,
    });
    expect(csvOf('id,name\n1,a\n', { preamble: true })).toMatchObject({ bodyOffset: 8 });
    expect(csvOf(`${'x\n'.repeat(19)}id,name\n`, { preamble: true })).toMatchObject({ bodyLine: 21 });
    expect(csvOf(`${'x\n'.repeat(20)}id,name\n`, { preamble: true })).toMatchObject({ code: 'missing_columns' });
  });

  it('is refused if the rows have another delimiter, or the declared one is invalid', () => {
    expect(csvOf('id;name\n1,a\n2,b\n')).toMatchObject({
      code: 'mixed_delimiters',
      message: 'The CSV header is delimited by semicolons, the rows by commas.',
    });
    expect(csvOf('sep=:\nid:name\n')).toMatchObject({ code: 'bad_header' });
    expect(csvOf('sep=;\nid;name\n')).toMatchObject({ delimiter: ';' });
  });

  it('is refused if each row is quoted as a whole', () => {
    expect(csvOf('id,name\n"1,a"\n"2,b"\n')).toMatchObject({ code: 'quoted_rows' });
    expect(csvOf('"id,name"\n"1,a"\n')).toMatchObject({
      code: 'missing_columns',
      message: expect.stringContaining('it is quoted as a whole') as string,
    });
    // A text, and a row that is one beside others.
    expect(csvOf('id,name\n"1"\n')).toMatchObject({ bodyLine: 2 });
    expect(csvOf('id,name\n"1,a"\n2,b\n')).toMatchObject({ bodyLine: 2 });
  });

  it('may have 10,000 columns', () => {
    const header = ['id', 'name', ...Array.from({ length: 9998 }, (_, n) => `c${n}`)].join(',');
    expect(csvOf(`${header}\n`)).toMatchObject({ bodyOffset: header.length + 1 });
  });
});

describe('the detection of JSON formats', () => {
  it.each<[string, string, [Format, ...Format[]], string, Format | 'refused']>([
    ['[{"id":1}]', 'x.json', all, 'an array', 'json-array'],
    [' \n[', 'x', all, 'an array that never closes', 'json-array'],
    ['{"id":1}\n{"id":2}\n', 'x.json', all, 'two lines', 'jsonl'],
    ['{"id":1,\n{"id":2}\n', 'x', all, 'two lines, the first damaged', 'jsonl'],
    ['{"id":1}\n', 'x.json', all, 'a single line called .json', 'json-document'],
    ['{"id":1}\n', 'x.jsonl', all, 'a single line called .jsonl', 'jsonl'],
    ['{"id":1}\n', 'x.ndjson.gz', all, 'a single line called .ndjson.gz', 'jsonl'],
    ['{\n  "id": 1\n}\n', 'x', all, 'an object over several lines', 'json-document'],
    ['{"id":1}', 'x', ['csv', 'jsonl'], 'an object', 'jsonl'],
    ['{\n"id": 1}', 'x', ['csv', 'json-document'], 'an object', 'json-document'],
    ['oops\n{"id":1}\n', 'x.jsonl', all, 'JSON Lines that begin badly', 'jsonl'],
    ['id,name\n{,}\n', 'x.json', all, 'CSV called .json', 'csv'],
    ['oops', 'x', ['jsonl', 'json-array'], 'neither', 'refused'],
    ['{"id":1}', 'x', ['json-array'], 'an object where only an array will do', 'refused'],
    ['[{"id":1},\n{"id":2}]', 'x', ['jsonl'], 'an array where only lines will do', 'refused'],
    ['id,name\n1,a\n', 'x.jsonl', all, 'CSV called .jsonl', 'csv'],
    ['id,name\n1,a\n', 'x.jsonl', ['jsonl'], 'CSV where only JSON Lines will do', 'refused'],
    ['{"id":1}\n', 'x.csv', all, 'JSON Lines called .csv', 'jsonl'],
    ['{"id":1}{"id":2}{"id":3}', 'x', all, 'objects one after another', 'json-array'],
    ['{"id":1}\r{"id":2}\r', 'x.jsonl', all, 'a line each, ended by CR', 'json-array'],
    ['{\n  "id": 1\n}\n{\n  "id": 2\n}\n', 'x.json', all, 'objects over several lines', 'json-array'],
    ['{\n  "id": 1\n}\n', 'x', ['csv', 'jsonl'], 'one object over several lines', 'json-array'],
    ['{\n  "id": 1,\n  "a"\n', 'x', ['csv', 'jsonl'], 'a damaged one', 'json-array'],
    ['{\n  "id": 1,\n  "a"\n', 'x', all, 'a damaged document', 'json-document'],
    ['{"id":1},\n{"id":2}\n]', 'x', all, 'an array without its bracket', 'refused'],
    ['{"Records":[{"id":1},{"id":2}]}', 'x', all, 'an array in an object', 'json-array'],
    ['{"a":1,"Records":[\n{"id":1},\n', 'x', ['csv', 'jsonl', 'json-array'], 'a part of it', 'json-array'],
    ['{"id":1,"parts":[{"x":1}]}', 'x', ['csv', 'jsonl', 'json-array'], 'a record with an array in it', 'jsonl'],
    ['{"Records":[1,2]}', 'x', ['jsonl', 'json-array'], 'an object with an array of numbers', 'jsonl'],
    ['{"A":[{"id":1}],"B":[{"id":2}]}', 'x', all, 'an object with two arrays', 'refused'],
    ['{"A":[{"id":1}]}\n{"A":[{"id":2}]}', 'x', all, 'two objects with arrays', 'refused'],
  ])('%j called %s of %j: %s', (content, key, formats, _name, expected) => {
    const found = detect(content, { key, formats });
    expect(found.kind === 'dialect' ? found.dialect.format : found.kind).toBe(expected);
  });

  it('ignores a byte order mark, blanks and the bracket of an array', () => {
    expect(detect('\ufeff\n {"id":1}\n{"id":2}')).toMatchObject({ dialect: { bodyOffset: 5, bodyLine: 2 } });
    expect(detect('\n [\n\t {"id":1}]')).toMatchObject({ dialect: { bodyOffset: 3, bodyLine: 2, indentBytes: 2 } });
    expect(detect('[{"id":1},\n{"id":2}]')).not.toHaveProperty('dialect.indentBytes');
    expect(detect('\ufeff  {"Records" : [\n\n   {"id":1}]}')).toMatchObject({
      dialect: { bodyOffset: 19, bodyLine: 1, indentBytes: 3, within: 'object' },
    });
    expect(detect('\n {\n "id":1\n }\n {}')).toMatchObject({
      dialect: { bodyOffset: 2, bodyLine: 2, indentBytes: 1, within: 'nothing' },
    });
  });

  it('finds the array that the feed names, whatever is before and in it', () => {
    const recordsIn = 'Spöts';
    expect(detect('{"id":{"]":"["},"A":[{"id":1}],"Spöts":[{"id":2}]}', { recordsIn })).toMatchObject({
      dialect: { format: 'json-array', within: 'named-object', bodyOffset: 41 },
    });
    expect(detect('{"Spöts":[{"id":2}],"A":1,"Spöts":[{"id":3}]}', { recordsIn })).toMatchObject({
      kind: 'refused',
      code: 'wrapped_arrays',
      message: expect.stringContaining('the name "Spöts" more than once') as unknown,
    });
    expect(detect('{"Spöts":[]}', { recordsIn })).toMatchObject({ dialect: { within: 'named-object' } });
    expect(detect('{"A":[{"id":1}]}', { recordsIn })).toMatchObject({ dialect: { format: 'json-document' } });
  });
});

describe('files in another format', () => {
  it.each<[string, Buffer, string]>([
    ['a PDF', Buffer.from('%PDF-1.7\n%âãÏÓ'), 'pdf'],
    ['an Excel workbook', Buffer.from('PK\x03\x04\x14\0\x06\0[Content_Types].xml', 'latin1'), 'excel'],
    ['an old Excel workbook', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'excel'],
    ['a ZIP archive', Buffer.from('PK\x03\x04\x14\0\x06\0data.csv', 'latin1'), 'archive'],
    ['gzip in gzip', Buffer.from('1f8b0800', 'hex'), 'gzip'],
    ['UTF-16 with a mark', Buffer.from('\ufeffid,name\n', 'utf16le'), 'utf16'],
    ['UTF-16 without', Buffer.from('id,name\n1,abc\n', 'utf16le'), 'utf16'],
    ['zeros', Buffer.alloc(5000), 'binary'],
    ['a web page', Buffer.from('\n<!DOCTYPE html><html>'), 'markup'],
    ['XML', Buffer.from('<?xml version="1.0"?><a/>'), 'markup'],
  ])('%s is refused by its name', (_name, content, code) => {
    const found = detect(content);
    expect(found).toMatchObject({ kind: 'refused', code });
    expect(found.kind === 'refused' && found.message).toMatch(/^The file .*\.$/);
  });

  it('with a few NUL bytes are damaged data', () => {
    expect(detect(`id,name\n1,\0\n${rows}`).kind).toBe('dialect');
  });

  it.each(['', '\ufeff', ' \r\n\n', '\ufeff\n', '\n'.repeat(100_000)])('of %j are empty', (content) => {
    expect(detect(content)).toEqual({ kind: 'empty', dialect: null });
  });
});
