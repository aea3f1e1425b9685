import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SliceBody } from '../../../../lambdas/core/records/slice-body.ts';
import { batchJson, decodeBody, encodeBody } from '../../../../lambdas/core/records/slice-body.ts';
import type { BatchMessage } from '../../../../lambdas/messages.ts';
import { sliceMessage } from '../../../../lambdas/messages.ts';

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

const asciiOf = (content: Buffer): Buffer => Buffer.from(content.map((byte) => byte & 0x7f));

/** What SQS refuses: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
// eslint-disable-next-line no-control-regex -- as it is documented
const refused = /[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

function messageOf(body: SliceBody): BatchMessage {
  const place = { feed: 'traffic', fileId: 'file', batch: 1, attempt: 1, failures: 0 };
  return { v: 1, ...place, offset: 0, firstRecord: 1, firstLine: 2, kind: 'slice', records: 1, ...body };
}

/** The body as a consumer gets it. */
function onTheWay(content: Buffer): SliceBody {
  const { encoding, body } = sliceMessage.parse(JSON.parse(batchJson(messageOf(encodeBody(content)))));
  return { encoding, body };
}

const base64Length = (content: Buffer): number => 4 * Math.ceil(content.length / 3);

describe('the body of a slice', () => {
  it('carries any bytes exactly, in characters that the queue accepts, in no more bytes than base64', () => {
    fc.assert(
      fc.property(bytes, (content) => {
        const body = onTheWay(content);
        expect(decodeBody(body).equals(content)).toBe(true);
        expect(decodeBody(encodeBody(content)).equals(content)).toBe(true);
        const escaped = JSON.stringify(body.body).slice(1, -1);
        expect(refused.test(escaped)).toBe(false);
        expect(Buffer.byteLength(escaped)).toBeLessThanOrEqual(base64Length(content));
      }),
      { numRuns: 3000 },
    );
  });

  it('is text exactly if it is ASCII and not longer that way', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, bytes.map(asciiOf)), (content) => {
        const isText = content.every((byte) => byte < 0x80);
        const fits = JSON.stringify(content.toString('latin1')).length - 2 <= base64Length(content);
        expect(onTheWay(content).encoding).toBe(isText && fits ? 'text' : 'base64');
      }),
      { numRuns: 3000 },
    );
  });

  it('is measured correctly over long runs of one byte', () => {
    for (const char of ['a', '"', '\\', '\n', '\u0001', '\u007f']) {
      const content = Buffer.from(char.repeat(5000));
      const fits = JSON.stringify(content.toString()).length - 2 <= base64Length(content);
      expect(onTheWay(content).encoding).toBe(fits ? 'text' : 'base64');
      const mixed = Buffer.from(char.repeat(300) + 'x'.repeat(5000));
      expect(onTheWay(mixed).encoding).toBe('text');
    }
  });

  it.each([
    ['CSV', 'S1,WABC,2026-01-02T03:04:05Z,30,Cafe\r\n', 'text'],
    ['letters beyond ASCII', 'S1,WABC,2026-01-02T03:04:05Z,30,Café\r\n', 'base64'],
    ['a byte order mark in the middle', 'a\ufeffb', 'base64'],
    ['U+FFFF, which the queue refuses', 'aaaaaaaa\uffff', 'base64'],
  ])('carries %s', (_name, text, encoding) => {
    expect(onTheWay(Buffer.from(text)).encoding).toBe(encoding);
  });

  it('is base64 if the bytes are not UTF-8', () => {
    expect(onTheWay(Buffer.from([0x61, 0xff, 0x62])).encoding).toBe('base64');
  });
});

describe('a message as JSON', () => {
  it('keeps the text of one that came with letters beyond ASCII, unless base64 is shorter', () => {
    fc.assert(
      fc.property(bytes, (content) => {
        const body = content.toString('utf8');
        const message = messageOf({ encoding: 'text', body });
        const sent = sliceMessage.parse(JSON.parse(batchJson(message)));
        const fits = Buffer.byteLength(JSON.stringify(body)) - 2 <= base64Length(Buffer.from(body));
        expect(sent).toEqual(fits ? message : { ...message, encoding: 'base64', body: sent.body });
        expect(decodeBody(sent).toString('utf8')).toBe(body);
      }),
      { numRuns: 2000 },
    );
  });

  it('changes nothing but the body', () => {
    const message = messageOf({ encoding: 'text', body: '\0'.repeat(100) });
    const body = Buffer.alloc(100).toString('base64');
    expect(JSON.parse(batchJson(message))).toEqual({ ...message, encoding: 'base64', body });
    const oversize: BatchMessage = {
      ...{ v: 1, feed: 'traffic', fileId: 'file', batch: 1, attempt: 1, failures: 0 },
      ...{ offset: 0, firstRecord: 1, firstLine: 2, kind: 'oversize', records: 1 },
      ...{ length: 100_000, sha256: 'ab', head: 'AAAA' },
    };
    expect(batchJson(oversize)).toBe(JSON.stringify(oversize));
  });
});
