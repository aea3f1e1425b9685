import type { Check as ItemCheck, ItemChange } from '../ledger/item-change.ts';
import type { BreakerReason, TokenFault } from './breaker.ts';
import { maxShiftShare } from './late-arrivals.ts';
import type { BreakerAnswer } from './breaker-answer.ts';
import { absentAnswerNames, answerAttributes } from './breaker-answer.ts';
import { markNames, restartedMark } from './measured-rate.ts';
import { breakerPauseMs, probeLeaseMs, sharedOutage, suspectProbeDelayMs } from './breaker.ts';

/**
 * The state that all consumers of an API share: one item. Times are milliseconds since 1970 with fractions. This file has
 * every change to it, each with its conditions; a store only has to apply a change atomically.
 */
export interface LimiterItem {
  /** The next free send time (theoretical arrival time). */
  tat?: number;
  /** When shifts of the line may start again: see `moveLine`. */
  shiftedUntil?: number;
  /** From `Retry-After`: no consumer leases a slot before then. */
  pausedUntil?: number;
  breaker?: 'closed' | 'open';
  /** The reason and the progress of the current opening. */
  reason?: BreakerReason;
  /** The file of the record whose answer opened it. */
  openedBy?: string;
  openUntil?: number;
  openedAt?: number;
  /** What the API answered when it opened, or to the latest probe: see breaker-answer.ts. */
  answerStatus?: number;
  answer?: string;
  failedProbes?: number;
  probeOwner?: string;
  probeUntil?: number;
  /** 1 after a batch was given up in this opening. */
  flushed?: number;
  /** Records that failed since the last success reported by any consumer; and when the first of them failed. */
  outageRecords?: number;
  outageSince?: number;
  /** Consecutive probes by records that had failed before, because there were no others. */
  loneProbes?: number;
  /** When the last request was sent that a consumer reported as accepted; and the version of the secret that it used. */
  acceptedAt?: number;
  acceptedWith?: string;
  /** When a consumer last asked for that report. */
  askedAt?: number;
  /** Requests that the API decided on, counted with each lease; and pauses that it asked for: see pause-evidence.ts. */
  passes?: number;
  pauses?: number;
  /** Two times while records were sent, and `passes` at them: see measured-rate.ts. */
  markedAt?: number;
  markedPasses?: number;
  priorAt?: number;
  priorPasses?: number;
  /** Records that were refused since the last reported acceptance, over all consumers: reported with each lease. */
  refusals?: number;
  /** The number of the policy, raised by each decision (see policy-changes.ts): every lease and probe names it. 0 if absent. */
  policy?: number;
  /** Requests per window by the policy; absent: as deployed. And from where, if not from the deployment. */
  requests?: number;
  /** The window of a person's `requests`: a deploy may change the API's. Absent: as deployed. */
  windowSeconds?: number;
  setBy?: 'operator' | 'calendar';
  /** When the next policy begins: a consumer that finds this time passed writes it. */
  until?: number;
  /** Names the calendar that the policy was made by: see `calendarMark`. */
  calendar?: string;
  /** By feed: since when an operator has paused it. Who and why is in the item beside, so that this one stays small. */
  pausedFeeds?: Record<string, number>;
}

export type LimiterAttribute = keyof LimiterItem;
export type LimiterNumber = Exclude<
  LimiterAttribute,
  'breaker' | 'reason' | 'openedBy' | 'answer' | 'probeOwner' | 'acceptedWith' | 'setBy' | 'calendar' | 'pausedFeeds'
>;

type Check = ItemCheck<LimiterAttribute>;

/** Undefined values are left out. */
export type LimiterValues = { [Name in LimiterAttribute]?: LimiterItem[Name] | undefined };

export interface LimiterChange extends ItemChange {
  when: Check[];
  set?: LimiterValues;
  add?: Partial<Record<LimiterNumber, number>>;
  remove?: LimiterAttribute[];
}

const isClosed: Check = { name: 'breaker', is: '=', value: 'closed', orAbsent: true };
const isOpen: Check = { name: 'breaker', is: '=', value: 'open' };
/** The caller acts by this policy: refused if another one has been decided. */
export const hasPolicy = (number: number): Check =>
  number === 0 ? { name: 'policy', is: 'absent' } : { name: 'policy', is: '=', value: number };
const noOutage = { outageRecords: 0 };
const isNotPaused = (now: number): Check => ({ name: 'pausedUntil', is: '<=', value: now, orAbsent: true });

export interface LeaseWish {
  spanMs: number;
  /** The line is not joined if its end is further ahead. */
  aheadMs: number;
  /** The policy by which the span was computed. */
  policy: number;
  /** A request of the caller has succeeded since its last lease: any failure is not an outage. */
  isUp: boolean;
  /** The caller's last request that the API accepted. */
  accepted?: Accepted | undefined;
  /** The number of the caller's requests that the API has decided on since its last lease. */
  passes?: number;
  /** The number of its records that were refused since then with one status, if none was accepted. */
  refusals?: number;
}

export interface Accepted {
  sentAtMs: number;
  /** The version of the secret that it was sent with, if known. */
  secretVersion?: string | undefined;
}

function reportOf({ sentAtMs, secretVersion = '' }: Accepted): Partial<LimiterItem> {
  return { acceptedAt: sentAtMs, acceptedWith: secretVersion };
}

/** A lease's report to other consumers, at no extra cost. */
function newsOf({ isUp, accepted, passes = 0, refusals = 0 }: LeaseWish): Pick<LimiterChange, 'set' | 'add'> {
  return {
    set: { ...(isUp && noOutage), ...(accepted && { ...reportOf(accepted), refusals: 0 }) },
    add: { ...(passes > 0 && { passes }), ...(!accepted && refusals > 0 && { refusals }) },
  };
}

/** The line is in use: its end moves on. */
export function joinLine(now: number, wish: LeaseWish): LimiterChange {
  const { spanMs, aheadMs, policy } = wish;
  const { set, add } = newsOf(wish);
  return {
    when: [
      { name: 'tat', is: '>=', value: now },
      { name: 'tat', is: '<=', value: now + aheadMs },
      hasPolicy(policy),
      isClosed,
      isNotPaused(now),
    ],
    add: { ...add, tat: spanMs },
    ...(set && { set }),
  };
}

/**
 * The line is idle: it starts when the answer to this write is expected. If it began now and the table were slow, a few
 * slots would have passed by then, and so would those of every further lease.
 * @param seen the item as it was read
 */
export function beginLine(now: number, answerMs: number, wish: LeaseWish, seen: LimiterItem): LimiterChange {
  const { set, add } = newsOf(wish);
  const mark = restartedMark(now, wish.passes ?? 0, seen);
  return {
    when: [{ name: 'tat', is: '<', value: now, orAbsent: true }, hasPolicy(wish.policy), isClosed, isNotPaused(now)],
    set: { ...set, ...mark.set, tat: now + answerMs + wish.spanMs },
    ...(add && { add }),
    ...(mark.remove && { remove: mark.remove }),
  };
}

/**
 * Moves the line's end, unless all consumers together have moved it by more than `maxShiftShare` of a window within one.
 * The sum of their shifts is stored like the line itself: as a time that each shift moves on; a shift is refused if that
 * time is a window ahead.
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

/** The same if there was no shift for a window. */
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

/** Never shortens a pause. @param counts false if the record is known to ask again and again */
export function pauseLine(until: number, counts: boolean): LimiterChange {
  return {
    when: [{ name: 'pausedUntil', is: '<', value: until, orAbsent: true }],
    set: { pausedUntil: until },
    ...(counts && { add: { pauses: 1 } }),
  };
}

/** What must hold to open the breaker, beyond that it is closed. */
export interface OpeningCondition {
  /** No consumer has reported an accepted request that was sent from then on. */
  acceptedBefore: number;
  /** Only requests with this version of the secret count. */
  secretVersion?: string | undefined;
}

/** The answer that opens the breaker. */
export interface OpenedBy {
  /** The file of the record that was answered. */
  file?: string | undefined;
  answer?: BreakerAnswer | undefined;
}

/** Whether another consumer's request is evidence against opening the breaker. */
export function othersPass(
  { acceptedAt = -Infinity, acceptedWith }: LimiterItem,
  condition: OpeningCondition,
): boolean {
  if (acceptedAt < condition.acceptedBefore) return false;
  if (!('secretVersion' in condition)) return true;
  return condition.secretVersion !== undefined && condition.secretVersion === acceptedWith;
}

/**
 * @param by the file of the record whose answer opens it, and that answer
 * @param seen if the decision depends on other consumers' reports: the item that was read; refused if there are newer
 * reports
 */
export function openBreaker(
  now: number,
  reason: BreakerReason,
  { file = '', answer }: OpenedBy = {},
  seen?: LimiterItem,
): LimiterChange {
  const noNews: Check[] = seen ? [{ name: 'acceptedAt', is: '<=', value: seen.acceptedAt ?? 0, orAbsent: true }] : [];
  return {
    when: [isClosed, ...noNews],
    set: {
      ...{ breaker: 'open', reason, openedBy: file, openedAt: now, openUntil: now + breakerPauseMs, failedProbes: 0 },
      ...answerAttributes(answer),
    },
    remove: [
      ...(['probeOwner', 'probeUntil', 'flushed', 'outageRecords', 'outageSince', 'loneProbes', 'refusals'] as const),
      ...absentAnswerNames(answer),
    ],
  };
}

/** A consumer asks whether others' requests are accepted. */
export function requestReports(now: number): LimiterChange {
  return { when: [isClosed], set: { askedAt: now } };
}

/** The answer to that, if no lease carries it. */
export function reportAccepted(accepted: Accepted, passes: number): LimiterChange {
  return { when: [isClosed], set: { ...noOutage, ...reportOf(accepted) }, add: { passes } };
}

/** The consumer that wants to send. */
export interface Prober {
  /** All its records have failed before. */
  isSuspect: boolean;
  /** The API has asked to wait for all its records: other records that failed before are better probes. */
  asksToWait?: boolean;
  /** The file of its records. */
  file?: string;
}

/** From when on the open breaker lets one request through: a probe is an ordinary request and takes a slot. */
export function probeFrom(item: LimiterItem, { isSuspect: hasFailed, asksToWait, file }: Prober): number {
  // If everything is refused, the file may be the cause.
  const isSuspect = hasFailed || (item.reason === 'refusing' && item.openedBy === file);
  const openUntil = (item.openUntil ?? 0) + (isSuspect ? suspectProbeDelayMs * (asksToWait ? 2 : 1) : 0);
  return Math.max(openUntil, item.probeUntil ?? 0, item.pausedUntil ?? 0, item.tat ?? 0);
}

export function takeProbe(now: number, owner: string, spacingMs: number, policy: number): LimiterChange {
  return {
    when: [
      isOpen,
      hasPolicy(policy),
      { name: 'openUntil', is: '<=', value: now },
      { name: 'probeUntil', is: '<=', value: now, orAbsent: true },
      { name: 'tat', is: '<=', value: now, orAbsent: true },
      isNotPaused(now),
    ],
    set: { probeOwner: owner, probeUntil: now + probeLeaseMs, tat: now + spacingMs },
  };
}

/** The line begins again after the probe, which may have been sent later than at its slot: a token is read before it. */
export function closeBreaker(now: number, owner: string, spacingMs: number): LimiterChange {
  return {
    when: [isOpen, { name: 'probeOwner', is: '=', value: owner }],
    set: { breaker: 'closed', tat: now + spacingMs },
    remove: [
      ...(['probeOwner', 'probeUntil', 'openUntil', 'failedProbes', 'reason', 'openedBy', 'flushed'] as const),
      ...(['loneProbes', 'openedAt', 'answerStatus', 'answer'] as const),
      // The time without requests does not count towards the measured rate.
      ...markNames,
    ],
  };
}

export interface FailedProbe {
  /** Its record had failed before. */
  isSuspect: boolean;
  /** False if the API gives a time to retry: waiting is not a failure. */
  hasFailed: boolean;
  answer?: BreakerAnswer | undefined;
  /** Another reason than the one for which it opened. */
  reason?: TokenFault | undefined;
}

export function keepOpen(now: number, owner: string, probe: FailedProbe): LimiterChange {
  const { isSuspect, hasFailed, answer, reason } = probe;
  return {
    when: [isOpen, { name: 'probeOwner', is: '=', value: owner }],
    set: {
      openUntil: now + breakerPauseMs,
      ...(!isSuspect && { loneProbes: 0 }),
      ...(reason && { reason }),
      ...answerAttributes(answer),
    },
    add: { failedProbes: hasFailed ? 1 : 0, ...(isSuspect && { loneProbes: 1 }) },
    remove: ['probeOwner', 'probeUntil', ...absentAnswerNames(answer)],
  };
}

/** For the one batch per opening that is given up. */
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

/** One more record failed; refused if there is no run that it can belong to. */
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

/** The first record of a run. */
export function beginOutage(now: number): LimiterChange {
  return { when: [isClosed], set: { outageRecords: 1, outageSince: now } };
}

export function forgetOutage(): LimiterChange {
  return { when: [{ name: 'outageRecords', is: '>=', value: 1 }], set: noOutage };
}

/** Whether the count is sufficient to open. */
export function isOutage({ outageRecords = 0, outageSince = Infinity }: LimiterItem, now: number): boolean {
  return outageRecords >= sharedOutage.records && now - outageSince >= sharedOutage.shortestMs;
}
