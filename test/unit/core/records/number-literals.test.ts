import fc from 'fast-check';
import { expect, it } from 'vitest';
import { numberLiterals } from '../../../../lambdas/core/records/exact-numbers.ts';

it.each([
  ['{"Duration":30}', '30'],
  ['{ "Duration" : 30.0 , "x": 1}', '30.0'],
  ['{"a":{"Duration":1},"Duration":-3e1}', '-3e1'],
  ['{"Duration":1,"a":[{"Duration":2}],"b":"\\"Duration\\":3"}', '1'],
  ['{"\\u0044uration":7}', '7'],
  ['{"Duration":1,"Duration":2.5}', '2.5'],
  ['{"x":"}","Duration":9}', '9'],
])('of %s is %s', (text, literal) => {
  expect(Object.fromEntries(numberLiterals(text, ['Duration']))).toEqual({ Duration: literal });
});

it.each(['{"Duration":"30"}', '{"Duration":null}', '{"Duration":1,"Duration":"x"}', '{}', '{"a":{"Duration":3}}'])(
  'of %s are absent',
  (text) => {
    expect(numberLiterals(text, ['Duration']).size).toBe(0);
  },
);

it('are those that JSON.parse finds, in any object', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (object, isSpaced) => {
      const text = JSON.stringify(object, null, isSpaced ? 2 : undefined);
      const value = JSON.parse(text) as Record<string, unknown>;
      const fields = Object.keys(value);
      const numbers = fields.filter((field) => typeof value[field] === 'number');
      const literals = numberLiterals(text, fields);
      expect([...literals.keys()].sort()).toEqual(numbers.sort());
      for (const [field, literal] of literals) expect(Number(literal)).toBe(value[field]);
    }),
  );
});
