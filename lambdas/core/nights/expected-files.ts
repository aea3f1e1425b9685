import * as z from 'zod';
import { keyOnDay, parseExpectedKey } from '../../../feeds/expected-key.ts';
import { dayMs, feedDeadline, instantsOf, localMidnightOf } from '../deadlines/feed-deadline.ts';
import { weekDays } from '../limiter/limit-calendar.ts';

/** Files that should arrive each day by a time, as the deployment's settings have them. */

/** Its settings have the time as text: `02:00 America/New_York`. */
function parseBy(text: string): unknown {
  const [, hour, minute, timeZone] = /^([0-9]{2}):([0-9]{2}) (.+)$/.exec(text) ?? [];
  return { hour: Number(hour), minute: Number(minute), timeZone };
}

export const expectedFile = z.object({
  /** What people call it; unique in its feed. */
  name: z.string().min(1),
  /** See feeds/expected-key.ts; its dates count from the day of `by`. */
  key: z.string().min(1),
  by: z.string().transform(parseBy).pipe(feedDeadline),
  /** The days of `by` on which it is expected; without them every day. */
  days: z.array(z.enum(weekDays)).min(1).optional(),
  /** It must have at least as many. */
  records: z.int().positive().default(1),
});
export type ExpectedFile = z.infer<typeof expectedFile>;

/** What is expected by one time. Times are milliseconds since 1970. */
export interface DueFile {
  name: string;
  /** The day of `by` where its clock is: `2026-11-29`. */
  day: string;
  dueAt: number;
  timeZone: string;
  /** With that day's dates: `WABC_20261130*.csv`. */
  key: string;
  records: number;
  /** Only a file that arrives after this, and not after `arrivesUntil`, is meant. */
  arrivesAfter: number;
  arrivesUntil: number;
}

/** A key with a date says for which day the file is: it may come that much earlier or later than `by`. */
const datedReachMs = 14 * dayMs;

/**
 * How far away the next time is looked for: mostly on the next day; at the furthest it is on one weekday alone, in a week
 * that lost a day to the date line.
 */
const neighbourMs = [2 * dayMs, 16 * dayMs];

/**
 * What is due after one time and up to another, in the order of time. Daylight saving: a `by` that clocks skip is due when
 * they have passed it, one that they show twice the first time.
 */
export function dueBetween(expected: readonly ExpectedFile[], afterMs: number, untilMs: number): DueFile[] {
  return expected.flatMap((file) => duesOf(file, afterMs, untilMs)).sort((a, b) => a.dueAt - b.dueAt);
}

function duesOf(file: ExpectedFile, afterMs: number, untilMs: number): DueFile[] {
  const key = parseExpectedKey(file.key);
  return daysDue(file, afterMs, untilMs).map(({ localDay, dueAt }) => ({
    name: file.name,
    day: new Date(localDay).toISOString().slice(0, 10),
    dueAt,
    timeZone: file.by.timeZone,
    key: keyOnDay(key, localDay),
    records: file.records,
    ...(key.isDated
      ? { arrivesAfter: dueAt - datedReachMs, arrivesUntil: dueAt + datedReachMs }
      : nearestTo(file, dueAt)),
  }));
}

/** Without a date in its key, a file is taken for the `by` nearest to its arrival. */
function nearestTo(file: ExpectedFile, dueAt: number): Pick<DueFile, 'arrivesAfter' | 'arrivesUntil'> {
  const before = firstIn((reach) => daysDue(file, dueAt - reach, dueAt - 1).at(-1)?.dueAt) ?? dueAt - dayMs;
  const after = firstIn((reach) => daysDue(file, dueAt, dueAt + reach)[0]?.dueAt) ?? dueAt + dayMs;
  return { arrivesAfter: Math.floor((before + dueAt) / 2), arrivesUntil: Math.floor((dueAt + after) / 2) };
}

function firstIn(look: (reach: number) => number | undefined): number | undefined {
  for (const reach of neighbourMs) {
    const found = look(reach);
    if (found !== undefined) return found;
  }
  return undefined;
}

function daysDue(
  { by, days }: Pick<ExpectedFile, 'by' | 'days'>,
  afterMs: number,
  untilMs: number,
): { localDay: number; dueAt: number }[] {
  const found: { localDay: number; dueAt: number }[] = [];
  // From the day before to the day after: clocks may repeat or skip a day's end.
  const last = localMidnightOf(by.timeZone, untilMs) + dayMs;
  for (let localDay = localMidnightOf(by.timeZone, afterMs) - dayMs; localDay <= last; localDay += dayMs) {
    const weekDay = weekDays[new Date(localDay).getUTCDay()];
    if (days && !days.some((day) => day === weekDay)) continue;
    const [dueAt] = instantsOf(by.timeZone, localDay + (by.hour * 60 + by.minute) * 60_000);
    if (dueAt > afterMs && dueAt <= untilMs && exists(by.timeZone, localDay)) found.push({ localDay, dueAt });
  }
  return found;
}

/** Not if the place moved across the date line: then its calendar has no such day, which shows at noon. */
function exists(timeZone: string, localDay: number): boolean {
  const [noon] = instantsOf(timeZone, localDay + dayMs / 2);
  return localMidnightOf(timeZone, noon) === localDay;
}
