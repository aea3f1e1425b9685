import { endedRecords, expectedRecords, recordsPerByte } from '../account/expected-records.ts';
import type { FeedDeadline } from './feed-deadline.ts';
import { deadlineAfter } from './feed-deadline.ts';
import type { FileAccount } from '../account/file-account.ts';
import { isOpen } from '../account/file-account.ts';
import type { LinePace } from './pace.ts';
import { isQuarantined } from '../account/stops.ts';

/**
 * Projects when files will be done. The model is a queue before one server: the remaining records of the files, one file
 * after the other, at the pace at which the API accepts records. All lanes and feeds of an API share one line of send
 * times, so the last file's end is right for any order of service. The model is pessimistic in one way (rejects take no
 * request) and, until the rate is measured, optimistic in another (the API may be slower than its limit).
 */

/** The part of a feed that its files' projections need. */
export interface PacedFeed {
  feed: string;
  deadline?: FeedDeadline | undefined;
}

/** What files wait for: an API, or a feed's record ledger. */
export interface Line {
  /** The files of all feeds and lanes that share it. */
  files: readonly FileAccount[];
  /** The newest completed files, to estimate the number of records per byte. */
  done: readonly FileAccount[];
  /** Undefined if unknown. */
  pace: LinePace | undefined;
  /** Nothing is sent before this time: the API asked for a pause, or the breaker is open. Milliseconds since 1970. */
  pausedUntil: number;
  /** Feeds that an operator has paused: no other file waits for theirs. */
  pausedFeeds?: readonly string[];
}

export interface Projection {
  fileId: string;
  feed: string;
  /** Records that are not settled yet. Undefined if the file's number of records is unknown. */
  remainingRecords: number | undefined;
  /** The file's number of records is not known yet: estimated from its size and the usual length of records. */
  isEstimated: boolean;
  /** Records to send until it is done, its own included. */
  recordsToItsEnd: number | undefined;
  recordsPerSecond: number | undefined;
  /** The rate is not known yet: it is assumed to be the limit's, and the file may be done later. */
  isAtBest: boolean;
  /** An operator has paused its feed: the projection assumes that it is resumed now. */
  isPaused: boolean;
  /** When sending can continue: now, or at the end of a pause. */
  startsAt: number;
  doneAt: number | undefined;
  /** When it has to be done; undefined if its feed has no deadline. */
  deadlineAt: number | undefined;
  /** From its end to the deadline; negative if it is late. */
  marginSeconds: number | undefined;
}

/** A projection for each file with work left, in the order of service: urgent files first, then by arrival. */
export function projectFiles(line: Line, feeds: readonly PacedFeed[], now: number): Projection[] {
  const { pace, pausedUntil, pausedFeeds = [] } = line;
  const recordsPerSecond = pace?.perSecond;
  const startsAt = Math.max(now, pausedUntil);
  const perByteOf = recordsPerByte([...line.files, ...line.done]);
  const queued: Record<'all' | 'running', number | undefined> = { all: 0, running: 0 };
  return line.files
    .filter(hasWorkLeft)
    .toSorted(byService)
    .map((file) => {
      const { remainingRecords, isEstimated } = remainderOf(file, perByteOf);
      const isPaused = pausedFeeds.includes(file.feed);
      queued.all = sumOf(queued.all, remainingRecords);
      if (!isPaused) queued.running = sumOf(queued.running, remainingRecords);
      const ahead = isPaused ? queued.all : queued.running;
      const isThrough = remainingRecords === 0;
      const doneAt = isThrough ? lastWorkOf(file) : doneAtOf(ahead, pace, startsAt);
      const deadline = feeds.find(({ feed }) => feed === file.feed)?.deadline;
      const deadlineAt = deadline && deadlineAfter(deadline, file.createdAt);
      return {
        fileId: file.fileId,
        feed: file.feed,
        remainingRecords,
        isEstimated,
        recordsToItsEnd: ahead,
        recordsPerSecond,
        isAtBest: !isThrough && pace !== undefined && !pace.measuredPerSecond,
        isPaused,
        startsAt,
        doneAt,
        deadlineAt,
        marginSeconds: marginOf(doneAt, deadlineAt, now),
      };
    });
}

const sumOf = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

function doneAtOf(records: number | undefined, pace: LinePace | undefined, startsAt: number): number | undefined {
  if (records === undefined || pace === undefined) return undefined;
  let [left, fromMs, perSecond] = [records, startsAt, pace.perSecond];
  for (const next of pace.later ?? []) {
    const sent = (perSecond * (next.fromMs - fromMs)) / 1000;
    if (sent >= left) break;
    left -= Math.max(0, sent);
    fromMs = Math.max(fromMs, next.fromMs);
    perSecond = next.perSecond;
  }
  return Math.round(fromMs + (left * 1000) / perSecond);
}

/** A file that only waits for its manifest was done with its last batch, however long the manifest takes. */
function lastWorkOf({ lastSettledAt, splitAt, updatedAt }: FileAccount): number {
  return lastSettledAt ?? splitAt ?? updatedAt;
}

/** A file without a projection is late as well once its deadline has passed. */
function marginOf(doneAt: number | undefined, deadlineAt: number | undefined, now: number): number | undefined {
  if (deadlineAt === undefined || (doneAt === undefined && deadlineAt > now)) return undefined;
  return Math.floor((deadlineAt - (doneAt ?? now)) / 1000);
}

/** Held records of a stopped file wait for a person; a duplicate or failed file sends nothing. */
function hasWorkLeft(file: FileAccount): boolean {
  return isOpen(file) && !isQuarantined(file);
}

/** Urgent files first, then by arrival. */
export function byService(a: FileAccount, b: FileAccount): number {
  const urgency = Number(b.lane === 'express') - Number(a.lane === 'express');
  return urgency || a.createdAt - b.createdAt || (a.fileId < b.fileId ? -1 : 1);
}

function remainderOf(
  file: FileAccount,
  perByteOf: ReturnType<typeof recordsPerByte>,
): Pick<Projection, 'remainingRecords' | 'isEstimated'> {
  const isEstimated = file.totalRecords === undefined;
  const perByte = isEstimated ? perByteOf(file) : undefined;
  const total = expectedRecords(file) ?? (perByte === undefined ? undefined : perByte * file.source.sizeBytes);
  if (total === undefined) return { remainingRecords: undefined, isEstimated };
  return { remainingRecords: Math.max(0, Math.round(total) - endedRecords(file)), isEstimated };
}
