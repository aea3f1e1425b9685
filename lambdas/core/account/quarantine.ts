import type { FileAccount } from './file-account.ts';
import { sumCounts } from './outcome.ts';

/** Why a file is taken for a wrong one. */
export interface Quarantine {
  at: number;
  /** Absent: `too_many_rejects`. */
  code?: 'too_many_rejects' | 'all_refused' | 'revision_unknown' | 'revision_order';
  /** Rejected records (or refused ones, by `code`), out of the number that had ended. */
  rejected: number;
  seen: number;
  message: string;
}

/**
 * Whether more of a file is rejected than its feed tolerates, by its settled batches. Held records are not counted.
 * Undefined if it is not, or if a person has already decided.
 */
export function wrongFile(
  file: FileAccount,
  tolerated: { share: number; afterRecords: number },
  nowMs: number,
): Quarantine | undefined {
  const isOpen = file.state === 'splitting' || file.state === 'split';
  if (!isOpen || file.quarantine || file.release) return undefined;
  const seen = sumCounts(file.settled) - file.settled.held;
  const { rejected } = file.settled;
  if (seen < tolerated.afterRecords || rejected / seen <= tolerated.share) return undefined;
  const percent = (share: number) => `${Math.round(share * 1000) / 10}%`;
  const message =
    `${rejected} of the first ${seen} records were rejected, ${percent(rejected / seen)}; the feed tolerates ` +
    `${percent(tolerated.share)}. It looks like a wrong file: the other records were not sent.`;
  return { at: nowMs, rejected, seen, message };
}

/**
 * The API refuses all of its records. @param refused consecutive refusals, of `seen` records of the batch that have ended
 */
export function refusedFile(status: number, refused: number, seen: number, nowMs: number): Quarantine {
  const message =
    `The API answered ${status} to every record of this file that was sent, ${refused} so far. Either it accepts no such ` +
    'records at the moment, or the file is not meant for it: the other records were not sent.';
  return { at: nowMs, code: 'all_refused', rejected: refused, seen, message };
}

/** Nothing more of it may be sent: it is quarantined or was replaced. */
export function isStopped(file: Pick<FileAccount, 'state' | 'quarantine' | 'release'>): boolean {
  return file.state === 'superseded' || isQuarantined(file);
}

/**
 * Its account ends in quarantine: it is quarantined, or the rows after another header are held permanently. The rows of a
 * replaced file can't be read any more, so they are not held.
 */
export function endsInQuarantine(file: Pick<FileAccount, 'state' | 'quarantine' | 'release' | 'checkpoint'>): boolean {
  return isQuarantined(file) || (file.state !== 'superseded' && file.checkpoint?.otherHeader !== undefined);
}

/** Its unsent records are held until a person releases it. */
export function isQuarantined({ quarantine, release }: Pick<FileAccount, 'quarantine' | 'release'>): boolean {
  return quarantine !== undefined && release === undefined;
}
