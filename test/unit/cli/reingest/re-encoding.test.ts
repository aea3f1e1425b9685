import { describe, expect, it } from 'vitest';
import { tyingColumns } from '../../../../cli/reingest/claims.ts';
import { parseCsv } from '../../../../cli/reingest/parse-csv.ts';
import { reEncodingOf, refuseReEncoded } from '../../../../cli/reingest/re-encoding.ts';

const utf8 = (text: string): Uint8Array => Buffer.from(text);
const readAs = (charset: string, text: string): string => new TextDecoder(charset).decode(utf8(text));

describe('a changed cell', () => {
  it.each([
    ['Café', 'CafÃ©', 'windows-1252'],
    ['Müller & Söhne “Süd”', readAs('windows-1252', 'Müller & Söhne “Süd”'), 'windows-1252'],
    ['Café', readAs('macintosh', 'Café'), 'macintosh'],
    ['Café', readAs('windows-1250', 'Café'), 'windows-1250'],
    ['Кафе', readAs('windows-1251', 'Кафе'), 'windows-1251'],
    ['日本語', readAs('gbk', '日本語'), 'gbk'],
    // Opened and saved twice.
    ['Café', readAs('windows-1252', 'CafÃ©'), 'windows-1252'],
    // Programs drop the bytes that have no character.
    ['”x”', readAs('windows-1252', '”x”').replace(/\p{Cc}/gu, ''), 'windows-1252'],
  ])('%j that became %j was read as %s', (before, after, charset) => {
    expect(reEncodingOf(before, after)).toEqual({ kind: 'misread', charset });
  });

  it.each([
    ['Café', 'Caf?'],
    ['Café', 'Caf\uFFFD'],
    ['Café', 'Caf\uFFFD\uFFFD'],
    ['日本語 TV', '??? TV'],
  ])('%j that became %j was saved in a character set without its characters', (before, after) => {
    expect(reEncodingOf(before, after)).toEqual({ kind: 'lost' });
  });

  it('is taken apart', () => {
    expect(reEncodingOf('Café', 'Cafe\u0301')).toEqual({ kind: 'composed' });
  });

  it.each([
    ['Café', 'Cafe'],
    ['Café', 'Café Nord'],
    ['CafÃ©', 'Café'],
    ['30s', '30'],
    ['Wirklich？', 'Wirklich?'],
    ['', 'CafÃ©'],
    ['Zürich', 'Genf'],
    ['é', 'è'],
    // Read as UTF-8 in ISO 8859-15, 8859-2 or 8859-13, and without the control character, it would be the same.
    ['SÂO PAULO', 'SÃO PAULO'],
    ['BÂCAU', 'BĂCAU'],
    ['ÇUPRIJA', 'ĆUPRIJA'],
    // Put together, or replaced by the usual one of two characters that look alike.
    ['Cafe\u0301', 'Café'],
    ['\u212Bngström', 'Ångström'],
    ['\uFA19戸', '神戸'],
    ['ÂME', 'AME'],
    ['20:00–21:00', '20:00-21:00'],
  ])('%j that became %j is a correction', (before, after) => {
    expect(reEncodingOf(before, after)).toBeUndefined();
  });

  it('is refused with its line, its column and instructions to save the CSV', () => {
    const how = { kind: 'misread' as const, charset: 'windows-1252' };
    const cell = { line: 3, column: 'ClientName', before: 'Café', after: 'CafÃ©', how };
    expect(() => refuseReEncoded([cell, cell, cell])).toThrow(
      /Line 3, column ClientName: 'Café' became 'CafÃ©' \(UTF-8 was read as windows-1252\) and so in 2 other cells\. .*"CSV UTF-8"/,
    );
    expect(() => refuseReEncoded([])).not.toThrow();
  });
});

describe('a header', () => {
  const csv = `${tyingColumns.join(',')}\r\nf,1,s\r\n`;

  it.each(['windows-1252', 'macintosh', 'windows-1250', 'windows-1251', 'iso-8859-15'])(
    'whose byte-order mark was read as %s is refused as such',
    (charset) => {
      const mark = new TextDecoder(charset).decode(Buffer.from([0x20, 0xef, 0xbb, 0xbf])).slice(1);
      expect(() => parseCsv(Buffer.from(mark + csv), tyingColumns)).toThrow(
        `The CSV's header begins with '${mark}': the file is in UTF-8 and was opened in another character set.`,
      );
      expect(() => parseCsv(Buffer.from(`${mark}"note",${csv}`), tyingColumns)).toThrow(/begins with/);
    },
  );

  it('in UTF-16 is refused as such, also without a byte-order mark', () => {
    expect(() => parseCsv(Buffer.from(csv, 'utf16le'), tyingColumns)).toThrow(/not in UTF-8 but in UTF-16/);
  });

  it('with a byte-order mark in UTF-8 is read', () => {
    expect(parseCsv(Buffer.from(`\uFEFF${csv}`), tyingColumns).rows).toHaveLength(1);
  });
});
