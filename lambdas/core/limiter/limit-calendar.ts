import * as z from 'zod';
import { dayMs, instantsOf, localMidnightOf } from '../deadlines/feed-deadline.ts';
import { sha256Of } from '../records/identity.ts';

/** Times of day at which an API allows less, for example while its other users need it. */

export const weekDays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type WeekDay = (typeof weekDays)[number];

const minuteOfDay = z.int().min(0).max(1439);

const calendarEntry = z.object({
  /** Minutes after midnight. An entry that ends before it begins goes on past midnight. */
  from: minuteOfDay,
  to: minuteOfDay,
  /** The days on which it begins; without them every day. */
  days: z.array(z.enum(weekDays)).min(1).optional(),
  /** Per window. */
  requests: z.int().positive(),
});

export const limitCalendar = z.object({
  /** IANA name: it includes daylight saving. */
  timeZone: z.string().min(1),
  entries: z.array(calendarEntry).min(1),
});
export type LimitCalendar = z.infer<typeof limitCalendar>;

/**
 * How long after a change of the policy a window may still see requests of the one before: consumers have leased that far
 * ahead. Milliseconds.
 */
export const policyLagMs = 5_000;

interface Span {
  fromMs: number;
  toMs: number;
  requests: number;
}

/**
 * The calendar's limit at a time, and when it changes next. A decrease comes one window and 5 s early, so that no window
 * that reaches into the entry's time sees more than it allows; an increase comes 5 s late. Where entries overlap, the lowest
 * applies.
 * @returns `requests` undefined: as deployed. `until` undefined: never again
 */
export function calendarAt(
  calendar: LimitCalendar,
  windowSeconds: number,
  now: number,
): { requests: number | undefined; until: number | undefined } {
  const spans = spansAround(calendar, windowSeconds * 1000, now);
  const requestsAt = (atMs: number): number =>
    Math.min(
      Infinity,
      ...spans.filter(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs).map((span) => span.requests),
    );
  const current = requestsAt(now);
  const changes = spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs]).filter((atMs) => atMs > now);
  const until = changes.sort((a, b) => a - b).find((atMs) => requestsAt(atMs) !== current);
  return { requests: Number.isFinite(current) ? current : undefined, until };
}

/** A week's entries and the days around it: an entry of one weekday comes again after seven days. */
function spansAround({ timeZone, entries }: LimitCalendar, windowMs: number, now: number): Span[] {
  const midnight = localMidnightOf(timeZone, now);
  const days = Array.from({ length: 12 }, (_, nth) => midnight + (nth - 2) * dayMs);
  return days.flatMap((localDay) => {
    const weekDay = weekDays[new Date(localDay).getUTCDay()] as WeekDay;
    return entries
      .filter((entry) => entry.days?.includes(weekDay) ?? true)
      .map(({ from, to, requests }) => {
        const localEnd = localDay + to * 60_000 + (to <= from ? dayMs : 0);
        // If the clock shows a time twice, the entry's time is the longer one.
        const [begins] = instantsOf(timeZone, localDay + from * 60_000);
        const [, ends] = instantsOf(timeZone, localEnd);
        return { fromMs: begins - windowMs - policyLagMs, toMs: ends + policyLagMs, requests };
      });
  });
}

/** Short, and different for each calendar: an item says by which one it was written. Empty without one. */
export function calendarMark(calendar: LimitCalendar | undefined): string {
  if (!calendar) return '';
  const entries = calendar.entries.map(({ from, to, days = [], requests }) => [from, to, days, requests]);
  return sha256Of(JSON.stringify([calendar.timeZone, entries])).slice(0, 8);
}
