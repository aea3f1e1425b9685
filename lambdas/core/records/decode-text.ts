import type { Buffer } from 'node:buffer';
import { isUtf8 } from 'node:buffer';
import type { Encoding } from '../../../feeds/feed.ts';

const windows1252 = new TextDecoder('windows-1252');

/** The characters that bytes spell; null where they are no text in this encoding. Every byte is one in Windows-1252. */
export function decodeText(bytes: Buffer, encoding: Encoding): string | null {
  if (encoding === 'windows-1252') return windows1252.decode(bytes);
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

/** A value as a sentence may quote it. */
export function trimForMessage(value: string): string {
  return value.length > 80 ? `${value.slice(0, 79)}…` : value;
}
