/** How often and how long to retry: separate from the calls that are retried. */
export interface RetryPolicy {
  /** Requests within one attempt, the first included. */
  tries: number;
  baseMs: number;
  capMs: number;
}

/** Within one attempt at a batch. */
export const inPlace: RetryPolicy = { tries: 4, baseMs: 200, capMs: 10_000 };

/** Attempts at a batch that may end with records the API failed on; after that they are `exhausted`. */
export const maxBatchFailures = 5;

/**
 * Exponential backoff with full jitter: anywhere between 0 and base × 2^failures, so that consumers that failed together
 * don't retry together. `random` is in [0, 1). Milliseconds.
 */
export function backoffMs(policy: Pick<RetryPolicy, 'baseMs' | 'capMs'>, failures: number, random: number): number {
  return Math.floor(random * Math.min(policy.capMs, policy.baseMs * 2 ** failures));
}

/**
 * Seconds before a successor with failed records is tried: 20 s, doubled each time, half of it jitter. In total at least
 * two and a half minutes: an outage that is too small to open the breaker may last that long.
 */
export function successorDelaySeconds(failures: number, random: number): number {
  const most = Math.min(600, 20 * 2 ** (failures - 1));
  return Math.ceil(most / 2 + (random * most) / 2);
}

/**
 * A longer request to wait is reduced to this: a day is rarely meant, and an API that means it asks again in the next
 * answer. Milliseconds.
 */
export const maxRetryAfterMs = 15 * 60 * 1000;

/**
 * `Retry-After` as milliseconds from now: delay seconds or an HTTP date (RFC 9110, 10.2.3). A date is in the API's time,
 * so it is taken relative to the answer's own `Date`, if present. Undefined if it is missing or invalid.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number, dateHeader = ''): number | undefined {
  const text = header?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(maxRetryAfterMs, Math.ceil(Number(text) * 1000));
  const atMs = parseHttpDate(text);
  if (Number.isNaN(atMs)) return undefined;
  const answeredAtMs = parseHttpDate(dateHeader.trim());
  return Math.min(maxRetryAfterMs, Math.max(0, atMs - (Number.isNaN(answeredAtMs) ? nowMs : answeredAtMs)));
}

/** NaN if it is not an HTTP date. It begins with a day's name; Date.parse alone would also accept '-5' and the like. */
function parseHttpDate(text: string): number {
  return /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : NaN;
}
