import { expectedRecords, recordsPerByte } from '../account/expected-records.ts';
import type { FeedDeadline } from './feed-deadline.ts';
import { deadlineAfter } from './feed-deadline.ts';
import type { FileAccount } from '../account/file-account.ts';
import type { RateLimit } from '../limiter/limiter.ts';
import { slotSpacingMs } from '../limiter/limiter.ts';
import { sumCounts } from '../account/outcome.ts';
import { isQuarantined } from '../account/quarantine.ts';

/**
 * When files will be done. A queue before one server: what is left of the files, one after the other, at the pace at
 * which the API takes records. Every lane and feed of an API shares one line of send times, so the last file's end is
 * right in whatever order they are served. Pessimistic in one way (rejects take no request), optimistic in another (the
 * API may be slower than its limit).
 */

/** A feed as far as its files' times go. */
export interface PacedFeed {
  feed: string;
  deadline?: FeedDeadline | undefined;
}

/** What files wait for: an API, or a feed's record ledger. */
export interface Line {
  /** Of all feeds and lanes that share it. */
  files: readonly FileAccount[];
  /** Newest files that are done, to tell from how many records a byte makes. */
  done: readonly FileAccount[];
  /** Undefined where nothing tells. */
  recordsPerSecond: number | undefined;
  /** Nothing is sent before: the API asked for a pause, or the breaker is open. Milliseconds since 1970. */
  pausedUntil: number;
}

export interface Projection {
  fileId: string;
  feed: string;
  /** Not settled yet. Undefined where nothing tells how many records the file has. */
  remainingRecords: number | undefined;
  /** It is not known yet how many records the file has: guessed by its size and what records are long. */
  isEstimated: boolean;
  /** What has to be sent until it is done, its own records included. */
  recordsToItsEnd: number | undefined;
  recordsPerSecond: number | undefined;
  /** When sending can go on: now, or at the end of a pause. */
  startsAt: number;
  doneAt: number | undefined;
  /** By when it has to be done; undefined where its feed has no deadline. */
  deadlineAt: number | undefined;
  /** From its end to the deadline; negative where it is late. */
  marginSeconds: number | undefined;
}

/** What an API with such a limit takes, as the limiter hands it out. */
export function paceOf(limit: RateLimit): number {
  return 1000 / slotSpacingMs(limit);
}

/** The requests that an API would have to allow in a window for such a pace. */
export function requestsFor(recordsPerSecond: number, windowSeconds: number): number {
  return Math.ceil((recordsPerSecond * slotSpacingMs({ requests: 1, windowSeconds })) / 1000);
}

/**
 * What was settled of the open files since the first of them came: the pace of a line that has no limit to go by.
 * Undefined until something was.
 */
export function measuredPace(files: readonly FileAccount[], now: number): number | undefined {
  const settled = files.reduce((sum, file) => sum + sumCounts(file.settled), 0);
  const begun = Math.min(...files.map((file) => file.createdAt));
  return settled > 0 && now > begun ? (settled * 1000) / (now - begun) : undefined;
}

/** For each file with work left, in the order they are served: urgent ones first, then as they came. */
export function projectFiles(line: Line, feeds: readonly PacedFeed[], now: number): Projection[] {
  const { recordsPerSecond, pausedUntil } = line;
  const startsAt = Math.max(now, pausedUntil);
  const known = [...line.files, ...line.done];
  let ahead: number | undefined = 0;
  return line.files
    .filter(hasWorkLeft)
    .toSorted(byService)
    .map((file) => {
      const { remainingRecords, isEstimated } = remainderOf(file, known);
      ahead = ahead === undefined || remainingRecords === undefined ? undefined : ahead + remainingRecords;
      const isThrough = remainingRecords === 0;
      const doneAt = isThrough ? lastWorkOf(file) : doneAtOf(ahead, recordsPerSecond, startsAt);
      const deadline = feeds.find(({ feed }) => feed === file.feed)?.deadline;
      const deadlineAt = deadline && deadlineAfter(deadline, file.createdAt);
      return {
        fileId: file.fileId,
        feed: file.feed,
        remainingRecords,
        isEstimated,
        recordsToItsEnd: ahead,
        recordsPerSecond,
        startsAt,
        doneAt,
        deadlineAt,
        marginSeconds: marginOf(doneAt, deadlineAt, now),
      };
    });
}

function doneAtOf(records: number | undefined, perSecond: number | undefined, startsAt: number): number | undefined {
  if (records === undefined || perSecond === undefined) return undefined;
  return Math.round(startsAt + (records * 1000) / perSecond);
}

/** What only waits for its manifest was done with its last batch, however long the manifest takes. */
function lastWorkOf({ lastSettledAt, splitAt, updatedAt }: FileAccount): number {
  return lastSettledAt ?? splitAt ?? updatedAt;
}

/** What can't be projected is late all the same once its time has passed. */
function marginOf(doneAt: number | undefined, deadlineAt: number | undefined, now: number): number | undefined {
  if (deadlineAt === undefined || (doneAt === undefined && deadlineAt > now)) return undefined;
  return Math.floor((deadlineAt - (doneAt ?? now)) / 1000);
}

/** What is held of a stopped file waits for somebody; a duplicate or a failed one sends nothing. */
function hasWorkLeft(file: FileAccount): boolean {
  return (file.state === 'splitting' || file.state === 'split') && !isQuarantined(file);
}

/** Urgent ones first, then as they came. */
export function byService(a: FileAccount, b: FileAccount): number {
  const urgency = Number(b.lane === 'express') - Number(a.lane === 'express');
  return urgency || a.createdAt - b.createdAt || (a.fileId < b.fileId ? -1 : 1);
}

function remainderOf(
  file: FileAccount,
  known: readonly FileAccount[],
): Pick<Projection, 'remainingRecords' | 'isEstimated'> {
  // What is held of a file that was released is still to be sent.
  const settled = sumCounts(file.settled) - (file.release ? file.settled.held : 0);
  const isEstimated = file.totalRecords === undefined;
  const perByte = isEstimated ? recordsPerByte(known, file) : undefined;
  const total = expectedRecords(file) ?? (perByte === undefined ? undefined : perByte * file.source.sizeBytes);
  if (total === undefined) return { remainingRecords: undefined, isEstimated };
  return { remainingRecords: Math.max(0, Math.round(total) - settled), isEstimated };
}
