import { createHmac, timingSafeEqual } from 'node:crypto';
import type { BatchMessage, CorrectionMessage, Letter, ReemitMessage } from '../messages.ts';
import type { FileAccount } from './account/file-account.ts';
import { sha256Of } from './records/identity.ts';
import { decodeBody } from './records/slice-body.ts';

/**
 * Whether what comes out of a queue is what Sluice put in. Whoever may write to a queue can send anything to it, and the
 * SQS console makes it easy to send a message back with a change. So nothing in a message is checked against the message.
 *
 * - A letter is compared with its digest in the ledger, noted before the letter was sent.
 * - Other messages whose content is trusted carry a MAC by the file's key, which is in the ledger and in no message.
 */

/**
 * Whether the id can be that of a file of the feed. A function may read no other file's items, and must not fail on the question:
 * ids begin with their feed's name, those of an earlier version are 24 hex digits.
 */
export function mayBeOfFeed(fileId: string, feed: string): boolean {
  return fileId.startsWith(`${feed}.`) || /^[0-9a-f]{24}$/.test(fileId);
}

/** SHA-256 of all that a letter says, in lower-case hex. How its JSON is laid out does not matter. */
export function letterDigest(letter: Letter): string {
  return sha256Of(contentOf(letter));
}

type SignedMessage = BatchMessage | ReemitMessage | CorrectionMessage;

/** The file's facts that a message is checked against. A file that an earlier version claimed has no key. */
export type MessageFile = Pick<FileAccount, 'feed' | 'messageKey'>;

/**
 * The message with its MAC by the file's key; as it is where the file has none.
 * @param sliceBytes a slice's, where the caller has them: decoding them again takes as long as hashing
 */
export function signed<Message extends SignedMessage>(
  message: Message,
  { messageKey }: MessageFile,
  sliceBytes?: Buffer,
): Message {
  if (messageKey === undefined) return message;
  return { ...message, mac: macOf(message, messageKey, sliceBytes) };
}

/** Whether the message is one that Sluice made about this file, unchanged. */
export function isGenuine(message: SignedMessage, { feed, messageKey }: MessageFile): boolean {
  if (message.feed !== feed) return false;
  if (messageKey === undefined) return true;
  const [claimed, made] = [Buffer.from(message.mac ?? ''), Buffer.from(macOf(message, messageKey))];
  return claimed.length === made.length && timingSafeEqual(claimed, made);
}

function macOf(message: SignedMessage, key: string, sliceBytes?: Buffer): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(contentOf(message, sliceBytes)).digest('hex');
}

/** What a message says, the same for each way to write it down. */
function contentOf(message: SignedMessage | Letter, sliceBytes?: Buffer): string {
  const { mac: _mac, ...fields } = message as SignedMessage;
  // The queue may carry a slice as text or as base64: its bytes are what counts.
  const content =
    message.kind === 'slice'
      ? { ...fields, encoding: null, body: sha256Of(sliceBytes ?? decodeBody(message)) }
      : { ...fields };
  const sorted = Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sorted.filter(([, value]) => value !== undefined));
}
