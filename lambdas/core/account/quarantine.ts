import type { FileAccount } from './file-account.ts';
import { sumCounts } from './outcome.ts';

/** Why a file is stopped: it is taken for a wrong one, or a person has cancelled it. */
export interface Quarantine {
  /** The file's stops are numbered from 1. Absent in an item of an earlier version, which stopped a file only once. */
  number?: number;
  at: number;
  /** Absent: `too_many_rejects`. */
  code?: 'too_many_rejects' | 'all_refused' | 'revision_unknown' | 'revision_order' | 'cancelled';
  /** Rejected records (or refused ones, by `code`), out of the number that had ended. */
  rejected: number;
  seen: number;
  message: string;
}

/** A release, and the number of the stop that it answers. */
export interface Release {
  at: number;
  by: string;
  why: string;
  /** Absent in an item of an earlier version: 1. */
  stop?: number;
}

type Stopped = Pick<FileAccount, 'quarantine' | 'release'>;

/**
 * How often a file was stopped, and which of its stops was released last. They are equal while it is sent, and a manifest
 * is about one pair of them.
 */
export interface Stops {
  stop: number;
  released: number;
}

export const noStops: Stops = { stop: 0, released: 0 };

export function stopsOf({ quarantine, release }: Stopped): Stops {
  return { stop: quarantine ? (quarantine.number ?? 1) : 0, released: release ? (release.stop ?? 1) : 0 };
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
  if (!isOpen(file) || !mayBeStopped(file)) return undefined;
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

/** A person stops it. */
export function cancelledFile(
  { settled }: Pick<FileAccount, 'settled'>,
  { by, why }: { by: string; why: string },
  nowMs: number,
): Quarantine {
  const message = `Cancelled by ${by} at ${new Date(nowMs).toISOString()}: ${why}`;
  const seen = sumCounts(settled) - settled.held;
  return { at: nowMs, code: 'cancelled', rejected: settled.rejected, seen, message };
}

/** Without a person's decision: it is not stopped, and no person has released it after such a stop. */
export function mayBeStopped(file: Stopped): boolean {
  if (isQuarantined(file)) return false;
  return file.quarantine === undefined || file.quarantine.code === 'cancelled';
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

function isOpen({ state }: Pick<FileAccount, 'state'>): boolean {
  return state === 'splitting' || state === 'split';
}

/** Nothing more of it may be sent: it is quarantined or was replaced. */
export function isStopped(file: Stopped & Pick<FileAccount, 'state'>): boolean {
  return file.state === 'superseded' || isQuarantined(file);
}

/** A person has cancelled it and it is not released: not even its dead letters are sent. */
export function isCancelled(file: Stopped): boolean {
  return isQuarantined(file) && file.quarantine?.code === 'cancelled';
}

/**
 * Its account ends in quarantine: it is quarantined, or the rows after another header are held permanently. The rows of a
 * replaced file can't be read any more, so they are not held; and a file that ends otherwise has nothing to hold.
 */
export function endsInQuarantine(file: Stopped & Pick<FileAccount, 'state' | 'checkpoint'>): boolean {
  if (file.state === 'superseded' || file.state === 'duplicate' || file.state === 'failed') return false;
  return isQuarantined(file) || file.checkpoint?.otherHeader !== undefined;
}

/** Its unsent records are held until a person releases it. */
export function isQuarantined(file: Stopped): boolean {
  const { stop, released } = stopsOf(file);
  return stop > released;
}

/**
 * It is stopped and will be closed with what was not sent: a batch that no consumer has claimed yet is held whole when it
 * arrives, and is part of the account already.
 */
export function holdsUnsent(file: Stopped & Pick<FileAccount, 'state'>): boolean {
  return isQuarantined(file) && file.state !== 'superseded';
}

/** A person has released it: its held records are owed. */
export function isReleased(file: Stopped): boolean {
  return file.release !== undefined && !isQuarantined(file);
}
