import { Buffer, isAscii } from 'node:buffer';
import type { BatchMessage } from '../../messages.ts';

/** A slice's bytes as a message carries them. */
export interface SliceBody {
  encoding: 'text' | 'base64';
  body: string;
}

/**
 * Text where the bytes are ASCII; else base64, with a view to what comes after: text of two bytes a character takes twice
 * as long to make, to escape and to send as UTF-8 as base64 does, which is a third longer. It also spares the question
 * which characters the queue refuses: ASCII's control characters are escaped by JSON.
 */
export function encodeBody(bytes: Buffer): SliceBody {
  if (isAscii(bytes)) return { encoding: 'text', body: bytes.toString('latin1') };
  return { encoding: 'base64', body: bytes.toString('base64') };
}

export function decodeBody({ encoding, body }: SliceBody): Buffer {
  return Buffer.from(body, encoding === 'text' ? 'utf8' : 'base64');
}

/**
 * A batch's message as JSON. A body whose escapes make it longer than base64 would be goes as base64 after all, so that
 * every message fits the queue: JSON takes six characters for some control characters. Only here are the escapes to be
 * had without counting them, and counting takes as long as cutting does.
 */
export function batchJson(message: BatchMessage): string {
  const json = JSON.stringify(message);
  if (message.kind !== 'slice' || message.encoding === 'base64') return json;
  const { body } = message;
  const envelope = JSON.stringify({ ...message, body: '' }).length;
  // Escapes are ASCII: as many bytes as characters.
  const added = json.length - envelope - body.length;
  // Base64 adds a third of the bytes at least, and the characters are no more than those.
  if (added <= body.length / 3) return json;
  const bytes = decodeBody(message);
  if (bytes.length + added <= 4 * Math.ceil(bytes.length / 3)) return json;
  return JSON.stringify({ ...message, encoding: 'base64', body: bytes.toString('base64') });
}
