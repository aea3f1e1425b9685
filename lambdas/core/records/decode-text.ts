import { Buffer, isUtf8 } from 'node:buffer';
import type { Encoding } from '../../../feeds/feed.ts';
import { plainText } from '../plain-text.ts';

/** What 0x80 to 0x9f spell in Windows-1252 (WHATWG): elsewhere it is Latin-1. Node's own decoder took it for Latin-1 altogether up to 23. */
const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** The characters that bytes spell; null where they are no text in this encoding. Every byte is one in Windows-1252. */
export function decodeText(bytes: Buffer, encoding: Encoding): string | null {
  if (encoding === 'windows-1252') {
    return bytes.toString('latin1').replace(/[\x80-\x9f]/g, (char) => windows1252.charAt(char.charCodeAt(0) - 0x80));
  }
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

/** The bytes that spell a text that `decodeText` gave. */
export function encodeText(text: string, encoding: Encoding): Buffer {
  if (encoding !== 'windows-1252') return Buffer.from(text);
  const bytes = Array.from(text, (char) => {
    const index = windows1252.indexOf(char);
    return index === -1 ? char.charCodeAt(0) : 0x80 + index;
  });
  return Buffer.from(bytes);
}

/** A value as a sentence may quote it. */
export function trimForMessage(value: string): string {
  return value.length > 80 ? `${plainText(value, 79)}…` : plainText(value, 80);
}
