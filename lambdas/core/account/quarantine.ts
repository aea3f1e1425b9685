import { controlStops } from '../control/control-stops.ts';
import type { FileAccount } from './file-account.ts';
import { isOpen } from './file-account.ts';
import { sumCounts } from './outcome.ts';
import type { Quarantine, Stopped } from './stops.ts';
import { isOutrun, isQuarantined, stopsOf } from './stops.ts';

/**
 * Whether more of a file is rejected than its feed tolerates, by its settled batches. Held records are not counted.
 * Undefined if it is not, if a person has already decided, or for a bundle: its records are files, and one says nothing
 * about another.
 */
export function wrongFile(
  file: FileAccount,
  tolerated: { share: number; afterRecords: number },
  nowMs: number,
): Quarantine | undefined {
  if (!isOpen(file) || !mayBeStopped(file) || file.bundle !== undefined) return undefined;
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

/** A person stops it. @param isRevision it was held as a revision before */
export function cancelledFile(
  { settled }: Pick<FileAccount, 'settled'>,
  { by, why }: { by: string; why: string },
  nowMs: number,
  isRevision = false,
): Quarantine {
  const message = `Cancelled by ${by} at ${new Date(nowMs).toISOString()}: ${why}`;
  const seen = sumCounts(settled) - settled.held;
  const stop: Quarantine = { at: nowMs, code: 'cancelled', rejected: settled.rejected, seen, message };
  return isRevision ? { ...stop, isRevision } : stop;
}

/** Without a person's decision: it is not stopped, and no person has released it after a stop for what it contains. */
export function mayBeStopped(file: Stopped): boolean {
  if (isQuarantined(file)) return false;
  const { code } = file.quarantine ?? { code: 'cancelled' };
  return code === 'cancelled' || controlStops.includes(code ?? '');
}

/** Why a person can't cancel a file; undefined if it can be cancelled. */
export type CancelObstacle =
  | { kind: 'member'; bundleId: string }
  | { kind: 'closed' }
  | { kind: 'stopped'; quarantine: Quarantine }
  /** Every record has ended, and the finalizer writes the manifest. */
  | { kind: 'closing' };

export function cancelObstacleOf(file: FileAccount): CancelObstacle | undefined {
  if (file.bundleId !== undefined) return { kind: 'member', bundleId: file.bundleId };
  if (!isOpen(file)) return { kind: 'closed' };
  if (isQuarantined(file) && file.quarantine) return { kind: 'stopped', quarantine: file.quarantine };
  return (file.closing ?? -1) >= stopsOf(file).released ? { kind: 'closing' } : undefined;
}

/** Nothing more of it may be sent: it is quarantined or was replaced. */
export function isStopped(file: Stopped & Pick<FileAccount, 'state'>): boolean {
  return file.state === 'superseded' || isQuarantined(file);
}

/** A newer revision goes on without it: not even what may have been sent is sent again. */
export function isAbandoned({ abandonedFor }: Pick<FileAccount, 'abandonedFor'>): boolean {
  return abandonedFor !== undefined;
}

/** A person has cancelled it and it is not released: not even its dead letters are sent. */
export function isCancelled(file: Stopped): boolean {
  return isQuarantined(file) && file.quarantine?.code === 'cancelled';
}

/**
 * Its account ends in quarantine: it is quarantined, or the rows after another header are held permanently. The rows of a
 * replaced file can't be read any more, so they are not held; and a file that ends otherwise has nothing to hold.
 */
export function endsInQuarantine(file: Stopped & Pick<FileAccount, 'state' | 'failure' | 'checkpoint'>): boolean {
  return !isOutrun(file) && endsWithHeld(file);
}

/** What was not sent of it is held: it ends in quarantine, or a newer revision has stopped it. */
export function endsWithHeld(file: Stopped & Pick<FileAccount, 'state' | 'failure' | 'checkpoint'>): boolean {
  if (wasReplaced(file) || file.state === 'duplicate' || file.state === 'failed') return false;
  return isQuarantined(file) || file.checkpoint?.otherHeader !== undefined;
}

/** Its object was replaced, or it came after a newer revision: how many more records it has is not known. */
export function wasReplaced(file: Stopped & Pick<FileAccount, 'state' | 'failure'>): boolean {
  return file.state === 'superseded' && !(isOutrun(file) && file.failure === undefined);
}

/** A newer revision is sent in its place. */
export function outrunFile(by: string, nowMs: number): Quarantine {
  const message = `The file ${by} is a newer revision of this one. What was not sent of this file is held for good.`;
  return { at: nowMs, code: 'newer_revision', rejected: 0, seen: 0, message };
}

/**
 * It is stopped and will be closed with what was not sent: a batch that no consumer has claimed yet is held whole when it
 * arrives, and is part of the account already.
 */
export function holdsUnsent(file: Stopped & Pick<FileAccount, 'state' | 'failure'>): boolean {
  return isQuarantined(file) && !wasReplaced(file);
}
