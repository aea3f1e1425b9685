import { Buffer, isAscii } from 'node:buffer';
import type { BatchMessage } from '../../messages.ts';

/** A slice's bytes in a message. */
export interface SliceBody {
  encoding: 'text' | 'base64';
  body: string;
}

/**
 * Text if the bytes are ASCII, otherwise base64, because of the later costs: text with two bytes per character takes
 * twice as long to create, to escape and to send as UTF-8 as base64, which is a third longer. It also avoids the question
 * which characters the queue refuses: JSON escapes ASCII's control characters.
 */
export function encodeBody(bytes: Buffer): SliceBody {
  if (isAscii(bytes)) return { encoding: 'text', body: bytes.toString('latin1') };
  return { encoding: 'base64', body: bytes.toString('base64') };
}

export function decodeBody({ encoding, body }: SliceBody): Buffer {
  return Buffer.from(body, encoding === 'text' ? 'utf8' : 'base64');
}

/**
 * A batch's message as JSON. A body whose escapes make it longer than its base64 is sent as base64 instead, so that every
 * message fits the queue: JSON takes six characters for some control characters. Here the escapes are known without
 * counting them; counting takes as long as cutting.
 */
export function batchJson(message: BatchMessage): string {
  const json = JSON.stringify(message);
  if (message.kind !== 'slice' || message.encoding === 'base64') return json;
  const { body } = message;
  const envelope = JSON.stringify({ ...message, body: '' }).length;
  // Escapes are ASCII: as many bytes as characters.
  const added = json.length - envelope - body.length;
  // Base64 adds at least a third of the bytes, and there are at most as many characters as bytes.
  if (added <= body.length / 3) return json;
  const bytes = decodeBody(message);
  if (bytes.length + added <= 4 * Math.ceil(bytes.length / 3)) return json;
  return JSON.stringify({ ...message, encoding: 'base64', body: bytes.toString('base64') });
}
