import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyPatternError } from '../../../feeds/key-pattern.ts';
import { matchSeries, parseSeriesPattern } from '../../../feeds/series-pattern.ts';
import { seriesIdOf } from '../../../lambdas/core/series/series-id.ts';

/** For a longer run than CI's. */
const more = Number(process.env['PROPERTY_RUNS'] ?? 1);

const match = (pattern: string, name: string) => matchSeries(parseSeriesPattern(pattern), name);
const id = (pattern: string, name: string) => {
  const found = match(pattern, name);
  return found && seriesIdOf('traffic', found);
};

describe('a series pattern', () => {
  it('finds the parts that identify the series, and the number that gives the order', () => {
    expect(match('{station}_{yyyyMMdd}_R{#}.csv', 'WABC_20260105_R12.csv')).toEqual({
      values: [
        { name: 'station', value: 'WABC' },
        { name: 'yyyyMMdd', value: '20260105' },
      ],
      number: 12,
    });
  });

  it('reads a name of date letters as that many digits, so that an underscore may be part of the station', () => {
    expect(match('{station}_{yyyyMMdd}.csv', 'WABC_FM_20260105.csv')?.values[0]).toEqual({
      name: 'station',
      value: 'WABC_FM',
    });
    expect(match('{station}_{yyyyMMdd}.csv', 'WABC_2026015.csv')).toBeUndefined();
  });

  it.each([
    ['{station}.csv', 'WABC.CSV'],
    ['{station}.csv', '.csv'],
    ['{station}.csv', 'a/b.csv'],
    ['log_R{#}.csv', 'log_R.csv'],
    ['log_R{#}.csv', 'log_R1x.csv'],
    ['log_R{#}.csv', 'log_R1234567890123456.csv'],
    ['log*.csv', 'log/1.csv'],
    ['log.csv', 'log.csv.gz'],
    ['log.csv', 'my-log.csv'],
  ])('%s does not match %s', (pattern, name) => {
    expect(match(pattern, name)).toBeUndefined();
  });

  it('gives revisions the same id whatever differs in * and {#}, and another id to another series or feed', () => {
    const pattern = '{station}/{yyyyMMdd}_*_R{#}.csv';
    const first = id(pattern, 'WABC/20260105_0300_R1.csv');
    expect(first).toMatch(/^traffic\.[0-9a-f]{24}$/);
    expect(id(pattern, 'WABC/20260105_0415_R2.csv')).toBe(first);
    expect(id(pattern, 'WABC/20260106_0300_R1.csv')).not.toBe(first);
    const found = matchSeries(parseSeriesPattern(pattern), 'WABC/20260105_0300_R1.csv');
    expect(found && seriesIdOf('traffic-2', found)).not.toBe(first?.replace('traffic', 'traffic-2'));
  });

  it('{file} takes the whole key', () => {
    expect(id('{file}', 'WABC/log.csv')).toBe(id('{file}', 'WABC/log.csv'));
    expect(id('{file}', 'WABC/log.csv')).not.toBe(id('{file}', 'WXYZ/log.csv'));
  });

  it.each([
    ['', 'It is empty.'],
    ['x'.repeat(201), 'It has 201 characters; 200 are allowed.'],
    ['/{station}.csv', "It begins with '/'; it is compared with the key after the feed's folder."],
    ['{station.csv', "The '{' at place 1 has no '}' after it."],
    ['station}.csv', "It has a '}' at place 8 without a '{' before it."],
    ['{}.csv', "'{}' is not a part; use {#}, {file}, or a name of letters, digits and '_' such as {station}."],
    ['{a b}', "'{a b}' is not a part; use {#}, {file}, or a name of letters, digits and '_' such as {station}."],
    ['{file}.csv', '{file} means the whole key, so it must be the only part.'],
    ['{#}_{#}.csv', 'It has {#} more than once; one number gives the order of the revisions.'],
    ['{day}_{day}.csv', 'It has {day} more than once; each name is used once.'],
    ['{station}{day}.csv', 'Nothing separates {station} from {day}; put literal text between them.'],
    ['{station}*.csv', 'Nothing separates {station} from *; put literal text between them.'],
    [
      '*',
      'It has neither text nor a named part, so files that have nothing to do with each other would be one series.',
    ],
  ])('%s is refused with an explanation', (pattern, sentence) => {
    expect(() => parseSeriesPattern(pattern)).toThrow(new KeyPatternError(sentence));
  });

  it('takes no longer for a name that almost matches in very many ways', () => {
    expect(match(`${'*a'.repeat(50)}{x}b`, `${'a'.repeat(1000)}c`)).toBeUndefined();
  });

  const piece = fc.constantFrom('*', '{#}', '{a}', '{b}', '{yy}', 'a', '1', '_', '.', '/', '{', '}', '{file}');
  const patternText = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '1', '2', '_', '.', '/'), maxLength: 14 });

  it('matches as a regular expression with the same parts does, or is refused with an explanation', () => {
    fc.assert(
      fc.property(patternText, name, (text, key) => {
        let pattern;
        try {
          pattern = parseSeriesPattern(text);
        } catch (error) {
          expect(error).toBeInstanceOf(KeyPatternError);
          return;
        }
        const expected = referenceOf(text).exec(key);
        const found = matchSeries(pattern, key);
        expect(found === undefined).toBe(expected === null);
        if (!found || !expected) return;
        const groups = expected.groups ?? {};
        const named = Object.fromEntries(found.values.map((each) => [each.name, each.value]));
        expect(named).toEqual(Object.fromEntries(Object.entries(groups).filter(([group]) => group !== 'number')));
        expect(found.number).toBe(groups['number'] === undefined ? undefined : Number(groups['number']));
      }),
      { numRuns: 2000 * more },
    );
  });
});

/** The same as a regular expression, whose lazy parts are as short as possible too. */
function referenceOf(text: string): RegExp {
  if (text === '{file}') return /^(?<file>.+)$/s;
  const parts = text.replaceAll(/\{[^}]*\}|\*|[^{}*]+/g, (part) => {
    if (part === '*') return '[^/]*?';
    if (part === '{#}') return '(?<number>[0-9]{1,15}?)';
    if (part === '{yy}') return '(?<yy>[0-9]{2})';
    if (part.startsWith('{')) return `(?<${part.slice(1, -1)}>[^/]+?)`;
    return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts}$`);
}
