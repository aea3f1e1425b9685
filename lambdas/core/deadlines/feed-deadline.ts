import * as z from 'zod';

/** By when a feed's files must be through: a time of day where its people are, every day. */
export const feedDeadline = z.object({
  hour: z.int().min(0).max(23),
  minute: z.int().min(0).max(59),
  /** IANA name: daylight saving is its business. */
  timeZone: z.string().min(1),
});
export type FeedDeadline = z.infer<typeof feedDeadline>;

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/**
 * The first deadline after that time: what a file that came then has to keep. On a day whose clock skips the deadline's
 * time it is the moment of the skip; on one that has it twice, the first: never later than people could take it to be.
 * @returns milliseconds since 1970
 */
export function deadlineAfter(deadline: FeedDeadline, afterMs: number): number {
  const offsetAt = offsetsOf(deadline.timeZone);
  const localMidnight = Math.floor((afterMs + offsetAt(afterMs)) / dayMs) * dayMs;
  const timeOfDay = (deadline.hour * 60 + deadline.minute) * minuteMs;
  // The day before, too: clocks that go back near midnight repeat its end.
  for (let day = -1; ; day++) {
    const at = instantOf(localMidnight + day * dayMs + timeOfDay, offsetAt);
    if (at > afterMs) return at;
  }
}

type OffsetAt = (atMs: number) => number;

/** When a clock first shows a time, both as if of UTC, or has passed it. */
function instantOf(localMs: number, offsetAt: OffsetAt): number {
  const [before, after] = [offsetAt(localMs - dayMs), offsetAt(localMs + dayMs)];
  const candidates = [localMs - before, localMs - after].filter((at) => at + offsetAt(at) === localMs);
  if (candidates.length > 0) return Math.min(...candidates);
  // Skipped: the change lies between what the two offsets make of it.
  let [low, high] = [localMs - after, localMs - before];
  while (high - low > minuteMs) {
    const middle = Math.floor((low + high) / 2 / minuteMs) * minuteMs;
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** What the zone's clock is ahead of UTC by, in milliseconds. */
function offsetsOf(timeZone: string): OffsetAt {
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
