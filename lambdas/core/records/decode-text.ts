import { Buffer, isUtf8 } from 'node:buffer';
import type { Encoding } from '../../../feeds/feed.ts';
import { plainText } from '../plain-text.ts';

/**
 * The characters for 0x80 to 0x9f in Windows-1252 (WHATWG); elsewhere it equals Latin-1. Node's own decoder treated all
 * of it as Latin-1 up to version 23.
 */
const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** The text of the bytes; null if they are not valid in this encoding. In Windows-1252 every byte is valid. */
export function decodeText(bytes: Buffer, encoding: Encoding): string | null {
  if (encoding === 'windows-1252') {
    return bytes.toString('latin1').replace(/[\x80-\x9f]/g, (char) => windows1252.charAt(char.charCodeAt(0) - 0x80));
  }
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

/** The bytes of a text that `decodeText` returned. */
export function encodeText(text: string, encoding: Encoding): Buffer {
  if (encoding !== 'windows-1252') return Buffer.from(text);
  const bytes = Array.from(text, (char) => {
    const index = windows1252.indexOf(char);
    return index === -1 ? char.charCodeAt(0) : 0x80 + index;
  });
  return Buffer.from(bytes);
}

/** A value in a form that a sentence can quote. */
export function trimForMessage(value: string): string {
  return value.length > 80 ? `${plainText(value, 79)}…` : plainText(value, 80);
}
