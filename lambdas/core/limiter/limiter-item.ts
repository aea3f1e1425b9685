import type { Check as ItemCheck, ItemChange } from '../ledger/item-change.ts';
import type { BreakerReason } from './breaker.ts';
import { maxShiftShare } from './late-arrivals.ts';
import { breakerPauseMs, probeLeaseMs, sharedOutage, suspectProbeDelayMs } from './breaker.ts';

/**
 * What all consumers of an API share: one item. Times are milliseconds since 1970 with fractions. This file is every
 * change that is made to it, each with what must hold for it; a store only has to make them in one step.
 */
export interface LimiterItem {
  /** The next free send time (theoretical arrival time). */
  tat?: number;
  /** When shifts of the line may begin anew: see `moveLine`. */
  shiftedUntil?: number;
  /** What `Retry-After` asked for: nobody leases a slot before then. */
  pausedUntil?: number;
  breaker?: 'closed' | 'open';
  /** Why this opening began, and how it goes. */
  reason?: BreakerReason;
  /** The file whose record's answer was the last straw. */
  openedBy?: string;
  openUntil?: number;
  failedProbes?: number;
  probeOwner?: string;
  probeUntil?: number;
  /** 1 once a batch was given up in this opening. */
  flushed?: number;
  /** Records that failed since anybody heard of one that did not, over all consumers; and when the first of them did. */
  outageRecords?: number;
  outageSince?: number;
  /** Probes in a row that were made by records that had failed before, for want of others. */
  loneProbes?: number;
  /** When the last request was sent that anybody told the API took; and with which version of the secret. */
  acceptedAt?: number;
  acceptedWith?: string;
  /** When somebody last wanted to know that. */
  askedAt?: number;
  /** Requests that the API took a decision on, counted with each lease; and pauses that it asked for: see pause-evidence.ts. */
  passes?: number;
  pauses?: number;
  /** Records that were refused since anybody told of one that was accepted, over all consumers: told with each lease. */
  refusals?: number;
}

export type LimiterAttribute = keyof LimiterItem;
export type LimiterNumber = Exclude<
  LimiterAttribute,
  'breaker' | 'reason' | 'openedBy' | 'probeOwner' | 'acceptedWith'
>;

type Check = ItemCheck<LimiterAttribute>;

export interface LimiterChange extends ItemChange {
  when: Check[];
  set?: Partial<LimiterItem>;
  add?: Partial<Record<LimiterNumber, number>>;
  remove?: LimiterAttribute[];
}

const isClosed: Check = { name: 'breaker', is: '=', value: 'closed', orAbsent: true };
const isOpen: Check = { name: 'breaker', is: '=', value: 'open' };
const noOutage = { outageRecords: 0 };
const isNotPaused = (now: number): Check => ({ name: 'pausedUntil', is: '<=', value: now, orAbsent: true });

export interface LeaseWish {
  spanMs: number;
  /** The line is not joined where its end is further ahead. */
  aheadMs: number;
  /** A request of the caller has succeeded since its last lease: whatever fails, it is no outage. */
  isUp: boolean;
  /** The last request of the caller that the API took. */
  accepted?: Accepted | undefined;
  /** How many requests of the caller the API has taken a decision on since its last lease. */
  passes?: number;
  /** How many of its records were refused since then with one status, if none was accepted. */
  refusals?: number;
}

export interface Accepted {
  sentAtMs: number;
  /** The version of the secret that it was sent with, where that is known. */
  secretVersion?: string | undefined;
}

function toldOf({ sentAtMs, secretVersion = '' }: Accepted): Partial<LimiterItem> {
  return { acceptedAt: sentAtMs, acceptedWith: secretVersion };
}

/** What a lease tells the others, at no cost. */
function newsOf({ isUp, accepted, passes = 0, refusals = 0 }: LeaseWish): Pick<LimiterChange, 'set' | 'add'> {
  return {
    set: { ...(isUp && noOutage), ...(accepted && { ...toldOf(accepted), refusals: 0 }) },
    add: { ...(passes > 0 && { passes }), ...(!accepted && refusals > 0 && { refusals }) },
  };
}

/** The line is in use: its end moves on. */
export function joinLine(now: number, wish: LeaseWish): LimiterChange {
  const { spanMs, aheadMs } = wish;
  const { set, add } = newsOf(wish);
  return {
    when: [
      { name: 'tat', is: '>=', value: now },
      { name: 'tat', is: '<=', value: now + aheadMs },
      isClosed,
      isNotPaused(now),
    ],
    add: { ...add, tat: spanMs },
    ...(set && { set }),
  };
}

/**
 * The line is idle: it starts when the answer to this will be here. Begun now, a few slots would all have passed by then
 * where the table is slow, and so would those of every further lease.
 */
export function beginLine(now: number, answerMs: number, wish: LeaseWish): LimiterChange {
  const { set, add } = newsOf(wish);
  return {
    when: [{ name: 'tat', is: '<', value: now, orAbsent: true }, isClosed, isNotPaused(now)],
    set: { ...set, tat: now + answerMs + wish.spanMs },
    ...(add && { add }),
  };
}

/**
 * Moves the line's end, where all consumers together have not done so by more than `maxShiftShare` of a window within one.
 * What they have done is kept like the line itself: as a time that each shift moves on, refused where it is a window ahead.
 */
export function moveLine(now: number, ms: number, windowMs: number): LimiterChange {
  return {
    when: [
      { name: 'tat', is: '>=', value: now },
      { name: 'shiftedUntil', is: '>=', value: now },
      { name: 'shiftedUntil', is: '<=', value: now + windowMs - ms / maxShiftShare },
    ],
    add: { tat: ms, shiftedUntil: ms / maxShiftShare },
  };
}

/** The same where nobody has for a window. */
export function moveLineFirst(now: number, ms: number): LimiterChange {
  return {
    when: [
      { name: 'tat', is: '>=', value: now },
      { name: 'shiftedUntil', is: '<', value: now, orAbsent: true },
    ],
    add: { tat: ms },
    set: { shiftedUntil: now + ms / maxShiftShare },
  };
}

/** Never shortens a pause. @param counts the record that it is asked for is not known to ask again and again */
export function pauseLine(until: number, counts: boolean): LimiterChange {
  return {
    when: [{ name: 'pausedUntil', is: '<', value: until, orAbsent: true }],
    set: { pausedUntil: until },
    ...(counts && { add: { pauses: 1 } }),
  };
}

/** What has to be the case for the breaker to be opened, beyond that it is closed. */
export interface OpeningCondition {
  /** Nobody has told of a request that was sent from then on and taken. */
  acceptedBefore: number;
  /** Only those count that were sent with this version of the secret. */
  secretVersion?: string | undefined;
}

/** Whether somebody's request speaks against opening the breaker. */
export function othersPass(
  { acceptedAt = -Infinity, acceptedWith }: LimiterItem,
  condition: OpeningCondition,
): boolean {
  if (acceptedAt < condition.acceptedBefore) return false;
  if (!('secretVersion' in condition)) return true;
  return condition.secretVersion !== undefined && condition.secretVersion === acceptedWith;
}

/**
 * @param file whose record's answer was the last straw
 * @param seen where it depends on what others tell: the item that was looked at, refused where there is news since
 */
export function openBreaker(now: number, reason: BreakerReason, file = '', seen?: LimiterItem): LimiterChange {
  const noNews: Check[] = seen ? [{ name: 'acceptedAt', is: '<=', value: seen.acceptedAt ?? 0, orAbsent: true }] : [];
  return {
    when: [isClosed, ...noNews],
    set: { breaker: 'open', reason, openedBy: file, openUntil: now + breakerPauseMs, failedProbes: 0 },
    remove: ['probeOwner', 'probeUntil', 'flushed', 'outageRecords', 'outageSince', 'loneProbes', 'refusals'],
  };
}

/** Somebody wants to know whether others' requests are taken. */
export function askOthers(now: number): LimiterChange {
  return { when: [isClosed], set: { askedAt: now } };
}

/** The answer, where no lease carries it. */
export function tellAccepted(accepted: Accepted, passes: number): LimiterChange {
  return { when: [isClosed], set: { ...noOutage, ...toldOf(accepted) }, add: { passes } };
}

/** Who wants to send. */
export interface Prober {
  /** All that it has to send has failed before. */
  isSuspect: boolean;
  /** The API has asked to wait for all that it has to send: others that failed before are the better probes. */
  asksToWait?: boolean;
  /** The file that it is of. */
  file?: string;
}

/** From when on the open breaker lets one request through: a probe is one like any other and takes a slot. */
export function probeFrom(item: LimiterItem, { isSuspect: hasFailed, asksToWait, file }: Prober): number {
  // Where everything is refused, it may be for the file's sake.
  const isSuspect = hasFailed || (item.reason === 'refusing' && item.openedBy === file);
  const openUntil = (item.openUntil ?? 0) + (isSuspect ? suspectProbeDelayMs * (asksToWait ? 2 : 1) : 0);
  return Math.max(openUntil, item.probeUntil ?? 0, item.pausedUntil ?? 0, item.tat ?? 0);
}

export function takeProbe(now: number, owner: string, spacingMs: number): LimiterChange {
  return {
    when: [
      isOpen,
      { name: 'openUntil', is: '<=', value: now },
      { name: 'probeUntil', is: '<=', value: now, orAbsent: true },
      { name: 'tat', is: '<=', value: now, orAbsent: true },
      isNotPaused(now),
    ],
    set: { probeOwner: owner, probeUntil: now + probeLeaseMs, tat: now + spacingMs },
  };
}

export function closeBreaker(owner: string): LimiterChange {
  return {
    when: [isOpen, { name: 'probeOwner', is: '=', value: owner }],
    set: { breaker: 'closed' },
    remove: ['probeOwner', 'probeUntil', 'openUntil', 'failedProbes', 'reason', 'openedBy', 'flushed', 'loneProbes'],
  };
}

/**
 * @param isSuspect the probe was made by a record that had failed before
 * @param hasFailed false where the API names a time to come back: waiting is not failing
 */
export function keepOpen(now: number, owner: string, isSuspect: boolean, hasFailed = true): LimiterChange {
  return {
    when: [isOpen, { name: 'probeOwner', is: '=', value: owner }],
    set: { openUntil: now + breakerPauseMs, ...(!isSuspect && { loneProbes: 0 }) },
    add: { failedProbes: hasFailed ? 1 : 0, ...(isSuspect && { loneProbes: 1 }) },
    remove: ['probeOwner', 'probeUntil'],
  };
}

/** For the one batch an opening that is given up. */
export function takeFlush(failedProbes: number): LimiterChange {
  return {
    when: [
      isOpen,
      { name: 'failedProbes', is: '>=', value: failedProbes },
      { name: 'flushed', is: '<', value: 1, orAbsent: true },
    ],
    set: { flushed: 1 },
  };
}

/** One more record failed; refused where there is no run that it could belong to. */
export function countOutage(now: number): LimiterChange {
  return {
    when: [
      isClosed,
      { name: 'outageRecords', is: '>=', value: 1 },
      { name: 'outageSince', is: '>=', value: now - sharedOutage.longestMs },
    ],
    add: { outageRecords: 1 },
  };
}

/** The first of a run. */
export function beginOutage(now: number): LimiterChange {
  return { when: [isClosed], set: { outageRecords: 1, outageSince: now } };
}

export function forgetOutage(): LimiterChange {
  return { when: [{ name: 'outageRecords', is: '>=', value: 1 }], set: noOutage };
}

/** Whether what was counted is reason enough to open. */
export function isOutage({ outageRecords = 0, outageSince = Infinity }: LimiterItem, now: number): boolean {
  return outageRecords >= sharedOutage.records && now - outageSince >= sharedOutage.shortestMs;
}
