import * as z from 'zod';

/** When a feed's files must be done: a daily time in its people's time zone. */
export const feedDeadline = z.object({
  hour: z.int().min(0).max(23),
  minute: z.int().min(0).max(59),
  /** IANA name: it includes daylight saving. */
  timeZone: z.string().min(1),
});
export type FeedDeadline = z.infer<typeof feedDeadline>;

const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

/**
 * The first deadline after that time: the one that a file arriving then has to meet. On a day whose clock skips the
 * deadline's time, it is the moment of the skip; on a day that has the time twice, the first one: never later than people
 * may expect.
 * @returns milliseconds since 1970
 */
export function deadlineAfter(deadline: FeedDeadline, afterMs: number): number {
  const localMidnight = localMidnightOf(deadline.timeZone, afterMs);
  const timeOfDay = (deadline.hour * 60 + deadline.minute) * minuteMs;
  // Starts with the day before: clocks that go back near midnight repeat that day's end.
  for (let day = -1; ; day++) {
    const [at] = instantsOf(deadline.timeZone, localMidnight + day * dayMs + timeOfDay);
    if (at > afterMs) return at;
  }
}

/** The midnight before a moment, as that place's clocks show it: written as UTC, so that weekdays and days can be counted. */
export function localMidnightOf(timeZone: string, atMs: number): number {
  return Math.floor((atMs + offsetsOf(timeZone)(atMs)) / dayMs) * dayMs;
}

type OffsetAt = (atMs: number) => number;

/**
 * The moments at which a place's clocks first and last show a time (written as UTC): the same one, except when they go back.
 * For a time that is skipped: when they have passed it.
 */
export function instantsOf(timeZone: string, localMs: number): [first: number, last: number] {
  const offsetAt = offsetsOf(timeZone);
  const [before, after] = [offsetAt(localMs - dayMs), offsetAt(localMs + dayMs)];
  const candidates = [localMs - before, localMs - after].filter((at) => at + offsetAt(at) === localMs);
  if (candidates.length > 0) return [Math.min(...candidates), Math.max(...candidates)];
  // Skipped: the change is between the results of the two offsets.
  let [low, high] = [localMs - after, localMs - before];
  while (high - low > minuteMs) {
    const middle = Math.floor((low + high) / 2 / minuteMs) * minuteMs;
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return [high, high];
}

/** The zone's offset from UTC in milliseconds, positive if its clock is ahead. */
function offsetsOf(timeZone: string): OffsetAt {
  const known = offsets.get(timeZone) ?? newOffsetsOf(timeZone);
  offsets.set(timeZone, known);
  return known;
}

/** Cached: creating a format takes longer than using it. */
const offsets = new Map<string, OffsetAt>();

function newOffsetsOf(timeZone: string): OffsetAt {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (atMs) => {
    const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of format.formatToParts(atMs)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
  };
}
