import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBody, encodeBody } from '../../../../lambdas/core/records/slice-body.ts';

const pieces = [
  'a',
  '"',
  '\\',
  '\n',
  '\r',
  '\t',
  '\0',
  '\u001b',
  'é',
  '\ufeff',
  '\ufffd',
  '\ufffe',
  '\uffff',
  '\u{1ffff}',
  '漢字',
  '\u{1f600}',
];
const bytes = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...pieces).map((text) => Buffer.from(text)) },
      { weight: 3, arbitrary: fc.constantFrom('abcdefgh', 'spot,30', '{"a":1}').map((text) => Buffer.from(text)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2 }).map((some) => Buffer.from(some)) },
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts));

/** What SQS refuses: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
// eslint-disable-next-line no-control-regex -- as it is documented
const refused = /[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

describe('encodeBody', () => {
  it('carries any bytes exactly, in characters that the queue takes, in no more bytes than base64', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 3 }), (content, shift) => {
        // The count of escapes goes by words: no alignment may matter.
        const shifted = Buffer.concat([Buffer.alloc(shift), content]).subarray(shift);
        const body = encodeBody(shifted);
        expect(decodeBody(body).equals(content)).toBe(true);
        const escaped = JSON.stringify(body.body).slice(1, -1);
        expect(refused.test(escaped)).toBe(false);
        expect(Buffer.byteLength(escaped)).toBeLessThanOrEqual(4 * Math.ceil(content.length / 3));
      }),
      { numRuns: 3000 },
    );
  });

  it('stays text exactly as long as that is not the longer way', () => {
    fc.assert(
      fc.property(bytes, (content) => {
        const text = content.toString('utf8');
        const isText = Buffer.from(text).equals(content) && !/[\ufffe\uffff]/.test(text);
        const fits = Buffer.byteLength(JSON.stringify(text)) - 2 <= 4 * Math.ceil(content.length / 3);
        expect(encodeBody(content).encoding).toBe(isText && fits ? 'text' : 'base64');
      }),
      { numRuns: 3000 },
    );
  });

  it('counts right over long runs of one byte', () => {
    for (const char of ['a', '"', '\\', '\n', '\u0001', 'é']) {
      const content = Buffer.from(char.repeat(5000));
      const fits = JSON.stringify(content.toString()).length - 2 <= 4 * Math.ceil(content.length / 3);
      expect(encodeBody(content).encoding).toBe(fits || char === 'é' ? 'text' : 'base64');
      const mixed = Buffer.from(char.repeat(300) + 'x'.repeat(5000));
      expect(encodeBody(mixed).encoding).toBe('text');
    }
  });

  it.each([
    ['CSV', 'S1,WABC,2026-01-02T03:04:05Z,30,Café\r\n', 'text'],
    ['a byte order mark in the middle', 'a\ufeffb', 'text'],
    ['U+FFFF', 'aaaaaaaa\uffff', 'base64'],
    ['U+1FFFF, which the queue takes', 'aaaaaaaa\u{1ffff}', 'text'],
  ])('carries %s', (_name, text, encoding) => {
    expect(encodeBody(Buffer.from(text)).encoding).toBe(encoding);
  });

  it('carries invalid UTF-8 as base64', () => {
    expect(encodeBody(Buffer.from([0x61, 0xff, 0x62])).encoding).toBe('base64');
  });
});
