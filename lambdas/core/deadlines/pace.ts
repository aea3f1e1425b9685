import { endedRecords } from '../account/expected-records.ts';
import type { FileAccount } from '../account/file-account.ts';
import { sumCounts } from '../account/outcome.ts';
import { isQuarantined } from '../account/stops.ts';
import type { DeployedLimit } from '../limiter/limit-policy.ts';
import { limitAt, limitOf, paceAt, paceWithoutOverride } from '../limiter/limit-policy.ts';
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
  /** Changes to come that are known: the end of a person's limit, and the calendar. In order. */
  later?: readonly { fromMs: number; perSecond: number }[];
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
 * @param line `limit`: as deployed; undefined if there is none. `files`: the open files of all its feeds
 * @returns undefined if there is no limit and nothing was measured yet
 */
export function currentPace(
  {
    limit: deployed,
    item,
    files,
  }: { limit: DeployedLimit | undefined; item: LimiterItem; files: readonly FileAccount[] },
  now: number,
): LinePace | undefined {
  if (!deployed) {
    const perSecond = settledPerSecond(files, now);
    return perSecond === undefined ? undefined : { perSecond, measuredPerSecond: perSecond };
  }
  const allowedPerSecond = paceOf(limitAt(item, deployed, now));
  const waitingSinceMs = Math.min(...files.filter(hasRecordsLeft).map(({ createdAt }) => createdAt));
  const measured = measuredPerSecond(item, { allowedPerSecond, waitingSinceMs, now });
  // If nothing passes, the rate says nothing about the end.
  const isSlow = measured !== undefined && measured > 0 && measured < allowedPerSecond * (1 - countedLateShare);
  const perSecond = isSlow ? measured : allowedPerSecond;
  const fastest = isSlow ? measured : Infinity;
  const later = laterPaces(item, deployed, fastest, now);
  return { perSecond, measuredPerSecond: measured, ...(later.length > 0 && { later }) };
}

/** Changes that are looked at: a calendar has a few each day. */
const maxChanges = 20;

function laterPaces(item: LimiterItem, deployed: DeployedLimit, fastest: number, now: number) {
  if (deployed.isPaced === false) return [];
  const later: { fromMs: number; perSecond: number }[] = [];
  let { until } = paceAt(item, deployed, now);
  while (until !== undefined && later.length < maxChanges) {
    const fromMs = until;
    const pace = paceWithoutOverride(deployed, fromMs);
    later.push({ fromMs, perSecond: Math.min(fastest, paceOf(limitOf(pace, deployed))) });
    until = pace.until;
  }
  return later;
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
