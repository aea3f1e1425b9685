import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import type { Format } from '../../../../feeds/feed.ts';
import type { DialectWish } from '../../../../lambdas/core/records/detect-dialect.ts';
import { detectDialect } from '../../../../lambdas/core/records/detect-dialect.ts';

const all: Format[] = ['csv', 'jsonl', 'json-array', 'json-document'];
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
  it.each([',', ';', '\t', '|'])('tells the delimiter %j', (delimiter) => {
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
    ['cr with a line feed in a later field', 'id,name\r1,"a\nb"\r', 8, 2, 'cr'],
    ['lf with a lone cr in a cell', 'id,x\rname,name\n1,a\n', 15, 2, 'lf'],
    ['blank lines before', '\n\r\n\nid,name\n1,a', 12, 5, 'lf'],
    ['a byte order mark', '\ufeffid,name\n1,a', 11, 2, 'lf'],
    ['a line break in a cell', 'id,name,"two\nlines"\n1,a,b\n', 20, 3, 'lf'],
    ['no row and no line break', 'id,name', 7, 1, 'lf'],
    ['many rows', `id,name\n${rows}`, 8, 2, 'lf'],
    ['many rows, cr', `id,name\n${rows}`.replaceAll('\n', '\r'), 8, 2, 'cr'],
  ])('%s: tells line break and place of the first row', (_name, content, bodyOffset, bodyLine, lineBreak) => {
    expect(csvOf(content)).toMatchObject({ bodyOffset, bodyLine, lineBreak });
  });

  it('is refused without the columns wished for, which are named', () => {
    expect(csvOf('id;nmae\n')).toEqual({
      kind: 'refused',
      code: 'missing_columns',
      message: expect.stringContaining('The CSV header lacks the column "name".') as string,
    });
    expect(csvOf('1,2\n')).toMatchObject({
      message: expect.stringContaining('lacks the columns "id", "name".') as string,
    });
  });

  it('is refused with a name that stands in it twice', () => {
    expect(csvOf('id,name,x,id\n')).toEqual({
      kind: 'refused',
      code: 'duplicate_columns',
      message: 'The CSV header has the column "id" more than once.',
    });
    expect(csvOf('id,name,,\n')).toMatchObject({ columns: ['id', 'name', '', ''] });
  });

  it('is refused past its limit, with broken quotes, and if it is no text', () => {
    expect(csvOf(`id,name,${'x'.repeat(70_000)}\n`)).toMatchObject({ kind: 'refused', code: 'bad_header' });
    expect(csvOf('id,na"me\n')).toMatchObject({ kind: 'refused', code: 'bad_header' });
    expect(detect(Buffer.from('id,name,caf\xe9\n', 'latin1'))).toMatchObject({ code: 'invalid_encoding' });
    expect(detect(Buffer.from('id,name,caf\xe9\n', 'latin1'), { encoding: 'windows-1252' })).toMatchObject({
      dialect: { columns: ['id', 'name', 'café'] },
    });
  });

  it('may have 10,000 columns', () => {
    const header = ['id', 'name', ...Array.from({ length: 9998 }, (_, n) => `c${n}`)].join(',');
    expect(csvOf(`${header}\n`)).toMatchObject({ bodyOffset: header.length + 1 });
  });
});

describe('telling JSON formats', () => {
  it.each<[string, string, Format[], string, Format | 'refused']>([
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
    ['[1]', 'x', ['jsonl'], 'the only format allowed', 'jsonl'],
  ])('%j called %s of %j: %s', (content, key, formats, _name, expected) => {
    const found = detect(content, { key, formats });
    expect(found.kind === 'dialect' ? found.dialect.format : found.kind).toBe(expected);
  });

  it('begins behind byte order mark, blanks and the bracket of an array', () => {
    expect(detect('\ufeff\n {"id":1}\n{"id":2}')).toMatchObject({ dialect: { bodyOffset: 5, bodyLine: 2 } });
    expect(detect('\n [\n\t {"id":1}]')).toMatchObject({ dialect: { bodyOffset: 3, bodyLine: 2, indentBytes: 2 } });
    expect(detect('[{"id":1},\n{"id":2}]')).not.toHaveProperty('dialect.indentBytes');
  });
});

describe('files that are something else', () => {
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

  it('takes a few NUL bytes for damage', () => {
    expect(detect(`id,name\n1,\0\n${rows}`).kind).toBe('dialect');
  });

  it.each(['', '\ufeff', ' \r\n\n', '\ufeff\n', '\n'.repeat(100_000)])('calls %j empty', (content) => {
    expect(detect(content)).toEqual({ kind: 'empty', dialect: null });
  });
});
