import { createHmac, timingSafeEqual } from 'node:crypto';
import type { BatchMessage, CorrectionMessage, Letter, ReemitMessage } from '../messages.ts';
import type { FileAccount } from './account/file-account.ts';
import { sha256Of } from './records/identity.ts';
import { decodeBody } from './records/slice-body.ts';

/**
 * Checks whether a message from a queue is one that Sluice sent. Anyone who may write to a queue can send anything to it,
 * and the SQS console makes it easy to send a message back with a change. So no part of a message is checked against the
 * message itself.
 *
 * - A letter is compared with its digest in the ledger, stored before the letter was sent.
 * - Other messages whose content is trusted carry a MAC with the file's key, which is in the ledger and in no message.
 */

/** SHA-256 of a letter's content, in lower-case hex. The layout of its JSON does not matter. */
export function letterDigest(letter: Letter): string {
  return sha256Of(contentOf(letter));
}

type SignedMessage = BatchMessage | ReemitMessage | CorrectionMessage;

/** The file's facts against which a message is checked. A file that an earlier version claimed has no key. */
export type MessageFile = Pick<FileAccount, 'feed' | 'messageKey'>;

/**
 * Adds the MAC by the file's key; without a key the message is unchanged.
 * @param sliceBytes a slice's bytes, if the caller has them: decoding them again takes as long as hashing
 */
export function signed<Message extends SignedMessage>(
  message: Message,
  { messageKey }: MessageFile,
  sliceBytes?: Buffer,
): Message {
  if (messageKey === undefined) return message;
  return { ...message, mac: macOf(message, messageKey, sliceBytes) };
}

/** Whether Sluice made the message about this file, and it is unchanged. */
export function isGenuine(message: SignedMessage, { feed, messageKey }: MessageFile): boolean {
  if (message.feed !== feed) return false;
  if (messageKey === undefined) return true;
  const [claimed, made] = [Buffer.from(message.mac ?? ''), Buffer.from(macOf(message, messageKey))];
  return claimed.length === made.length && timingSafeEqual(claimed, made);
}

function macOf(message: SignedMessage, key: string, sliceBytes?: Buffer): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(contentOf(message, sliceBytes)).digest('hex');
}

/** A message's content in a canonical form. */
function contentOf(message: SignedMessage | Letter, sliceBytes?: Buffer): string {
  const { mac: _mac, ...fields } = message as SignedMessage;
  // A slice may be text or base64 in the queue: only its bytes count.
  const content =
    message.kind === 'slice'
      ? { ...fields, encoding: null, body: sha256Of(sliceBytes ?? decodeBody(message)) }
      : { ...fields };
  const sorted = Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sorted.filter(([, value]) => value !== undefined));
}
