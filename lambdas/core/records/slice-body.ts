import { isAscii, isUtf8 } from 'node:buffer';

export interface SliceBody {
  encoding: 'text' | 'base64';
  body: string;
}

/**
 * A slice's bytes as a message can carry them, without a change: as text where they are valid UTF-8 that SQS takes and
 * JSON does not swell past base64, else as base64.
 */
export function encodeBody(bytes: Buffer): SliceBody {
  const text = isAscii(bytes) ? bytes.toString('latin1') : isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  // SQS refuses U+FFFE and U+FFFF; control characters are escaped by JSON.
  if (text === undefined || text.includes('\uffff') || text.includes('\ufffe')) return base64(bytes);
  return swellsPastBase64(text, bytes.length) ? base64(bytes) : { encoding: 'text', body: text };
}

export function decodeBody({ encoding, body }: SliceBody): Buffer {
  return Buffer.from(body, encoding === 'text' ? 'utf8' : 'base64');
}

const base64 = (bytes: Buffer): SliceBody => ({ encoding: 'base64', body: bytes.toString('base64') });

/** Escaped control characters take six bytes each, quotes and backslashes two. */
const controls = /[\0-\x08\x0b\x0c\x0e-\x1f]/g;

function swellsPastBase64(text: string, bytes: number): boolean {
  const room = Math.floor(bytes / 3);
  if (controls.test(text)) {
    controls.lastIndex = 0;
    return Buffer.byteLength(JSON.stringify(text)) - 2 > bytes + room;
  }
  controls.lastIndex = 0;
  // Without them the text at most doubles, and only quotes, backslashes and line breaks count.
  return countEscaped(text, room) > room;
}

/** How many characters JSON writes as two, counted only as far as it matters. */
function countEscaped(text: string, enough: number): number {
  let count = 0;
  for (const character of ['"', '\\', '\n', '\r', '\t']) {
    for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) {
      if (++count > enough) return count;
    }
  }
  return count;
}
