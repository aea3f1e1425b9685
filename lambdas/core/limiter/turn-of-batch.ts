import { sumCounts } from '../account/outcome.ts';
import type { FileAccount } from '../account/file-account.ts';
import type { RateLimit } from './limiter.ts';
import { slotSpacingMs } from './limiter.ts';

/** A batch is at work this long before its turn: its function starts meanwhile, and no slot passes unused. Seconds. */
const leadSeconds = 2;

/** Batches that take less are not worth sending back. Seconds. */
const shortestBatchSeconds = 4;

/**
 * Up to this rate, one consumer with little memory sends all that the API takes, and the others' batches wait in the queue.
 * At a higher rate, as many as there are share it. Requests per second.
 */
const mostOfOneConsumer = 100;

/** Whether one consumer sends all that the API takes. */
export const isOneEnough = ({ requests, windowSeconds }: RateLimit): boolean =>
  requests / windowSeconds <= mostOfOneConsumer;

/**
 * Of the line's pace: turns come a little slower than the line moves, so that a line that has lost some slots catches up,
 * and batches do not pile up in functions for the rest of the file.
 */
const shareOfPace = 0.998;

/** A batch that is this close to its turn is not sent back once more. Seconds. */
const shortestDelaySeconds = 1;

/** SQS delays a message by at most 15 minutes. */
const longestDelaySeconds = 900;

/** Of a longer time to its turn, a batch waits for this share in the queue: the estimate may be too long, … */
const shareOfTime = 0.97;
/** … unless so many records have ended that the share of those that need no request is known. */
const enoughEnded = 10_000;

/** The share of records that need no request changes little meanwhile. Seconds. */
const shortTimeSeconds = 60;

/**
 * A line that follows turns is a few seconds ahead of them. One that is further ahead was faster than the limit allows: a
 * deployment has lowered the limit since, or many records ended without a request. Seconds.
 */
const mostAheadSeconds = 30;

/** Whether the API takes so long for a batch that it is worth sending back. Waiting in a function is what a slow API costs. */
export const isSlowFor = (records: number, limit: RateLimit): boolean =>
  isOneEnough(limit) && (records * limit.windowSeconds) / limit.requests >= shortestBatchSeconds;

/**
 * How long a batch can wait in its queue, where waiting costs nothing, in place of a function; 0 if it is to be sent now. Not
 * a batch of a revision, most of which may need no request.
 * @param now milliseconds since 1970
 */
export function secondsToWait(
  { firstRecord, records }: { firstRecord: number; records: number },
  file: Pick<FileAccount, 'createdAt' | 'sendingSince' | 'settled' | 'revision'>,
  limit: RateLimit,
  now: number,
): number {
  return file.revision || !isSlowFor(records, limit) ? 0 : secondsUntilTurn(firstRecord, file, limit, now);
}

/**
 * How long a batch can wait in its queue without an unused slot; 0 if it is to be sent now. Since the file's records are
 * sent, the API has taken at most `rate` requests a second. So the line cannot reach the batch before that many seconds have passed for
 * the records before it, of which some need no request. Only the share of those that have not ended is an estimate: as
 * among those that have. Whatever else slows the line down makes the batch's turn later, and the estimate too early: then
 * the batch waits in a function. So it does if the line is where this limit can't have brought it: the time then says nothing
 * about the turn.
 * @param now milliseconds since 1970
 */
export function secondsUntilTurn(
  firstRecord: number,
  { createdAt, sendingSince = createdAt, settled }: Pick<FileAccount, 'createdAt' | 'sendingSince' | 'settled'>,
  limit: RateLimit,
  now: number,
): number {
  const perSecond = (shareOfPace * 1000) / slotSpacingMs(limit);
  const ended = sumCounts(settled);
  if (ended === 0) return 0;
  const { rejected, held, unchanged = 0 } = settled;
  const requested = ended - rejected - held - unchanged;
  const aheadSeconds = requested / perSecond - (now - sendingSince) / 1000;
  if (aheadSeconds > mostAheadSeconds) return 0;
  const left = (Math.max(0, firstRecord - 1 - ended) * requested) / ended;
  const seconds = aheadSeconds + left / perSecond - leadSeconds;
  if (seconds < shortestDelaySeconds) return 0;
  const isSafe = seconds <= shortTimeSeconds || ended >= enoughEnded;
  const safe = isSafe ? seconds : Math.max(shortTimeSeconds, seconds * shareOfTime);
  return Math.min(longestDelaySeconds, Math.floor(safe));
}
