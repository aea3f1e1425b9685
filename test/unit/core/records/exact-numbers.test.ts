import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactly } from '../../../../lambdas/core/records/exact-numbers.ts';

const throughOf = (text: string) => JSON.stringify(parseExactly(text));

describe('numbers that a double can not hold', () => {
  it.each([
    '{"a":12345678901234567890}',
    '{"a":-0.12345678901234567890123}',
    '{"a":1e400}',
    '{"a":-1E-400}',
    '{"a":[{"b":9007199254740993}]}',
    '{"a":123456789.12345678901}',
  ])('are sent as they were written: %s', (text) => {
    expect(throughOf(text)).toBe(text);
  });

  it.each([
    '{"a":0.1}',
    '{"a":1e21}',
    '{"a":1.50e3}',
    '{"a":0.000000001e9}',
    '{"a":9007199254740992}',
    '{"a":1234567890123456}',
  ])('are distinguished from those that it can: %s', (text) => {
    expect(parseExactly(text)).toEqual(JSON.parse(text));
  });

  it('do not include text that looks like them', () => {
    const text = '{"sn":"12345678901234567890","e":"1e999"}';
    expect(parseExactly(text)).toEqual(JSON.parse(text));
  });

  it('are not objects if they stand alone', () => {
    expect(typeof parseExactly('12345678901234567890')).toBe('number');
  });

  it('leave any other JSON as JSON.parse has it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(throughOf(text)).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });
});
