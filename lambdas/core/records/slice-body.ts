import { Buffer, isAscii, isUtf8 } from 'node:buffer';

/** A slice's bytes as a message carries them. */
export interface SliceBody {
  encoding: 'text' | 'base64';
  body: string;
}

/** Noncharacters that SQS refuses in a message, in UTF-8: U+FFFE and U+FFFF. Control characters are escaped by JSON. */
const refusedByQueue = [Buffer.from([0xef, 0xbf, 0xbe]), Buffer.from([0xef, 0xbf, 0xbf])];

const quote = 0x22;
const backslash = 0x5c;

/** Text where that carries the bytes exactly and, escaped for JSON, is no longer than base64 would be; else base64. */
export function encodeBody(bytes: Buffer): SliceBody {
  const ascii = isAscii(bytes);
  if (ascii || (isUtf8(bytes) && !refusedByQueue.some((refused) => bytes.includes(refused)))) {
    const base64Bytes = 4 * Math.ceil(bytes.length / 3);
    const room = base64Bytes - bytes.length;
    if (escapeBytesAtMost(bytes, ascii) <= room || escapeBytes(bytes) <= room) {
      return { encoding: 'text', body: ascii ? bytes.toString('latin1') : bytes.toString('utf8') };
    }
  }
  return { encoding: 'base64', body: bytes.toString('base64') };
}

export function decodeBody({ encoding, body }: SliceBody): Buffer {
  return Buffer.from(body, encoding === 'text' ? 'utf8' : 'base64');
}

/** Bytes that JSON.stringify adds, counted one by one. */
function escapeBytes(bytes: Buffer): number {
  let added = 0;
  for (const byte of bytes) {
    if (byte === quote || byte === backslash) added += 1;
    // \b \t \n \f \r have short escapes; the others are six characters like \u0000.
    else if (byte < 0x20) added += (byte >= 8 && byte <= 10) || byte === 12 || byte === 13 ? 1 : 5;
  }
  return added;
}

/** The same at a quarter of the cost or less: too high where there are line breaks and tabs (taken for long escapes), never too low. */
function escapeBytesAtMost(bytes: Buffer, ascii: boolean): number {
  const misaligned = (4 - (bytes.byteOffset & 3)) & 3;
  if (bytes.length < misaligned + 4) return escapeBytes(bytes);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + misaligned, (bytes.length - misaligned) >> 2);
  const ends = escapeBytes(bytes.subarray(0, misaligned)) + escapeBytes(bytes.subarray(misaligned + 4 * words.length));
  // Looking for a backslash costs next to nothing.
  const isSimple = ascii && !bytes.includes(backslash);
  return ends + (isSimple ? escapesOfAscii(words) : escapesOfAny(words));
}

const everyByte = 0x01010101;
const lowBits = 0x7f7f7f7f;
const quotes = 0x22222222;
const backslashes = 0x5c5c5c5c;
/** Additions of 1 that a byte has room for. */
const maxSum = 255;

/**
 * Four bytes at a time: adding 0x60 carries all but control characters into a byte's top bit, adding 0x7f all but zero,
 * which is what equal bytes leave of each other. So the top bits count what needs no escape.
 */
function escapesOfAscii(words: Int32Array): number {
  let escapes = 24 * words.length;
  for (let from = 0; from < words.length; from += maxSum) {
    const to = Math.min(words.length, from + maxSum);
    let short = 0;
    let long = 0;
    for (let at = from; at < to; at++) {
      const word = words[at] as number;
      long = (long + (((word + 0x60606060) >>> 7) & everyByte)) | 0;
      short = (short + ((((word ^ quotes) + lowBits) >>> 7) & everyByte)) | 0;
    }
    escapes -= sumOfBytes(short) + 5 * sumOfBytes(long);
  }
  return escapes;
}

/** The same with backslashes, and for bytes whose top bit is set: they need no escape. */
function escapesOfAny(words: Int32Array): number {
  let escapes = 24 * words.length;
  for (let from = 0; from < words.length; from += maxSum) {
    const to = Math.min(words.length, from + maxSum);
    let short = 0;
    let long = 0;
    for (let at = from; at < to; at++) {
      const word = words[at] as number;
      const low = word & lowBits;
      const others = ((low ^ quotes) + lowBits) & ((low ^ backslashes) + lowBits);
      long = (long + ((((low + 0x60606060) | word) >>> 7) & everyByte)) | 0;
      short = (short + (((others | word) >>> 7) & everyByte)) | 0;
    }
    escapes -= sumOfBytes(short) + 5 * sumOfBytes(long);
  }
  return escapes;
}

function sumOfBytes(word: number): number {
  return (word & 0xff) + ((word >>> 8) & 0xff) + ((word >>> 16) & 0xff) + (word >>> 24);
}
