import type { FileAccount } from '../account/file-account.ts';
import { isOpen } from '../account/file-account.ts';
import type { Quarantine } from '../account/stops.ts';
import { isQuarantined, isReleased } from '../account/stops.ts';

/** Why a revision can't go on without an earlier one. */
export type WithoutObstacle = 'unknown' | 'unknown_earlier' | 'not_waiting' | 'not_earlier' | 'earlier_closed';

/** @param isEarlier the series has the one before the other */
export function withoutObstacleOf(
  newer: FileAccount | undefined,
  earlier: FileAccount | undefined,
  isEarlier: boolean,
): WithoutObstacle | undefined {
  if (!newer) return 'unknown';
  if (!earlier) return 'unknown_earlier';
  if (!mayBeWaiting(newer)) return 'not_waiting';
  if (!isEarlier && newer.waitsFor?.fileId !== earlier.fileId) return 'not_earlier';
  return isOpen(earlier) ? undefined : 'earlier_closed';
}

/** It has no place in its series yet, or a person has released it, and it has not taken over from the earlier ones. */
function mayBeWaiting(file: FileAccount): boolean {
  if (file.state === 'splitting')
    return file.series === undefined && file.waitsFor !== undefined && !isQuarantined(file);
  return file.state === 'split' && isReleased(file) && !file.revision?.taken && !file.series?.taken;
}

/** A person has decided that a newer revision goes on without this one. */
export function abandonedFile(newer: string, { by, why }: { by: string; why: string }, nowMs: number): Quarantine {
  const message =
    `The file ${newer} is a newer revision of this one. ${by} decided at ${new Date(nowMs).toISOString()} that it goes on ` +
    `without this file: ${why}. What was not sent of this file is held for good.`;
  return { at: nowMs, code: 'newer_revision', rejected: 0, seen: 0, message };
}
