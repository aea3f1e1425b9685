import { letterDigest } from '../core/authenticity.ts';
import { mayBeOfFeed } from '../core/account/file-id.ts';
import type { DeadRecord } from '../core/account/file-account.ts';
import type { Letter } from '../messages.ts';
import type { AlteredLetterLedger, DeadLedger, FileLedger } from '../ports.ts';

/** The message that carries a letter, with SQS's attributes. `sentAt`: milliseconds since 1970. */
export interface CarrierMessage {
  id: string;
  sentAt: number;
}

export type LetterJudgement =
  /** The record's own letter, unchanged. */
  | { kind: 'known'; dead: DeadRecord }
  /** Unchanged, and received for the first time. `digests`: of the letters that may be tried for the record. */
  | { kind: 'new'; digests?: readonly [] }
  /** Unchanged, but the record has another letter. */
  | { kind: 'surplus' }
  /** Changed in transit, or never sent by Sluice. */
  | { kind: 'altered' };

interface JudgePorts {
  ledger: Pick<DeadLedger, 'getDead' | 'isNoted'> & Pick<FileLedger, 'getFile'>;
  /** The feed whose queue it came from. */
  feed: string;
}

/**
 * Compares a letter with the ledger before anything else is done with it: with the digests in its record's item, or, if no
 * consumer has received it before, with the note that was written before it was sent.
 */
export async function judgeLetter(
  letter: Letter,
  message: CarrierMessage,
  ports: JudgePorts,
): Promise<LetterJudgement> {
  const { ledger, feed } = ports;
  if (letter.feed !== feed || !mayBeOfFeed(letter.file_id, feed)) return { kind: 'altered' };
  const dead = await ledger.getDead(letter.file_id, letter.record);
  if (dead?.letterDigests?.includes(letterDigest(letter))) return { kind: 'known', dead };
  if (await ledger.isNoted(letter)) return dead ? { kind: 'surplus' } : { kind: 'new' };
  return judgeUnnoted(letter, message, dead, ports);
}

/**
 * A letter without a note is altered or forged, unless an earlier version sent it, which wrote no notes. Files of that
 * version have no key. Such a letter is tried only if that version had also received it (isUnproven), and is checked as far
 * as possible.
 */
async function judgeUnnoted(
  letter: Letter,
  message: CarrierMessage,
  dead: DeadRecord | undefined,
  { ledger, feed }: JudgePorts,
): Promise<LetterJudgement> {
  const file = await ledger.getFile(letter.file_id);
  if (file?.feed !== feed || file.messageKey !== undefined) return { kind: 'altered' };
  if (!dead)
    return letter.record <= (file.totalRecords ?? Infinity) ? { kind: 'new', digests: [] } : { kind: 'altered' };
  if (dead.letterId !== letter.letter_id) return isUnproven(dead) ? { kind: 'surplus' } : { kind: 'altered' };
  // On its first way to the DLQ, it is received more than once.
  const isPassing = dead.letterDigests?.length === 0 && message.sentAt <= dead.failedMessageSentAt;
  return isUnproven(dead) || isPassing ? { kind: 'known', dead } : { kind: 'altered' };
}

/** Whether an earlier version wrote the item, which kept no digests of letters. */
export function isUnproven({ letterDigests }: DeadRecord): boolean {
  return letterDigests === undefined;
}

/** Stores an altered letter for the desk and in its record's history. A repetition adds nothing. */
export async function noteAltered(
  letter: Letter,
  message: CarrierMessage,
  ports: { ledger: Pick<FileLedger, 'getFile'> & Pick<DeadLedger, 'noteAltered'> & AlteredLetterLedger; feed: string },
): Promise<void> {
  const { ledger, feed } = ports;
  const { file_id: fileId, record } = letter;
  const sha256 = letterDigest(letter);
  // The history of another feed's record must not be written, whatever the letter says.
  const file = mayBeOfFeed(fileId, feed) ? await ledger.getFile(fileId) : undefined;
  if (file?.feed === feed) await ledger.noteAltered(fileId, record, { sha256, sentAt: message.sentAt });
  await ledger.keepAltered(feed, { sha256, fileId, record, messageId: message.id, sentAt: message.sentAt });
}
