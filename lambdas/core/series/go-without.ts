import type { FileAccount } from '../account/file-account.ts';
import { isOpen } from '../account/file-account.ts';
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
  return isOpen(earlier) || earlier.amendmentRequestedAt !== undefined ? undefined : 'earlier_closed';
}

/**
 * It has no place in its series yet, or a person has released it, and it has not taken over from the earlier ones: as long as
 * one of them is in progress, or is to be amended, it waits.
 */
function mayBeWaiting(file: FileAccount): boolean {
  if (file.state === 'splitting')
    return file.series === undefined && file.waitsFor !== undefined && !isQuarantined(file);
  const { series, revision } = file;
  return file.state === 'split' && isReleased(file) && series !== undefined && !revision?.taken && !series.taken;
}

/**
 * Longer than any invocation (AWS allows 15 minutes): a consumer that is killed or frozen, or did not know of a decision, sends
 * nothing later than this. Milliseconds.
 */
export const longestTryMs = 16 * 60_000;

/** Between two invocations that continue a large file, no lease is held. Milliseconds. */
const idleAfterMs = 2 * 60_000;

/**
 * Nothing of the file is sent any more, since a newer revision goes on without it, and nothing closes it, or amends its
 * manifest: no one waits for it now. What the API has of it is then not known.
 */
export function isLeftBehind(file: FileAccount, nowMs: number): boolean {
  const { abandonedFor, leaseUntil = 0, updatedAt, amendmentRequestedAt } = file;
  if (abandonedFor === undefined || nowMs < abandonedFor.at + longestTryMs) return false;
  if (isOpen(file)) return leaseUntil < nowMs && updatedAt + idleAfterMs <= nowMs;
  // It may have been closed long after the decision.
  return amendmentRequestedAt !== undefined && nowMs >= amendmentRequestedAt + longestTryMs;
}
