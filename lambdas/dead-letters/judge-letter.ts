import { letterDigest, mayBeOfFeed } from '../core/authenticity.ts';
import type { DeadRecord } from '../core/account/file-account.ts';
import type { Letter } from '../messages.ts';
import type { AlteredLetterLedger, DeadLedger, FileLedger } from '../ports.ts';

/** The message that carries a letter, with SQS's attributes. `sentAt`: milliseconds since 1970. */
export interface CarrierMessage {
  id: string;
  sentAt: number;
}

export type LetterJudgement =
  /** The record's own letter, as it was sent. */
  | { kind: 'known'; dead: DeadRecord }
  /** As it was sent, and met for the first time. `digests`: of the letters that may be tried for the record. */
  | { kind: 'new'; digests?: readonly [] }
  /** As it was sent, and another letter stands for the record. */
  | { kind: 'surplus' }
  /** Changed on its way, or never sent by Sluice. */
  | { kind: 'altered' };

interface JudgePorts {
  ledger: Pick<DeadLedger, 'getDead' | 'isNoted'> & Pick<FileLedger, 'getFile'>;
  /** Whose queue it came from. */
  feed: string;
}

/**
 * Compares a letter with what the ledger has of it, before anything is done for it: with the digests in its record's item,
 * or, where no consumer has met it before, with the note that was written before it was sent.
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
 * A letter that nobody noted is altered or forged, unless an earlier version sent it, which noted none. Such a file has no
 * key. Its letter is tried only where that version had also met it (isUnproven), and as far as that can be checked.
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
  // On its way to the DLQ for the first time, it is received more than once.
  const isPassing = dead.letterDigests?.length === 0 && message.sentAt <= dead.failedMessageSentAt;
  return isUnproven(dead) || isPassing ? { kind: 'known', dead } : { kind: 'altered' };
}

/** Of an earlier version, which kept no digest of its letters. */
export function isUnproven({ letterDigests }: DeadRecord): boolean {
  return letterDigests === undefined;
}

/** Keeps an altered letter for the desk and in its record's history. Nothing new where that was done before. */
export async function noteAltered(
  letter: Letter,
  message: CarrierMessage,
  ports: { ledger: Pick<FileLedger, 'getFile'> & Pick<DeadLedger, 'noteAltered'> & AlteredLetterLedger; feed: string },
): Promise<void> {
  const { ledger, feed } = ports;
  const { file_id: fileId, record } = letter;
  const sha256 = letterDigest(letter);
  // The history of another feed's record is not to be written, whatever the letter says.
  const file = mayBeOfFeed(fileId, feed) ? await ledger.getFile(fileId) : undefined;
  if (file?.feed === feed) await ledger.noteAltered(fileId, record, { sha256, sentAt: message.sentAt });
  await ledger.keepAltered(feed, { sha256, fileId, record, messageId: message.id, sentAt: message.sentAt });
}
