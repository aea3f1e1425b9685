import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nameForeignContent } from '../../../../lambdas/core/records/foreign-content.ts';

const nameOf = (content: string | Buffer) =>
  nameForeignContent(typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
const noise = Buffer.concat(Array.from({ length: 128 }, (_, n) => createHash('sha256').update(String(n)).digest()));
const tar = Buffer.alloc(1024);
tar.write('log.csv');
tar.write('ustar', 257);
const csv = 'SpotID,StationCode\r\nSP-1,WABC\r\nSP-2,WABC\r\n';
const utf32 = (text: string, mark: number[]) =>
  Buffer.concat([Buffer.from(mark), ...Array.from(text, (char) => Buffer.from([char.charCodeAt(0), 0, 0, 0]))]);

describe('a file in another format is recognised by its beginning, with advice:', () => {
  it.each<[string, string | Buffer, string, RegExp]>([
    ['a web page', '\xef\xbb\xbf<!DOCTYPE html>\n<html>', 'markup', /web page/],
    ['a part of a page', '<table><tr><td>SpotID</td></tr></table>', 'markup', /web page/],
    ['a table for Excel in HTML', '<html xmlns:x="urn:schemas-microsoft-com:office:excel">', 'markup', /Excel/],
    ['XML', '<?xml version="1.0"?>\n<spots/>', 'markup', /XML/],
    ['XML without its declaration', '<spots day="1">\n <spot id="1"/>', 'markup', /XML/],
    ['an error of S3', '<?xml version="1.0"?><Error><Code>AccessDenied</Code>', 'markup', /AccessDenied/],
    ['a Markdown table', '| SpotID | Duration |\n|--------|:--------:|\n| a | 30 |\n', 'drawn_table', /Markdown/],
    ['a table of MySQL', '+----+------+\n| id | name |\n+----+------+\n', 'drawn_table', /shell/],
    ['a table of PostgreSQL', ' id | name \n----+------\n  1 | a\n', 'drawn_table', /shell/],
    ['a PGP message', '-----BEGIN PGP MESSAGE-----\n\nhQEM', 'encrypted', /PGP.*decrypt/],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\n', 'credentials', /key/],
    ['Avro', 'Obj\x01\x04\x16avro.schema', 'avro', /Avro/],
    ['Parquet', 'PAR1\x15\x04', 'parquet', /Parquet/],
    ['ORC', 'ORC\x0a\x1b\x0a', 'columnar', /ORC/],
    ['SQLite', 'SQLite format 3\0', 'database', /SQLite/],
    ['RTF', '{\\rtf1\\ansi', 'document', /Rich Text/],
    ['a JSON text sequence', '\x1e{"SpotID":"1"}\n\x1e{"SpotID":"2"}\n', 'json_sequence', /RFC 7464/],
    ['UTF-32 with its mark', utf32('SpotID,a', [0xff, 0xfe, 0, 0]), 'utf32', /UTF-32/],
    ['UTF-32 without one', utf32('SpotID,StationCode', []), 'utf32', /UTF-32/],
    ['UTF-16 without a mark', Buffer.from(csv, 'utf16le'), 'utf16', /UTF-16.*mark/],
    ['EBCDIC', Buffer.from('e2979699c9c46be2a381a3899695c396848515e2d760f16be6c1c2c315', 'hex'), 'ebcdic', /EBCDIC/],
    ['an SQL dump', '-- MySQL dump 10.13\nCREATE TABLE `spots` (', 'sql', /SQL/],
    ['INSERT statements', "INSERT INTO spots VALUES ('S1');", 'sql', /SQL/],
    ['an e-mail', 'Return-Path: <a@b.c>\r\nReceived: by x\r\nSubject: log\r\n', 'mail', /email message/],
    ["a server's answer", 'HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n', 'http', /headers/],
    ["Python's notation", "[{'SpotID': 'S1'}]", 'python', /Python/],
    ['JavaScript', 'var spots = [{"SpotID":"1"}];', 'javascript', /JavaScript/],
    ['JSONP', 'callback({"SpotID":"1"})', 'javascript', /JavaScript/],
    ['a gzip in Base64', 'H4sIAAAAAAAAA8tIzcnJVyjPL8pJAQCFEUoNCwAAAA==\n', 'base64', /Base64/],
    ['a tar archive', tar, 'archive', /tar/],
    ['bzip2', 'BZh51AY&SY', 'archive', /bzip2/],
    ['LZ4', '\x04\x22\x4d\x18', 'archive', /LZ4/],
    ['EDIFACT', 'UNB+UNOA:1+', 'message', /EDIFACT/],
    ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\n', 'pointer', /git lfs pull/],
    ['encrypted or compressed bytes', noise, 'binary', /control characters/],
    ['fields between U+0001', 'a\x01b\x01c\x01d\ne\x01f\x01g\x01h\n', 'delimiter', /<U\+0001>/],
  ])('%s', (_, content, code, sentence) => {
    const found = nameOf(content);
    expect(found?.code).toBe(code);
    expect(found?.message).toMatch(sentence);
    expect(found?.message.length).toBeLessThan(300);
  });
});

describe('possible data is not treated as another format:', () => {
  it.each([
    ['columns in angle brackets', '<TICKER>,<PER>,<DATE>\nA,1,2\n'],
    ['columns in angle brackets and semicolons', '<TICKER>;<PER>\nA;1\n'],
    ['a column ID3', 'ID3,name\n1,a\n'],
    ['a column PAR1', 'PAR1,PAR2\n1,2\n'],
    ['a column ORC', 'ORC\n1\n'],
    ['a header that begins with "from"', 'From,To,Subject\na@b,c@d,x\n'],
    ['a cell of SQL', 'id,query\n1,"insert into t"\n'],
    ['a column "begin"', 'begin,end,what\n1,2,insert into the line\n'],
    ['a comment', '# exported at 5\nid,name\n1,a\n'],
    ['some damage', `id,name\n1,\x00\x01\x02a\n${'2,bbbbbbbbbb\n'.repeat(20)}`],
    ['Cyrillic', Buffer.from('номер,имя\n1,Анна\n'.repeat(9))],
    ['Japanese', Buffer.from('番号,名前\n1,花子\n'.repeat(9))],
    ['Windows-1251', Buffer.from('cdeeece5f02cc8ecff0d0a312cc0ededE00d0a'.repeat(3), 'hex')],
    ['an object', '{"a":1}\n'],
    ['an array of strings with quotes', '[{"a":"\'b\': c"}]'],
    ['nothing', ''],
  ])('%s', (_, content) => {
    expect(nameOf(content)).toBeNull();
  });
});
