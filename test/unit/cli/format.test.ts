import { describe, expect, test } from 'vitest';
import {
  displayWidth,
  fitTo,
  formatBytes,
  formatCountOf,
  formatDuration,
  formatRate,
  formatShare,
  harmless,
  harmlessJson,
  oneLine,
} from '../../../cli/terminal/format.ts';
import { formatPairs, formatTable } from '../../../cli/terminal/table.ts';

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [3599, '59 min 59 s'],
  [3600, '1 h 00 min'],
  [86_399, '1 d 0 h'],
  [1_000_000, '11 d 14 h'],
])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_960, '1.0 MB'],
  [5e9, '5.0 GB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test('a share is 100% only when nothing is left', () => {
  expect(formatShare(19_999, 20_000)).toBe('99%');
  expect(formatShare(20_000, 20_000)).toBe('100%');
  expect(formatShare(0, 0)).toBe('');
});

test('small rates keep a decimal', () => {
  expect(formatRate(9.96)).toBe('10/s');
  expect(formatRate(0.5)).toBe('0.5/s');
  expect(formatRate(1234.4)).toBe('1,234/s');
});

test('one is singular', () => {
  expect([0, 1, 2].map((count) => formatCountOf(count, 'record'))).toEqual(['0 records', '1 record', '2 records']);
});

describe('text from outside on one line', () => {
  test('can not move the cursor, colour the terminal or reverse the text', () => {
    expect(oneLine('a\u001b[31mb\u0007\u202ec\u009b1m\td', 80)).toBe('a·[31mb··c·1m·d');
  });
  test('of several lines keeps its line breaks and no other control character', () => {
    const text = 'a\n\u001b[31mb\u001b[39m\tc\u001b[2J\u009b1A\u202ed\r\u0007';
    expect(harmless(text)).toBe('a\n·[31mb·[39m\tc·[2J·1A·d··');
  });
  test('is the same value in JSON, without anything that a terminal interprets', () => {
    const value = { key: 'a\u001b[31m\u009b2J\u007f\u202e\u2028' };
    const json = harmlessJson(JSON.stringify(value));
    expect(json).toBe('{"key":"a\\u001b[31m\\u009b2J\\u007f\\u202e\\u2028"}');
    expect(JSON.parse(json)).toEqual(value);
  });
  test('stays on its line in a table', () => {
    expect(formatTable([{ title: '' }, { title: '' }], [['a\n  yes  all is well', '\u001b[32mx']])).toBe(
      'a⏎  yes  all is well  ·[32mx\n',
    );
  });
  test('shows a line break as one', () => expect(oneLine('a\r\nb\nc', 80)).toBe('a⏎b⏎c'));
  test('is truncated by the columns it takes, not by its characters', () => {
    expect(displayWidth('トヨタ')).toBe(6);
    expect(fitTo('トヨタ自動車', 7)).toBe('トヨタ…');
    expect(fitTo('Toyota', 6)).toBe('Toyota');
  });
});

describe('a table', () => {
  test('has columns as wide as their content, with wide characters counted twice', () => {
    const table = formatTable(
      [{ title: 'name' }, { title: 'n', align: 'right' }],
      [
        ['トヨタ', '5'],
        ['ab', '1,000'],
      ],
    );
    expect(table).toBe('name        n\nトヨタ      5\nab      1,000\n');
  });
  test('of pairs has no title', () => {
    expect(
      formatPairs(
        [
          ['a', '1'],
          ['bcd', ''],
        ],
        '  ',
      ),
    ).toBe('  a    1\n  bcd\n');
  });
});
