import type { Check } from '../ledger/item-change.ts';

/**
 * How many requests per second an API has decided on lately, over all consumers. `passes` in the limiter's item counts
 * them; two marks say when it had which value. A lease moves the marks on, so that the older one is 15 to 30 seconds old
 * while records are sent. Only a time in which records were waiting shows what the API can do: otherwise the rate at which
 * files arrive is measured.
 */

/** The part of the limiter's item that it takes. */
interface Marks {
  markedAt?: number;
  markedPasses?: number;
  priorAt?: number;
  priorPasses?: number;
}
interface MarkedItem extends Marks {
  tat?: number;
  passes?: number;
  breaker?: 'closed' | 'open';
  pausedUntil?: number;
}

interface MarkChange {
  when: Check<keyof Marks>[];
  set: Marks;
}

/** The later mark is moved on after this. Milliseconds. */
const markEveryMs = 15_000;
/** A shorter time gives no reliable rate. Milliseconds. */
const shortestMs = 8_000;
/** Nor do fewer requests. */
const fewestPasses = 8;

/** Without a lease for this long, a consumer that begins to send finds an idle line. Milliseconds. */
const idleMs = 5_000;
/** So does a consumer that has been sending: longer than a request may take. Milliseconds. */
const longIdleMs = 45_000;

export const markNames = ['markedAt', 'markedPasses', 'priorAt', 'priorPasses'] as const;

/** A line that was idle is measured from now on. @param passes those that the lease reports */
export function restartedMark(
  now: number,
  passes: number,
  seen: MarkedItem,
): { set?: Marks; remove?: (keyof Marks)[] } {
  const forMs = now - (seen.tat ?? -Infinity);
  if (forMs < (passes === 0 ? idleMs : longIdleMs)) return {};
  return { set: { markedAt: now, markedPasses: (seen.passes ?? 0) + passes }, remove: ['priorAt', 'priorPasses'] };
}

/** Moves the marks on if it is time. @param leased the item after a lease */
export function movedMark(now: number, leased: MarkedItem): MarkChange | undefined {
  const { markedAt, markedPasses = 0, passes = 0 } = leased;
  const set = { markedAt: now, markedPasses: passes };
  if (markedAt === undefined) return { when: [{ name: 'markedAt', is: 'absent' }], set };
  if (now - markedAt < markEveryMs || passes - markedPasses < fewestPasses) return undefined;
  return {
    when: [{ name: 'markedAt', is: '=', value: markedAt }],
    set: { ...set, priorAt: markedAt, priorPasses: markedPasses },
  };
}

/**
 * Requests per second; undefined if they could not be measured.
 * @param allowedPerSecond what the limit allows: a slow line takes longer to measure
 * @param waitingSinceMs since when records have been waiting without a gap
 */
export function measuredPerSecond(
  item: MarkedItem,
  { allowedPerSecond, waitingSinceMs, now }: { allowedPerSecond: number; waitingSinceMs: number; now: number },
): number | undefined {
  const { markedAt, markedPasses = 0, priorAt, priorPasses = 0, passes = 0 } = item;
  if (markedAt === undefined) return undefined;
  const marked = { atMs: markedAt, passes: markedPasses };
  const prior = priorAt === undefined ? undefined : { atMs: priorAt, passes: priorPasses };
  // A pause does not make the API slow: the time before it counts.
  const isPaused = item.breaker === 'open' || (item.pausedUntil ?? 0) > now;
  const end = isPaused ? marked : { atMs: now, passes };
  for (const start of isPaused ? [prior] : [prior, marked]) {
    if (!start || start.atMs < waitingSinceMs) continue;
    const seconds = (end.atMs - start.atMs) / 1000;
    const passed = end.passes - start.passes;
    const isEnough = seconds * 1000 >= shortestMs && Math.max(passed, seconds * allowedPerSecond) >= fewestPasses;
    if (isEnough) return Math.max(0, passed / seconds);
  }
  return undefined;
}
