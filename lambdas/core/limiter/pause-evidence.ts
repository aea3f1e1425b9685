import * as z from 'zod';

/**
 * Does the API ask everybody to wait, or does it say so to one record each time? The answers look the same. The difference
 * is how others fare: all consumers count in the limiter's shared item how many requests passed and how many pauses were
 * asked for, and what follows from it for a record travels with its batch, since each attempt may run in a new process.
 */

/** Counted over all consumers since the API was first used. */
export interface OthersCount {
  /** Requests that the API took a decision on. */
  passes: number;
  /** Pauses that it asked for, without those of records that are known to ask again and again. */
  pauses: number;
}

/** What is known of a record for which the API has asked to wait. */
export interface PauseEvidence extends OthersCount {
  /** How unlikely it is that the API has meant everybody: in so many cases of ten to the power of this, it has once. */
  digits: number;
  /** When it asked for the first time since others passed. Milliseconds since 1970. */
  sinceMs: number;
  /** The record is not sent again before then. Milliseconds since 1970. */
  untilMs: number;
}

/** From there on the pauses are the record's own: once in some 15,000 cases that is wrong, and then it costs a try. */
const ownDigits = 4.2;

/**
 * From there on others are not judged by them: several such records in one batch would hide each other.
 */
const dubiousDigits = 0.9;

/**
 * A record with nothing else beside it has nobody to be compared with. If the API still asks it to wait after this time,
 * longer than maintenance takes, its tries are charged. Milliseconds.
 */
const longestWaitMs = 6 * 3_600_000;

/** After a long pause, others go first for so long: how they fare is what the next pause is judged by. Milliseconds. */
export const othersFirstMs = 30_000;

/**
 * The API asks to wait, once more. While a share of all requests is answered so, a healthy record is as well, each time
 * with that share's chance.
 * @param before undefined where it is the first time
 */
export function judgePause(
  before: PauseEvidence | undefined,
  { passes: passesNow, pauses: pausesNow }: OthersCount,
  nowMs: number,
): PauseEvidence {
  const counts = { passes: passesNow, pauses: pausesNow };
  if (!before) return { digits: 0, ...counts, sinceMs: nowMs, untilMs: nowMs };
  // Less than before: the shared item began anew.
  const passes = Math.max(0, passesNow - before.passes);
  const pauses = Math.max(0, pausesNow - before.pauses);
  const share = (pauses + 1) / (passes + pauses + 1);
  // Somebody passes: there is somebody to be compared with.
  const sinceMs = passes > 0 ? nowMs : before.sinceMs;
  return { ...before, ...counts, sinceMs, digits: before.digits - Math.log10(share) };
}

/** Of a record that was found before to be what the pauses are about. */
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

/** A message has room for so many: about 2.5 KB. */
const mostCarried = 40;

/** Of many, those about which the most is known. */
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
