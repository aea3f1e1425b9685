import * as z from 'zod';

/**
 * Distinguishes an API that asks all requests to wait from one that asks a single record each time. The answers look the
 * same; the difference is what happens to other requests: all consumers count in the limiter's shared item how many
 * requests passed and how many pauses were asked for. The conclusions about a record travel with its batch, since each
 * attempt may run in a new process.
 */

/** Counted over all consumers since the API was first used. */
export interface OthersCount {
  /** Requests that the API decided on. */
  passes: number;
  /** Pauses that it asked for, without those of records that are known to ask again and again. */
  pauses: number;
}

/** What is known about a record for which the API has asked to wait. */
export interface PauseEvidence extends OthersCount {
  /** How unlikely it is that the API meant all requests: the probability is ten to the power of minus this. */
  digits: number;
  /** When it first asked since others passed. Milliseconds since 1970. */
  sinceMs: number;
  /** The record is not sent again before then. Milliseconds since 1970. */
  untilMs: number;
}

/** From here on the pauses are the record's own: once in about 15,000 cases that is wrong, and then it costs a try. */
const ownDigits = 4.2;

/** From here on, other records are not judged by these pauses: several such records in one batch would hide each other. */
const dubiousDigits = 0.9;

/**
 * Others wait no longer than this for the pause of a dubious record, which itself waits as long as the API asked. If the
 * API did mean all requests, the next one is answered so, and its pause is kept in full. Milliseconds.
 */
export const longestDubiousPauseMs = 60_000;

/**
 * A record without any others can't be compared. If the API still asks it to wait after this time, which is longer than
 * maintenance takes, its tries are charged. Milliseconds.
 */
const longestWaitMs = 6 * 3_600_000;

/** After a long pause, others go first for this long: their results decide about the next pause. Milliseconds. */
export const othersFirstMs = 30_000;

/**
 * The API asks to wait once more. While a share of all requests is answered so, a healthy record is affected each time
 * with that share as its probability.
 * @param before undefined for the first time
 */
export function judgePause(
  before: PauseEvidence | undefined,
  { passes: passesNow, pauses: pausesNow }: OthersCount,
  nowMs: number,
): PauseEvidence {
  const counts = { passes: passesNow, pauses: pausesNow };
  if (!before) return { digits: 0, ...counts, sinceMs: nowMs, untilMs: nowMs };
  // Less than before: the shared item was created again.
  const passes = Math.max(0, passesNow - before.passes);
  const pauses = Math.max(0, pausesNow - before.pauses);
  const share = (pauses + 1) / (passes + pauses + 1);
  // Other requests pass, so a comparison is possible.
  const sinceMs = passes > 0 ? nowMs : before.sinceMs;
  return { ...before, ...counts, sinceMs, digits: before.digits - Math.log10(share) };
}

/** For a record that was found before to be the cause of the pauses. */
export function provenPause(nowMs: number): PauseEvidence {
  return { digits: ownDigits, passes: 0, pauses: 0, sinceMs: nowMs, untilMs: nowMs };
}

/** @param isAlone the batch has no record left that was never sent */
export function isOwnPause({ digits, sinceMs }: PauseEvidence, nowMs: number, isAlone: boolean): boolean {
  return digits >= ownDigits || (isAlone && nowMs - sinceMs >= longestWaitMs);
}

export function isDubious({ digits }: PauseEvidence): boolean {
  return digits >= dubiousDigits;
}

/** As it travels with a batch: place, digits, passes, pauses, since, until; times in seconds since 1970. */
export const carriedPause = z.tuple([
  z.int().nonnegative(),
  z.number().nonnegative(),
  z.int().nonnegative(),
  z.int().nonnegative(),
  z.int(),
  z.int(),
]);
export type CarriedPause = z.infer<typeof carriedPause>;

/** A message has room for this many: about 2.5 KB. */
const mostCarried = 40;

/** If there are too many, those with the most evidence. */
export function carryPauses(pauses: ReadonlyMap<number, PauseEvidence>): CarriedPause[] {
  return [...pauses]
    .sort(([, a], [, b]) => b.digits - a.digits)
    .slice(0, mostCarried)
    .map(([place, { digits, passes, pauses: asked, sinceMs, untilMs }]) => [
      place,
      Math.round(digits * 100) / 100,
      passes,
      asked,
      Math.floor(sinceMs / 1000),
      Math.ceil(untilMs / 1000),
    ]);
}

/** By place in the batch. */
export function pausesOf(carried: readonly CarriedPause[] = []): Map<number, PauseEvidence> {
  return new Map(
    carried.map(([place, digits, passes, pauses, since, until]) => [
      place,
      { digits, passes, pauses, sinceMs: since * 1000, untilMs: until * 1000 },
    ]),
  );
}
