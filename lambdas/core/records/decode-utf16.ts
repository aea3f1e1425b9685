import { Buffer } from 'node:buffer';
import { lineFeed } from './ascii.ts';

export const utf16Encodings = ['utf-16le', 'utf-16be'] as const;
export type Utf16Encoding = (typeof utf16Encodings)[number];

/** A byte that never occurs in UTF-8: it makes its record invalid. */
const brokenUnit = Buffer.from([0xff]);

/**
 * The UTF-16 variant of a byte-order mark; undefined if there is none, and for UTF-32, whose mark has the same beginning.
 */
export function utf16Of(head: Buffer): Utf16Encoding | undefined {
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head[0] !== 0xff || head[1] !== 0xfe) return undefined;
  return head[2] === 0 && head[3] === 0 ? undefined : 'utf-16le';
}

/**
 * Converts UTF-16 into UTF-8, in chunks of any size; the byte-order mark becomes that of UTF-8. Every unit keeps its
 * position: a surrogate without its other half becomes the three bytes that UTF-8 would have for it, which every reader
 * of UTF-8 refuses, so that only its record is rejected. (Python: `surrogatepass` for both codecs.)
 */
export class Utf16Decoder {
  readonly #encoding: Utf16Encoding;
  /** Half of a unit, half of a pair, or both. */
  #held: Buffer = Buffer.alloc(0);

  constructor(encoding: Utf16Encoding) {
    this.#encoding = encoding;
  }

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let end = bytes.length - (bytes.length % 2);
    const highByte = bytes[end - (this.#encoding === 'utf-16le' ? 1 : 2)] ?? 0;
    // 0xD800 to 0xDBFF: the first half of a pair, whose second half may follow.
    if (end > 0 && highByte >= 0xd8 && highByte <= 0xdb) end -= 2;
    this.#held = Buffer.from(bytes.subarray(end));
    return this.#encode(bytes.subarray(0, end));
  }

  /**
   * The remaining bytes at the end: half a pair as it is; half a unit as a line feed if it can be one, otherwise as an
   * invalid byte.
   */
  end(): Buffer {
    const whole = this.#held.subarray(0, this.#held.length - (this.#held.length % 2));
    const half = this.#held.subarray(whole.length);
    this.#held = Buffer.alloc(0);
    const rest = half.length === 0 || half[0] === lineFeed ? half : brokenUnit;
    return Buffer.concat([this.#encode(whole), rest]);
  }

  #encode(units: Buffer): Buffer {
    const littleEndian = this.#encoding === 'utf-16le' ? units : Buffer.from(units).swap16();
    const text = littleEndian.toString('utf16le');
    return text.isWellFormed() ? Buffer.from(text) : encodeLoneSurrogates(text);
  }
}

function encodeLoneSurrogates(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(3 * text.length);
  let filled = 0;
  let from = 0;
  // With the flag `u` a whole pair is one character and does not match.
  for (const { index } of text.matchAll(/\p{Surrogate}/gu)) {
    filled += bytes.write(text.slice(from, index), filled);
    const unit = text.charCodeAt(index);
    bytes[filled++] = 0xe0 | (unit >> 12);
    bytes[filled++] = 0x80 | ((unit >> 6) & 0x3f);
    bytes[filled++] = 0x80 | (unit & 0x3f);
    from = index + 1;
  }
  filled += bytes.write(text.slice(from), filled);
  return bytes.subarray(0, filled);
}
