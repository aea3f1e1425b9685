import type { BreakerReason, TokenFault } from '../core/limiter/breaker.ts';
import type { BreakerAnswer } from '../core/limiter/breaker-answer.ts';
import type { DeployedLimit, InForce } from '../core/limiter/limit-policy.ts';
import {
  hasOtherCalendar,
  isOver,
  limitOf,
  pausedSince,
  policyNumber,
  recheckAt,
} from '../core/limiter/limit-policy.ts';
import { leaseAheadMs, longestReachMs, slotSpacingMs, slotsOfASecond } from '../core/limiter/limiter.ts';
import type {
  Accepted,
  LimiterChange,
  LimiterItem,
  OpenedBy,
  OpeningCondition,
  Prober,
} from '../core/limiter/limiter-item.ts';
import {
  requestReports,
  beginLine,
  beginOutage,
  closeBreaker,
  countOutage,
  forgetOutage,
  isOutage,
  joinLine,
  keepOpen,
  moveLine,
  moveLineFirst,
  openBreaker,
  othersPass,
  pauseLine,
  probeFrom,
  takeFlush,
  takeProbe,
  reportAccepted,
} from '../core/limiter/limiter-item.ts';
import { movedMark } from '../core/limiter/measured-rate.ts';
import { continuePolicy } from '../core/limiter/policy-changes.ts';
import type { OthersCount } from '../core/limiter/pause-evidence.ts';
import { maxRetryAfterMs } from '../core/limiter/retry.ts';
import type { BreakerState, Clock, Limiter, LimiterStore, ProbeEnd, SharedRefusals, SlotLease } from '../ports.ts';

/** Consecutive refused writes due to contention before the caller must wait a little. */
const maxRounds = 5;

/** Consecutive faults of the store that are waited out: about half a minute, with the client's own retries. */
const maxFaults = 5;
const faultPauseMs = 1_000;

/** A waiting consumer checks again after this at the latest: before a full line of leases can run out. Milliseconds. */
const longestLookMs = 900;

/** A lease is as long as it can be after these. */
const mostDoublings = 3;

/** The table may take this long until a lease would be refused for its reach. Milliseconds. */
const answerRoomMs = 150;

/** A line of send times begins at most this far ahead, however slow the store is. Milliseconds. */
const longestAnswerMs = 2_000;

/** A consumer for which the line is far too long checks after this at the latest: the policy may change. Milliseconds. */
const longestPolicyLookMs = 4_000;

/** How often to check for the end of another consumer's probe. Milliseconds. */
const probeLookMs = 2_000;

/** A consumer that probes only if no other can is delayed by up to this. Milliseconds. */
const longestStrayMs = 5_000;

export interface SharedLimiterOptions {
  store: LimiterStore;
  clock: Pick<Clock, 'now'>;
  /** As deployed. `isPaced` false: requests may be sent at once, except for breaker and pauses. */
  limit: DeployedLimit;
  /** The consumer's feed: an operator may pause it alone. */
  feed: string;
  /** Called with each policy that is new to this process, before the first request by it. */
  onPolicy?: (item: LimiterItem, inForce: InForce) => void;
  /** A new name for each probe. */
  newId: () => string;
  random: () => number;
  /** The correction of this machine's clock if it is known to be wrong: the item's times are shared by all consumers. */
  correctionMs: () => number;
}

/** Send times and the breaker over one shared item: one conditional write per lease in the common case. */
export class SharedLimiter implements Limiter {
  readonly #options: SharedLimiterOptions;
  readonly #isPaced: boolean;
  #faults = 0;
  /** The item as it was read or written last: leases are made by its policy. */
  #known: LimiterItem = {};
  /** When that was, by the shared clock. */
  #knownAtMs = -Infinity;
  /** The number of the policy that was reported last. */
  #reported = 0;
  /** Each process compares the item's calendar with its own once: during a deploy, two versions would alternate. */
  #hasComparedCalendar = false;
  /** The item as it was seen last, if it is not written for each lease. */
  #seen: { item: LimiterItem; atMs: number } | undefined;
  /** The line's end after this consumer's last lease; and how many leases in a row have begun where the one before ended. */
  #lineEndMs = -Infinity;
  #leasesAlone = 0;
  #probe = '';
  #hasSucceeded = false;
  /** The acceptance that is not shared with the others yet. */
  #accepted: Accepted | undefined;
  #passes = 0;
  #refusals = 0;
  /** Over all consumers, as of the last lease. */
  #sharedRefusals = { count: 0, acceptedAtMs: -Infinity };

  constructor(options: SharedLimiterOptions) {
    this.#options = options;
    this.#isPaced = options.limit.isPaced ?? true;
  }

  /** @throws the store's error, after repeated faults */
  async leaseSlots(count: number, waitedMs: number, prober: Prober = { isSuspect: false }): Promise<SlotLease> {
    try {
      const lease = await (this.#isPaced ? this.#lease(count, waitedMs, prober) : this.#leaseFreely(count, prober));
      this.#faults = 0;
      return this.#inOwnTime(lease);
    } catch (error) {
      // A throttled table is a reason to wait, not to return the message as failed.
      if (++this.#faults > maxFaults) throw error;
      const pauseMs = faultPauseMs * (0.5 + this.#options.random());
      return this.#inOwnTime({ kind: 'wait', untilMs: this.#now() + pauseMs, paused: false });
    }
  }

  #inOwnTime(lease: SlotLease): SlotLease {
    const aheadMs = this.#options.correctionMs();
    if (lease.kind === 'leased') return { ...lease, firstSlotMs: lease.firstSlotMs - aheadMs };
    return lease.kind === 'wait' ? { ...lease, untilMs: lease.untilMs - aheadMs } : lease;
  }

  async #lease(wanted: number, waitedMs: number, prober: Prober): Promise<SlotLease> {
    const news = { isUp: this.#hasSucceeded, accepted: this.#accepted, passes: this.#passes, refusals: this.#refusals };
    // A consumer that had to wait reads first: a refused write costs more than a read. So does one whose feed was paused.
    const isToRead = waitedMs > 0 || this.#isPausedByOperator(this.#known);
    let { item, tookMs }: { item: LimiterItem | undefined; tookMs: number } = isToRead
      ? await this.#look()
      : { item: undefined, tookMs: 0 };
    for (let round = 0; round < maxRounds; round++) {
      const now = this.#now();
      if (this.#isPolicyDue(now)) {
        ({ item, tookMs } = await this.#continuePolicy(now));
        continue;
      }
      const stopped = item && this.#stopped(item, now);
      if (stopped) return stopped;
      if (item?.breaker === 'open') {
        this.#forgetRefusals();
        return this.#askToProbe(item, now, prober);
      }
      if (item && !this.#isLineAsLeft(item.tat)) this.#leasesAlone = 0;
      const wish = this.#wishOf(wanted, waitedMs, now, tookMs);
      const obstacle = item && this.#obstacle(item, now, wish.aheadMs, waitedMs);
      if (obstacle) return obstacle;
      const isIdle = item !== undefined && (item.tat === undefined || item.tat < now);
      const request = { ...wish, ...news };
      const leased = await this.#write(isIdle ? beginLine(now, tookMs, request, item ?? {}) : joinLine(now, request));
      if (leased) {
        this.#shared(news, leased);
        this.#moveMark(now, leased);
        const endMs = leased.tat ?? 0;
        const firstSlotMs = endMs - wish.spanMs;
        this.#leasesAlone = this.#isLineAsLeft(firstSlotMs) ? Math.min(this.#leasesAlone + 1, mostDoublings) : 0;
        this.#lineEndMs = endMs;
        return { kind: 'leased', firstSlotMs, spacingMs: wish.spacingMs, count: wish.count };
      }
      ({ item, tookMs } = await this.#look());
    }
    return { kind: 'wait', untilMs: this.#now() + 50 * (0.5 + this.#options.random()), paused: false };
  }

  /** Not awaited: the lease's first slot may be now. A write that fails is made with a later lease. */
  #moveMark(now: number, leased: LimiterItem): void {
    const change = movedMark(now, leased);
    if (change) this.#options.store.update(change).catch(() => undefined);
  }

  /** By the policy that is known: if it is another one by now, the lease is refused. */
  #wishOf(wanted: number, waitedMs: number, now: number, tookMs: number) {
    const spacingMs = this.#spacingMs();
    const count = Math.min(wanted, waitedMs > 0 ? slotsOfASecond(spacingMs) : this.#mostSlots(spacingMs, now, tookMs));
    const aheadMs = Math.min(leaseAheadMs(waitedMs), longestReachMs - (count - 1) * spacingMs);
    return { count, spacingMs, spanMs: count * spacingMs, aheadMs, policy: policyNumber(this.#known) };
  }

  /** Twice as many with each lease after which no one else has joined the line: a lease is a write, however long it is. */
  #mostSlots(spacingMs: number, now: number, tookMs: number): number {
    const aSecond = slotsOfASecond(spacingMs);
    // An idle line begins when a slow table has answered, and must not reach further for that.
    const roomMs = Math.max(answerRoomMs, tookMs);
    const inReach = Math.floor((longestReachMs - roomMs - Math.max(0, this.#lineEndMs - now)) / spacingMs);
    return Math.max(aSecond, Math.min(inReach, aSecond * 2 ** this.#leasesAlone));
  }

  /** No one has joined the line, or shifted it, since this consumer's last lease. */
  #isLineAsLeft(tat = NaN): boolean {
    // The table adds decimal numbers, and this process binary ones.
    return Math.abs(tat - this.#lineEndMs) < 0.01;
  }

  #spacingMs(): number {
    return slotSpacingMs(limitOf(this.#known, this.#options.limit));
  }

  /** The lease carried this consumer's news, and brought the others'. */
  #shared(news: { accepted: Accepted | undefined; passes: number; refusals: number }, leased: LimiterItem): void {
    this.#hasSucceeded = false;
    if (this.#accepted === news.accepted) this.#accepted = undefined;
    this.#passes -= news.passes;
    this.#refusals = Math.max(0, this.#refusals - news.refusals);
    this.#sharedRefusals = { count: leased.refusals ?? 0, acceptedAtMs: leased.acceptedAt ?? -Infinity };
  }

  #isPolicyDue(now: number): boolean {
    if (isOver(this.#known, now)) return true;
    return !this.#hasComparedCalendar && hasOtherCalendar(this.#known, this.#options.limit);
  }

  /** Writes the next policy, unless another consumer or an operator is faster. */
  async #continuePolicy(now: number): Promise<{ item: LimiterItem; tookMs: number }> {
    const { store, limit, feed } = this.#options;
    const item = await store.read();
    const isDue = isOver(item, now) || hasOtherCalendar(item, limit);
    const isWritten =
      !isDue || (await store.decide(continuePolicy({ item, inForce: await store.readInForce() }, limit, feed, now)));
    // Compared again if it was not: another decision may have come first, a pause for example.
    if (isWritten) this.#hasComparedCalendar = true;
    return this.#look();
  }

  #isPausedByOperator(item: LimiterItem): boolean {
    return pausedSince(item, this.#options.feed) !== undefined;
  }

  /** An operator has paused the feed: neither slot nor probe. */
  #stopped(item: LimiterItem, now: number): SlotLease | undefined {
    const since = pausedSince(item, this.#options.feed);
    return since === undefined ? undefined : { kind: 'wait', untilMs: recheckAt(since, now), paused: true };
  }

  async stoppedUntil(): Promise<number | undefined> {
    const isFresh = this.#now() - this.#knownAtMs <= longestLookMs && !this.#isPausedByOperator(this.#known);
    const item = isFresh ? this.#known : (await this.#look()).item;
    const stopped = this.#stopped(item, this.#now());
    return stopped?.kind === 'wait' ? stopped.untilMs - this.#options.correctionMs() : undefined;
  }

  /** Checks occasionally whether the API is paused, and needs nothing else from the store. */
  async #leaseFreely(count: number, prober: Prober): Promise<SlotLease> {
    const { store } = this.#options;
    if (!this.#seen || this.#now() - this.#seen.atMs > longestLookMs) {
      const atMs = this.#now();
      this.#seen = { item: await this.#note(await store.read()), atMs };
      // No consumer asked: passes counted before a request would be mistaken for later ones.
      if (!isAsked(this.#seen.item)) this.#passes = 0;
    }
    const now = this.#now();
    const { item } = this.#seen;
    const stopped = this.#stopped(item, now);
    if (stopped) {
      this.#seen = undefined;
      return stopped;
    }
    if (item.breaker === 'open') {
      this.#seen = undefined;
      return this.#askToProbe(item, now, prober);
    }
    if (item.pausedUntil !== undefined && item.pausedUntil > now) {
      return { kind: 'wait', untilMs: item.pausedUntil, paused: true };
    }
    if (this.#accepted && isAsked(item)) {
      const passes = this.#passes;
      await this.#change(reportAccepted(this.#accepted, passes));
      this.#accepted = undefined;
      this.#passes -= passes;
    } else if (this.#hasSucceeded && (item.outageRecords ?? 0) > 0) {
      this.#seen = undefined;
      await this.forgetOutage();
    }
    this.#hasSucceeded = false;
    return { kind: 'leased', firstSlotMs: now, spacingMs: 0, count };
  }

  /** The item, and how long the read took: a write will take about as long. */
  async #look(): Promise<{ item: LimiterItem; tookMs: number }> {
    const askedAt = this.#now();
    const item = await this.#options.store.read();
    const tookMs = Math.min(this.#now() - askedAt, longestAnswerMs);
    return { item: await this.#note(item), tookMs };
  }

  /** Reports a policy that is new to this process. */
  async #note(item: LimiterItem): Promise<LimiterItem> {
    this.#know(item);
    const number = policyNumber(item);
    const { store, onPolicy } = this.#options;
    if (number === this.#reported || !onPolicy) return item;
    this.#reported = number;
    // Only the log lacks a name if this fails.
    onPolicy(item, await store.readInForce().catch(() => ({})));
    return item;
  }

  async #write(change: LimiterChange): Promise<LimiterItem | undefined> {
    const item = await this.#options.store.update(change);
    if (item) this.#know(item);
    return item;
  }

  #know(item: LimiterItem): void {
    this.#known = item;
    this.#knownAtMs = this.#now();
  }

  #obstacle(item: LimiterItem, now: number, aheadMs: number, waitedMs: number): SlotLease | undefined {
    if (item.pausedUntil !== undefined && item.pausedUntil > now) {
      return { kind: 'wait', untilMs: item.pausedUntil, paused: true };
    }
    const tooFarMs = (item.tat ?? 0) - now - aheadMs;
    if (tooFarMs <= 0) return undefined;
    // The line moves on while others join it. The consumer that has waited longest has the shortest wait left, and checks
    // first.
    const gainMsPerMs = (leaseAheadMs(waitedMs + 1_000) - aheadMs) / 1_000;
    const expectedMs = Math.min(longestLookMs, Math.max(tooFarMs / gainMsPerMs / 2, waitedMs / 3));
    const waitMs = Math.min(longestPolicyLookMs, Math.max(tooFarMs, expectedMs));
    return { kind: 'wait', untilMs: now + waitMs, paused: false };
  }

  async #askToProbe(item: LimiterItem, now: number, prober: Prober): Promise<SlotLease> {
    const { store, newId } = this.#options;
    const freeAt = probeFrom(item, prober);
    if (freeAt > now) {
      // Another consumer's probe is usually answered long before its lease is over.
      const isProbing = (item.probeUntil ?? 0) > now && (item.openUntil ?? 0) <= now;
      // Randomised, so that of several consumers that wait for the same moment, not always the same one is first.
      const strayMs = prober.isSuspect ? longestStrayMs * this.#options.random() : 0;
      const untilMs = isProbing ? Math.min(freeAt, now + probeLookMs) : freeAt + strayMs;
      return { kind: 'wait', untilMs, paused: true };
    }
    const probe = newId();
    // The store's client retries a write whose answer was lost, and the retry is refused: check whose probe it is.
    const taken =
      (await store.update(takeProbe(now, probe, this.#spacingMs(), policyNumber(item)))) !== undefined ||
      (await store.read()).probeOwner === probe;
    if (!taken) return { kind: 'wait', untilMs: now + 1_000, paused: true };
    this.#probe = probe;
    return { kind: 'probe' };
  }

  async pauseUntil(timeMs: number, counts = true): Promise<void> {
    const latest = this.#now() + maxRetryAfterMs;
    // An invalid number or time has no effect.
    const until = Math.min(timeMs + this.#options.correctionMs(), latest);
    if (Number.isFinite(until)) await this.#change(pauseLine(until, counts));
  }

  async countOthers(): Promise<OthersCount & { pausedUntilMs: number }> {
    const { store, correctionMs } = this.#options;
    const { passes = 0, pauses = 0, pausedUntil = -Infinity } = await store.read();
    return { passes: passes + this.#passes, pauses, pausedUntilMs: pausedUntil - correctionMs() };
  }

  async shift(ms: number): Promise<void> {
    const { store, limit } = this.#options;
    // Without pacing there is nothing to shift.
    if (!this.#isPaced) return;
    const now = this.#now();
    const isMoved = await store.update(moveLine(now, ms, limit.windowSeconds * 1000));
    if (!isMoved) await store.update(moveLineFirst(now, ms));
  }

  async openBreaker(
    reason: BreakerReason,
    condition?: OpeningCondition,
    by?: OpenedBy,
  ): Promise<BreakerState | 'others-pass' | undefined> {
    const { store, correctionMs } = this.#options;
    const now = this.#now();
    if (!condition) return stateOf(await this.#change(openBreaker(now, reason, by)));
    const inSharedTime = { ...condition, acceptedBefore: condition.acceptedBefore + correctionMs() };
    const item = await store.read();
    // Also if others pass: the same refusals must not stop the next file.
    this.#forgetRefusals();
    if (item.breaker === 'open') return undefined;
    if (othersPass(item, inSharedTime)) return 'others-pass';
    const opened = await this.#change(openBreaker(now, reason, by, item));
    if (opened) return stateOf(opened);
    // Another consumer has opened it meanwhile, or has reported a success.
    return othersPass(await store.read(), inSharedTime) ? 'others-pass' : undefined;
  }

  async requestReports(): Promise<void> {
    // Paced consumers share the answer with every lease anyway.
    if (this.#isPaced) return;
    await this.#options.store.update(requestReports(this.#now()));
  }

  async endProbe(
    end: ProbeEnd,
    isSuspect = false,
    asksToWait = false,
    answer?: BreakerAnswer,
    tokenFault?: TokenFault,
  ): Promise<BreakerState | undefined> {
    const { store } = this.#options;
    // Read again, since the policy may have changed during the probe: the slot after it is spaced by the new one.
    const item = await this.#note(await store.read());
    const { reason, failedProbes } = item;
    // If everything is refused, one more refusal does not show that the API works again.
    const isUp = end === true || end === 'accepted' || (end === 'refused' && reason !== 'refusing');
    if (!isUp) {
      const probe = { isSuspect, hasFailed: !asksToWait, answer, reason: reasonAfter(tokenFault, reason) };
      return stateOf(await this.#change(keepOpen(this.#now(), this.#probe, probe)));
    }
    const closed = await this.#change(closeBreaker(this.#now(), this.#probe, this.#spacingMs()));
    return closed && stateOf({ ...closed, reason, failedProbes });
  }

  noteSuccess(accepted?: Accepted): void {
    this.#hasSucceeded = true;
    this.#passes++;
    if (!accepted) return;
    this.#forgetRefusals();
    this.#accepted = { ...accepted, sentAtMs: accepted.sentAtMs + this.#options.correctionMs() };
  }

  noteRefusal(): void {
    this.#refusals++;
  }

  refusals(): SharedRefusals {
    const { count, acceptedAtMs } = this.#sharedRefusals;
    return { count: count + this.#refusals, sinceMs: acceptedAtMs - this.#options.correctionMs() + 1 };
  }

  #forgetRefusals(): void {
    this.#refusals = 0;
    this.#sharedRefusals = { count: 0, acceptedAtMs: -Infinity };
  }

  async countOutage(): Promise<boolean> {
    const { store } = this.#options;
    const now = this.#now();
    const item = (await store.update(countOutage(now))) ?? (await store.update(beginOutage(now)));
    return item !== undefined && isOutage(item, now);
  }

  async forgetOutage(): Promise<void> {
    await this.#options.store.update(forgetOutage());
  }

  async takeFlush(failedProbes: number): Promise<boolean> {
    return (await this.#options.store.update(takeFlush(failedProbes))) !== undefined;
  }

  /** Discards the cached item: a read during the write may see the old or the new state. */
  async #change(change: LimiterChange): Promise<LimiterItem | undefined> {
    try {
      return await this.#options.store.update(change);
    } finally {
      this.#seen = undefined;
    }
  }

  #now(): number {
    return this.#options.clock.now() + this.#options.correctionMs();
  }
}

/**
 * The reason after a failed probe: a secret that cannot be used any more, or that can be used again but is refused. Undefined
 * if it stays.
 */
function reasonAfter(fault: TokenFault | undefined, before: BreakerReason | undefined): TokenFault | undefined {
  if (fault === 'no_token') return fault;
  return before === 'no_token' ? fault : undefined;
}

/** Whether a consumer asked if others' requests are accepted, and no one has confirmed it. */
function isAsked({ askedAt = 0, acceptedAt = 0 }: LimiterItem): boolean {
  return askedAt > acceptedAt;
}

function stateOf(
  item: { [Name in keyof LimiterItem]: LimiterItem[Name] | undefined } | undefined,
): BreakerState | undefined {
  if (!item) return undefined;
  const { breaker = 'closed', reason = 'outage', failedProbes = 0, loneProbes = 0, openUntil } = item;
  const untilMs = breaker === 'open' ? (openUntil ?? 0) : null;
  return { state: breaker, reason, failedProbes, ...(loneProbes > 0 && { loneProbes }), untilMs };
}
