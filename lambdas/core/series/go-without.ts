import type { FileAccount } from '../account/file-account.ts';
import { isOpen } from '../account/file-account.ts';
import { isToTakeOver, isWaitingForRevision } from './waiting-revision.ts';

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
  // As long as an earlier one is in progress, or is to be amended, it waits.
  if (!isWaitingForRevision(newer) && !isToTakeOver(newer)) return 'not_waiting';
  return earlierObstacleOf(newer, earlier, isEarlier);
}

/** The same, whether or not the newer one waits now: it is held, and will wait once it is released. */
export function earlierObstacleOf(
  newer: FileAccount,
  earlier: FileAccount | undefined,
  isEarlier: boolean,
): Extract<WithoutObstacle, 'unknown_earlier' | 'not_earlier' | 'earlier_closed'> | undefined {
  if (!earlier) return 'unknown_earlier';
  if (!isEarlier && newer.waitsFor?.fileId !== earlier.fileId) return 'not_earlier';
  return isUnsettled(earlier) ? undefined : 'earlier_closed';
}

/** It is in progress, or its manifest is to be amended. */
const isUnsettled = (file: FileAccount): boolean => isOpen(file) || file.amendmentRequestedAt !== undefined;

/** Whether a later revision waits for it. */
export const isAwaited = (file: FileAccount, nowMs: number): boolean => isUnsettled(file) && !isLeftBehind(file, nowMs);

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
