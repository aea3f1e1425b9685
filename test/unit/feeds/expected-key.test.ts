import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsKey, keyOnDay, keysOverlap, parseExpectedKey } from '../../../feeds/expected-key.ts';
import { KeyPatternError } from '../../../feeds/key-pattern.ts';

const onDay = (text: string, day: string) => keyOnDay(parseExpectedKey(text), Date.parse(day));

describe('the key of an expected file', () => {
  it.each([
    ['WABC_{yyyyMMdd+1}*.csv', '2026-11-29', 'WABC_20261130*.csv'],
    ['WABC_{yyyyMMdd+1}*.csv', '2026-11-30', 'WABC_20261201*.csv'],
    ['WABC_{yyyyMMdd+1}*.csv', '2026-12-31', 'WABC_20270101*.csv'],
    ['WABC_{MMddyy-1}.txt', '2028-03-01', 'WABC_022928.txt'],
    ['{yyyy}/{MM}/{dd}/log.csv', '2026-03-31', '2026/03/31/log.csv'],
    ['{yyyy-1}/{MM-1}/{dd-1}/log.csv', '2027-01-01', '2026/12/31/log.csv'],
    ['{yyyyMMdd}_to_{yyyyMMdd+14}.csv', '2026-02-20', '20260220_to_20260306.csv'],
    ['export.csv', '2026-02-20', 'export.csv'],
  ])('%s is on %s %s', (text, day, key) => {
    expect(onDay(text, day)).toBe(key);
  });

  it('says for which day a file is only with a month and a day', () => {
    expect(parseExpectedKey('{MM}/{dd}.csv').isDated).toBe(true);
    expect(parseExpectedKey('{yyyyMM}.csv').isDated).toBe(false);
    expect(parseExpectedKey('export.csv').isDated).toBe(false);
  });

  it.each([
    ['', 'It is empty.'],
    ['WABC_{yyyyMMdd', "The '{' at place 6 has no '}' after it."],
    ['/WABC.csv', "It begins with '/'; it is compared with the key after the feed's folder."],
    [
      'WABC_{station}.csv',
      "'{station}' is not a date; use yyyy or yy, MM and dd, such as {yyyyMMdd}, or {yyyyMMdd+1} for the day after.",
    ],
    [
      'WABC_{HHmm}.csv',
      "'{HHmm}' is not a date; use yyyy or yy, MM and dd, such as {yyyyMMdd}, or {yyyyMMdd+1} for the day after.",
    ],
    [
      'WABC_{MMMM}.csv',
      "'{MMMM}' is not a date; use yyyy or yy, MM and dd, such as {yyyyMMdd}, or {yyyyMMdd+1} for the day after.",
    ],
    [
      'WABC_{yyyyMMdd+100}.csv',
      "'{yyyyMMdd+100}' is not a date; use yyyy or yy, MM and dd, such as {yyyyMMdd}, or {yyyyMMdd+1} for the day after.",
    ],
    ['WABC_**.csv', 'Nothing separates * from *; put literal text between them.'],
    [
      '{yyyyMM}/{dd+1}.csv',
      'Its parts {yyyyMM} and {dd+1} are of different days, which is wrong at the end of a month; give both the same +1 or -1.',
    ],
  ])('%s is refused with an explanation', (text, sentence) => {
    expect(() => parseExpectedKey(text)).toThrow(new KeyPatternError(sentence));
  });

  it.each([
    ['WABC_20261130*.csv', 'WABC_20261130.csv', true],
    ['WABC_20261130*.csv', 'WABC_20261130_R2.csv', true],
    ['WABC_20261130*.csv', 'WABC_20261129.csv', false],
    ['WABC_20261130*.csv', 'WABC_20261130.csv.gz', false],
    ['WABC_20261130*', 'WABC_20261130/late.csv', false],
  ])('%s and the name %s: %s', (key, name, fits) => {
    expect(fitsKey(key, name)).toBe(fits);
  });

  it.each([
    ['WABC_*.csv', 'WABC_*_late.csv', true],
    ['WABC_*.csv', 'WXYZ_*.csv', false],
    ['*', 'a.csv', true],
    ['*', 'a/b.csv', false],
    ['*/b.csv', 'a/*', true],
    ['a*b*c', 'ac', false],
    ['a.csv', 'a.csv', true],
  ])('%s and %s overlap: %s', (one, other, overlap) => {
    expect(keysOverlap(one, other)).toBe(overlap);
    expect(keysOverlap(other, one)).toBe(overlap);
  });

  it('overlaps with another if a name fits both', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 6 });
    const names = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 6 }), { minLength: 40 });
    fc.assert(
      fc.property(text, text, names, (one, other, all) => {
        if (all.some((name) => fitsKey(one, name) && fitsKey(other, name))) expect(keysOverlap(one, other)).toBe(true);
      }),
    );
  });
});
