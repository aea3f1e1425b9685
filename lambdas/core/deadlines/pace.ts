import { endedRecords } from '../account/expected-records.ts';
import type { FileAccount } from '../account/file-account.ts';
import { sumCounts } from '../account/outcome.ts';
import { isQuarantined } from '../account/quarantine.ts';
import type { RateLimit } from '../limiter/limiter.ts';
import { slotSpacingMs } from '../limiter/limiter.ts';
import type { LimiterItem } from '../limiter/limiter-item.ts';
import { measuredPerSecond } from '../limiter/measured-rate.ts';

/** How fast the records of a line are sent. */
export interface LinePace {
  /** The lower of the limit and the measured rate. */
  perSecond: number;
  /** Answers per second as measured. While it is unknown or 0, the line may be slower than `perSecond`. */
  measuredPerSecond: number | undefined;
}

/** What an API answers at its limit is below it by up to this share: answers are counted with the next lease. */
const countedLateShare = 0.1;

/** The records per second that an API with this limit accepts, as the limiter hands out send times. */
export function paceOf(limit: RateLimit): number {
  return 1000 / slotSpacingMs(limit);
}

/** The requests per window that an API would have to allow for this pace. */
export function requestsFor(recordsPerSecond: number, windowSeconds: number): number {
  return Math.ceil((recordsPerSecond * slotSpacingMs({ requests: 1, windowSeconds })) / 1000);
}

/**
 * The pace of a line, for every projection and screen.
 * @param line `limit`: the one that applies now; undefined if there is none. `files`: the open files of all its feeds
 * @returns undefined if there is no limit and nothing was measured yet
 */
export function currentPace(
  { limit, item, files }: { limit: RateLimit | undefined; item: LimiterItem; files: readonly FileAccount[] },
  now: number,
): LinePace | undefined {
  if (!limit) {
    const perSecond = settledPerSecond(files, now);
    return perSecond === undefined ? undefined : { perSecond, measuredPerSecond: perSecond };
  }
  const allowedPerSecond = paceOf(limit);
  const waitingSinceMs = Math.min(...files.filter(hasRecordsLeft).map(({ createdAt }) => createdAt));
  const measured = measuredPerSecond(item, { allowedPerSecond, waitingSinceMs, now });
  // If nothing passes, the rate says nothing about the end.
  const isSlow = measured !== undefined && measured > 0 && measured < allowedPerSecond * (1 - countedLateShare);
  return { perSecond: isSlow ? measured : allowedPerSecond, measuredPerSecond: measured };
}

/** The records of a stopped file wait for a person. */
function hasRecordsLeft(file: FileAccount): boolean {
  if (isQuarantined(file)) return false;
  return file.state === 'splitting' || (file.state === 'split' && endedRecords(file) < (file.totalRecords ?? 0));
}

/** The settled records of the open files since the first of them arrived: the pace of a line without a limit. */
function settledPerSecond(files: readonly FileAccount[], now: number): number | undefined {
  const settled = files.reduce((sum, file) => sum + sumCounts(file.settled), 0);
  const begun = Math.min(...files.map((file) => file.createdAt));
  return settled > 0 && now > begun ? (settled * 1000) / (now - begun) : undefined;
}
