import { z } from 'zod';
import { apiIdOf } from './api-id.ts';
import { isTimeZone, parseDeadline } from './deadline.ts';

/** Times of day at which an API allows less, as the functions read it (lambdas/core/limiter/limit-calendar.ts). */
export interface LimitCalendar {
  /** Empty if none was stated. */
  timeZone: string;
  /** Times in minutes after midnight. */
  entries: { from: number; to: number; days?: string[] | undefined; requests: number }[];
}

export const weekDay = z.enum(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']);

const timeOfDay = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'It must be a time of day from 00:00 to 23:59, such as 06:00');

/** As a stage's file has it. */
export const calendarEntries = z
  .array(
    z.strictObject({
      from: timeOfDay,
      to: timeOfDay,
      days: z.array(weekDay).min(1).optional(),
      requests: z.int().positive(),
    }),
  )
  .min(1);

export const calendarZone = z.string().refine(isTimeZone, 'It must be a time zone, such as America/New_York');

interface Given {
  limitCalendar?: z.infer<typeof calendarEntries> | undefined;
  limitTimeZone?: string | undefined;
  deadline?: string | undefined;
}

export function calendarOf({ limitCalendar, limitTimeZone, deadline = '' }: Given): LimitCalendar | undefined {
  if (!limitCalendar) return undefined;
  const entries = limitCalendar.map(({ from, to, ...rest }) => ({ ...rest, from: minutesOf(from), to: minutesOf(to) }));
  return { timeZone: limitTimeZone ?? parseDeadline(deadline)?.timeZone ?? '', entries };
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

interface CalendarFeed {
  name: string;
  api: {
    url?: string | undefined;
    requests: number;
    windowSeconds: number;
    isPaced: boolean;
    calendar?: LimitCalendar | undefined;
  };
}

/** No consumer sends slower than this share of its limit. */
const lowestShare = 0.01;

/** @param feeds of the stack, this one included */
export function* calendarFaults(feed: CalendarFeed, feeds: readonly CalendarFeed[]): Generator<string> {
  const { name, api } = feed;
  const { calendar, requests, windowSeconds } = api;
  const other = feeds.find((each) => apiIdOf(each) === apiIdOf(feed) && textOf(each) !== textOf(feed));
  if (other) {
    yield (
      `limitCalendar of the feed '${name}' is not that of the feed '${other.name}'; both use one API and share its limit, ` +
      `so it must be the same.`
    );
  }
  if (!calendar) return;
  if (!api.isPaced) {
    yield `limitCalendar is set for the feed '${name}', which is sent without a limit: there is none to lower. Remove it.`;
  }
  if (calendar.timeZone === '') {
    yield (
      `limitCalendar of the feed '${name}' has no time zone: set limitTimeZone, such as America/New_York, or a deadline, ` +
      `whose time zone it then has.`
    );
  }
  const lowest = Math.max(1, Math.ceil(requests * lowestShare));
  for (const entry of calendar.entries.filter((each) => each.requests > requests || each.requests < lowest)) {
    yield (
      `limitCalendar of the feed '${name}' has ${entry.requests} requests; it must be from ${lowest}, 1% of the limit, to ` +
      `${requests}, the API's limit in ${windowSeconds} s.`
    );
  }
}

const textOf = ({ api }: CalendarFeed): string => JSON.stringify(api.calendar ?? null);
