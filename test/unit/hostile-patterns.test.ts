import { describe, expect, it } from 'vitest';
import { decimal } from '../../feeds/decimal.ts';
import { feedNamed } from '../../feeds/index.ts';
import { canonicalFormType } from '../../feeds/maintenance/form-type.ts';
import { isIsoDate } from '../../feeds/maintenance/iso-date.ts';
import { plainText } from '../../lambdas/core/plain-text.ts';
import { splitFields } from '../../lambdas/core/records/csv-fields.ts';
import { numberLiterals, parseExactly } from '../../lambdas/core/records/exact-numbers.ts';
import { findJsonError } from '../../lambdas/core/records/json-error.ts';
import { totalsProblem } from '../../lambdas/core/records/totals-row.ts';
import { html } from '../../lambdas/core/report/html.ts';
import { parseRetryAfter } from '../../lambdas/core/limiter/retry.ts';
import { flat, harmless } from '../../cli/terminal/format.ts';

/** Sixteen records of the greatest length: a pattern with quadratic time does not finish within the time limit. */
const size = 1_000_000;
const filled = (unit: string, end = '!'): string => unit.repeat(size / unit.length) + end;

describe('text of any length and kind passes every pattern that checks a record', () => {
  const traffic = feedNamed('traffic');
  const row = { SpotID: '1', StationCode: 'W', AirDateTime: 't', Duration: '30', ClientName: 'c' };
  const telemetry = feedNamed('telemetry');
  it.each<[string, (text: string) => unknown]>([
    ['a form type', canonicalFormType],
    ['a date', isIsoDate],
    ['a decimal number', (text) => decimal('must be a number').safeParse(text).success],
    ['whole seconds', (text) => traffic.schema.safeParse({ ...row, Duration: text }).success],
    ['a time', (text) => telemetry.schema.safeParse({ Device: 'd', TakenAt: text, Celsius: '1' }).success],
    ['a row of totals', (text) => totalsProblem([text])],
    ['a quoted field', (text) => splitFields(`a,"${text}",c`, ',', { columns: ['a', 'b', 'c'], line: 1 })],
    ['an exact number', (text) => parseExactly(JSON.stringify({ text }))],
    ['an error in JSON', findJsonError],
    ['numbers as they are written', (text) => numberLiterals(JSON.stringify({ text, n: 1 }), ['n'])],
    ['plain text', (text) => plainText(text, 100)],
    ['a page', (text) => html`<p>${text}</p>`],
    ['a Retry-After', (text) => parseRetryAfter(text, 0)],
    ['a terminal’s line', flat],
    ['a terminal’s text', harmless],
  ])('%s', (_, look) => {
    const units = [
      'easa ',
      'form1 ',
      'a',
      '0',
      '9',
      ' ',
      '\t',
      '\r',
      '\n',
      '\\',
      '[',
      ':',
      '-',
      'total ',
      '\u0000',
      'T',
    ];
    for (const unit of units) look(filled(unit));
    for (const text of [filled(' ', 'x'), `total${filled(' ', 'x')}`, `1${filled('0', '1')}`, `1.${filled('0', 'e')}`])
      look(text);
  });
});

it('a number with many zeros in the middle keeps its digits', () => {
  const literal = `1${'0'.repeat(60_000)}1`;
  expect(JSON.stringify(parseExactly(`{"n":${literal}}`))).toBe(`{"n":${literal}}`);
});
