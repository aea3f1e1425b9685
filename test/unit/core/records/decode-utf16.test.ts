import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Utf16Decoder, utf16Of } from '../../../../lambdas/core/records/decode-utf16.ts';

/** Unit by unit, as the encoding is defined: a lone surrogate as if it were a character of its own. */
function utf8Of(units: readonly number[]): number[] {
  const bytes: number[] = [];
  for (let at = 0; at < units.length; at++) {
    const unit = units[at] ?? 0;
    const next = units[at + 1] ?? 0;
    const isPair = unit >= 0xd800 && unit <= 0xdbff && next >= 0xdc00 && next <= 0xdfff;
    const point = isPair ? 0x10000 + (unit - 0xd800) * 0x400 + (next - 0xdc00) : unit;
    if (isPair) at++;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else {
      bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63));
      bytes.push(0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    }
  }
  return bytes;
}

function decodeInChunks(bytes: Buffer, chunkBytes: number, encoding: 'utf-16le' | 'utf-16be'): Buffer {
  const decoder = new Utf16Decoder(encoding);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) parts.push(decoder.push(bytes.subarray(at, at + chunkBytes)));
  return Buffer.concat([...parts, decoder.end()]);
}

const unit = fc.oneof(
  fc.constantFrom(0xd800, 0xdbff, 0xdc00, 0xdfff, 10, 13, 0xfeff, 0xffff),
  fc.integer({ min: 0, max: 0xffff }),
);

describe('UTF-16', () => {
  it.each(['utf-16le', 'utf-16be'] as const)('%s keeps every unit, wherever chunks end', (encoding) => {
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (units, chunkBytes) => {
        const bytes = Buffer.alloc(2 * units.length);
        units.forEach((each, n) =>
          encoding === 'utf-16le' ? bytes.writeUInt16LE(each, 2 * n) : bytes.writeUInt16BE(each, 2 * n),
        );
        expect([...decodeInChunks(bytes, chunkBytes, encoding)]).toEqual(utf8Of(units));
      }),
      { numRuns: 2000 },
    );
  });

  it('replaces half a unit at the end with an invalid byte, or with the line feed that it is', () => {
    const text = Buffer.from('ab', 'utf16le');
    expect([...decodeInChunks(Buffer.concat([text, Buffer.from([99])]), 4, 'utf-16le')]).toEqual([97, 98, 0xff]);
    expect([...decodeInChunks(Buffer.concat([text, Buffer.from('\n')]), 4, 'utf-16le')]).toEqual([97, 98, 10]);
  });

  it.each([
    ['FF FE', [0xff, 0xfe, 65, 0], 'utf-16le'],
    ['FF FE alone', [0xff, 0xfe], 'utf-16le'],
    ['FE FF', [0xfe, 0xff, 0, 65], 'utf-16be'],
    ['UTF-32', [0xff, 0xfe, 0, 0], undefined],
    ['UTF-8', [0xef, 0xbb, 0xbf, 65], undefined],
  ])('is recognised by its mark: %s', (_, bytes, encoding) => {
    expect(utf16Of(Buffer.from(bytes))).toBe(encoding);
  });
});
