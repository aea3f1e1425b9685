import type { FeedDeadline } from '../deadlines/feed-deadline.ts';
import { dayMs, deadlineAfter } from '../deadlines/feed-deadline.ts';

/** A feed without a deadline has its nights from midnight to midnight. */
const midnight: FeedDeadline = { hour: 0, minute: 0, timeZone: 'UTC' };

/** An entry is written this long after its deadline: files that were just in time are closed by then. Milliseconds. */
const graceMs = 5 * 60_000;

/**
 * A deadline that is moved, or a clock that changes, must not make a night of an hour: a deadline that is closer to the
 * last one belongs to the same night. Milliseconds.
 */
const shortestNightMs = dayMs / 2;

/** The end of the night that begins at `from`. Milliseconds since 1970, as are all times here. */
export function nightEndAfter(from: number, deadline: FeedDeadline = midnight): number {
  return deadlineAfter(deadline, from + shortestNightMs - 1);
}

/** When the entry of the night that begins at `from` is to be written. */
export const nightDueAt = (from: number, deadline: FeedDeadline | undefined): number =>
  nightEndAfter(from, deadline) + graceMs;

/** The last deadline that has come: where a feed's first night begins. */
export function nightBegun(now: number, deadline: FeedDeadline = midnight): number {
  // Between two deadlines are at most two days, where a zone leaves out a whole day.
  let begun = deadlineAfter(deadline, now - 3 * dayMs);
  for (let next = begun; next <= now; next = deadlineAfter(deadline, next)) begun = next;
  return begun;
}
