import { describe, expect, it } from 'vitest';
import { decimal } from '../../../feeds/decimal.ts';
import { feedNamed } from '../../../feeds/index.ts';

const number = decimal('must be a number');

describe('a decimal', () => {
  it.each<[unknown, number]>([
    [0, 0],
    [-41.5, -41.5],
    ['0', 0],
    ['41.5', 41.5],
    [' -0.25\t', -0.25],
    ['+7', 7],
    ['.5', 0.5],
    ['4.15E+01', 41.5],
  ])('%j is %d', (value, expected) => {
    expect(number.parse(value)).toBe(expected);
  });

  it.each<[unknown, string]>([
    ['', 'is blank'],
    [' \t', 'is blank'],
    [undefined, 'is missing'],
    [null, 'must be a number'],
    [false, 'must be a number'],
    [true, 'must be a number'],
    [[], 'must be a number'],
    [['5'], 'must be a number'],
    [new Date(0), 'must be a number'],
    [Infinity, 'must be a number'],
    [NaN, 'must be a number'],
    ['Infinity', 'must be a number'],
    ['0x1f', 'must be a number'],
    ['0b1', 'must be a number'],
    ['1e999', 'must be a number'],
    ['41,5', 'must be a number'],
    ['1_000', 'must be a number'],
    ['.', 'must be a number'],
    ['1 2', 'must be a number'],
    ['5 °C', 'must be a number'],
  ])('%j is not a decimal: it %s', (value, message) => {
    expect(number.safeParse(value).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

it.each(['', ' ', null, false, [], '0x1f', undefined])('the example feed stores no temperature for %j', (celsius) => {
  const row = { Device: 'e', TakenAt: '2026-01-05T06:00:00Z', Celsius: celsius };
  expect(feedNamed('telemetry').schema.safeParse(row).success).toBe(false);
});

it('the example feed stores no reading of a device without a name', () => {
  const row = { Device: '  ', TakenAt: '2026-01-05T06:00:00Z', Celsius: '1' };
  expect(feedNamed('telemetry').schema.safeParse(row).success).toBe(false);
});
