import type { ApiSaid } from '../core/account/file-account.ts';
import type { Outcome } from '../core/account/outcome.ts';
import type { PauseEvidence } from '../core/limiter/pause-evidence.ts';
import {
  isDubious,
  isOwnPause,
  judgePause,
  longestDubiousPauseMs,
  othersFirstMs,
} from '../core/limiter/pause-evidence.ts';
import { backoffMs, inPlace } from '../core/limiter/retry.ts';
import type { Clock, Sink, SinkAnswer, SinkRequest } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { BreakerPorts, FailedRequest, FailureEnd, ProbeResult } from './breaker-watch.ts';
import { BreakerWatch } from './breaker-watch.ts';
import type { SlotPacer, Turn } from './slot-pacer.ts';

/** A record to send. */
export interface Sendable extends SinkRequest {
  /** Place in the batch, from 0. */
  place: number;
  /** The place of an earlier record in the batch with the same request id. */
  leader: number | undefined;
  /** Evidence from earlier attempts in which the API asked to wait because of this record. */
  pauses?: PauseEvidence | undefined;
}

/** The API's final answer on a record; with the answer's text if it is kept. */
export type Verdict = (
  | { kind: 'uploaded'; confirmedBy409: boolean; answer?: string }
  | { kind: 'duplicate'; answer?: string }
  | { kind: 'refused'; answer: string }
) & { status: number; attempts: number };

/** What is kept of the answer after a dead record was delivered. */
export function saidOf(verdict: Extract<Verdict, { kind: 'uploaded' | 'duplicate' }>): ApiSaid {
  const { status, answer } = verdict;
  const isConfirmed = verdict.kind === 'uploaded' && verdict.confirmedBy409;
  return { status, ...(isConfirmed && { confirmedBy: '409' }), ...(answer === undefined ? {} : { answer }) };
}

/** A record on which the API failed as often as this attempt allows. */
export interface Parked {
  place: number;
  requestId: string;
  status: number | null;
  reason: string;
  attempts: number;
  answer?: string;
}

export interface SendEnd {
  parked: Parked[];
  /**
   * Why not everything was sent: the time is up; the API is paused until then; it has been paused for too long, and this
   * was its last answer; or it refuses everything that it is sent with this status.
   */
  stopped:
    | { kind: 'time' }
    | { kind: 'paused'; untilMs: number }
    | { kind: 'flush'; place: number; status: number | null; reason: string }
    | { kind: 'refusing'; status: number }
    | undefined;
  requests: number;
  /** Total time of all connections: waiting for send times, and in requests. Milliseconds. */
  waitedMs: number;
  requestedMs: number;
  /**
   * When the last try that may have stored a record without a verdict is over. Before then, a 409 to such a record can't be
   * trusted.
   */
  ambiguousUntilMs: number | undefined;
  /** By place: records without a verdict for which the API has asked to wait. */
  pauses: Map<number, PauseEvidence>;
}

/** What the sender needs to know and report about its records' history; a batch's journal, or a single letter's. */
export interface SendJournal {
  get(place: number): { outcome: Outcome } | undefined;
  mayHaveBeenSent(place: number): boolean;
  allow(place: number): Promise<void>;
  sending(place: number): void;
  keepAlive(): void;
  close(): void;
}

export interface SenderPorts extends BreakerPorts {
  /** Others of the batch were delivered in earlier attempts. */
  othersPassed: boolean;
  sink: Sink;
  clock: Clock;
  connections: number;
  random: () => number;
}

/**
 * Shorter pauses are waited out; for longer ones the batch goes back to its queue, where waiting costs nothing.
 * Milliseconds.
 */
const patienceMs = 15_000;

/**
 * The limit of a request, from connecting to the answer's last byte; and the time reserved for saving and handing over.
 * Milliseconds.
 */
const maxRequestMs = 30_000;
const finishMs = 3_000;

/** How often requests are checked for their time limit: one timer for all of them. Milliseconds. */
const watchEveryMs = 1_000;

/** For a 429 that does not say how long. Milliseconds. */
const defaultPauseMs = 1_000;

/**
 * A try without an answer may still be in progress at the API, and may be rolled back: a 409 confirms it only if the
 * request that got the 409 began this long after the try's end. Milliseconds.
 */
const pauseAfterTryMs = 5_000;

/** Answers of a gateway while the API behind it may still be processing the request. */
const gatewayStatuses = [408, 502, 503, 504];

/** For a 409 "in progress" that does not say how long; after a longer pause, the successor asks again. Milliseconds. */
const inProgressPauseMs = 5_000;
const longestInProgressMs = 60_000;

/** See `PauseEvidence`: how much each pause adds for a letter that has failed before. */
const letterDigits = 2;

/** A record that may be the cause of failures lets this many others go first: their answers show whether it is. */
const othersFirst = 20;

/**
 * And this many if the API asked to wait: three pauses with this many passes in between show that the record causes them.
 */
const othersBetweenPauses = 25;

/**
 * A record whose token was refused waits at least this long: the time that consumers take to share a success. Milliseconds.
 */
const asideMs = 1_500;

/**
 * Records that share a fault are often adjacent, so other records are taken from up to this many places further on. No
 * further: all places in between count as sent if this consumer is killed (see batch-journal.ts).
 */
const askAhead = 40;

interface Item extends Sendable {
  tries: number;
  /** Those of the tries that are not charged to the record: the API asked everyone to wait. */
  waits: number;
  isAllowed: boolean;
  /**
   * Whether a try ended with unknown outcome, so the record may be stored; and when the last such try is over at the API.
   */
  ambiguous: boolean;
  ambiguousUntilMs: number;
  /** It was sent on a connection that was already dead. */
  hadStaleConnection: boolean;
  /** An earlier attempt sent it, and it has not ended. */
  isSuspect: boolean;
  /** Neither this attempt nor an earlier one has sent it. */
  isFresh: boolean;
}

interface InFlight {
  /** When it must have ended, answered or not. Milliseconds since 1970. */
  endsAt: number;
  limit: AbortController;
}

/**
 * Sends the records, each at its slot, over a bounded number of connections, until each has a verdict or is parked. Begins
 * no new ones when the time runs out; requests in flight are finished.
 */
export class RecordSender {
  readonly #ports: SenderPorts;
  readonly #journal: SendJournal;
  readonly #pacer: SlotPacer;
  readonly #breaker: BreakerWatch;
  readonly #deadline: Deadline;
  readonly #onVerdict: (sendable: Sendable, verdict: Verdict) => void;
  readonly #signal: AbortSignal;
  #ready: Item[] = [];
  /** Records that wait for the one with the same request id. */
  readonly #followers = new Map<number, Item[]>();
  /** Number of records that are ready or wait for their turn, and were never sent. */
  #fresh = 0;
  /** In flight or waiting for another try. */
  #open = 0;
  #delayed = 0;
  /** Records that are not to be sent before a time. */
  #resting: Item[] = [];
  #requests = 0;
  /** Total time of all connections: waiting for turns, and in requests. Milliseconds. */
  #waitedMs = 0;
  #requestedMs = 0;
  #stopped: SendEnd['stopped'];
  #pausedAt = 0;
  #refreshedAt = 0;
  /** The probe in progress, if this batch makes it. */
  #probe: { promise: Promise<void>; resolve: () => void } | undefined;
  readonly #inFlight = new Set<InFlight>();
  /** Without a verdict. */
  readonly #unsettled = new Set<Item>();
  /** Records that wait for their turn. */
  readonly #hands = new Set<{ item: Item }>();
  readonly #parked: Parked[] = [];
  #wake: (() => void)[] = [];

  constructor(
    ports: SenderPorts,
    journal: SendJournal,
    pacer: SlotPacer,
    deadline: Deadline,
    signal: AbortSignal,
    onVerdict: (sendable: Sendable, verdict: Verdict) => void,
  ) {
    this.#ports = ports;
    this.#journal = journal;
    this.#pacer = pacer;
    this.#breaker = new BreakerWatch(ports);
    this.#deadline = deadline;
    this.#signal = signal;
    this.#onVerdict = onVerdict;
  }

  /** Requests still to be made, as far as is known. */
  demand(): number {
    return this.#ready.length + this.#delayed;
  }

  async send(sendables: Sendable[]): Promise<SendEnd> {
    const restUntilMs = await this.#restUntil(sendables);
    for (const sendable of sendables) this.#enqueue(this.#newItem(sendable, restUntilMs));
    // Records that failed before go last: others show first whether the API works.
    this.#ready.sort((a, b) => Number(a.isSuspect) - Number(b.isSuspect));
    this.#ports.run.begin();
    await this.#breaker.noteToken();
    const workers = Math.min(this.#ports.connections, sendables.length);
    const done = new AbortController();
    const watching = this.#watchTime(done.signal);
    const results = await Promise.allSettled(Array.from({ length: workers }, () => this.#work()));
    done.abort();
    await watching;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return {
      parked: this.#parked,
      stopped: this.#stopped,
      requests: this.#requests,
      waitedMs: this.#waitedMs,
      requestedMs: this.#requestedMs,
      ambiguousUntilMs: this.#ambiguousUntil(),
      pauses: new Map([...this.#unsettled].flatMap(({ place, pauses }) => (pauses ? [[place, pauses]] : []))),
    };
  }

  /** After a pause, other records go first: records for which the API asks to wait would pause everything again. */
  async #restUntil(sendables: readonly Sendable[]): Promise<number> {
    if (!sendables.some(({ pauses }) => pauses)) return -Infinity;
    const { limiter } = this.#ports;
    const pausedUntilMs = await limiter.countOthers().then(
      (others) => others.pausedUntilMs,
      () => -Infinity,
    );
    return pausedUntilMs + othersFirstMs;
  }

  #newItem(sendable: Sendable, restUntilMs: number): Item {
    const { run, clock } = this.#ports;
    const known = sendable.pauses;
    const isOwn = known && isOwnPause(known, clock.now(), false);
    const rested = known && { ...known, untilMs: Math.max(known.untilMs, isOwn ? -Infinity : restUntilMs) };
    const pauses = rested ?? run.troubles.pausesOf(sendable.requestId);
    return newItem({ ...sendable, pauses }, this.#journal.mayHaveBeenSent(sendable.place));
  }

  #ambiguousUntil(): number | undefined {
    const ends = [...this.#unsettled].flatMap((item) => (item.ambiguous ? [item.ambiguousUntilMs] : []));
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  #enqueue(item: Item): void {
    this.#unsettled.add(item);
    const leaderDone = item.leader === undefined || this.#journal.get(item.leader) !== undefined;
    if (leaderDone) this.#makeReady(item);
    else this.#followers.set(item.leader as number, [...(this.#followers.get(item.leader as number) ?? []), item]);
  }

  #makeReady(item: Item): void {
    if (this.#isResting(item)) return void this.#resting.push(item);
    this.#ready.push(item);
    if (item.isFresh) this.#fresh++;
  }

  #isResting({ pauses }: Item): boolean {
    return pauses !== undefined && pauses.untilMs > this.#ports.clock.now();
  }

  /**
   * Queues records whose time has come, after others that are ready. @returns when the next one is due; undefined without
   * one
   */
  #wakeResting(): number | undefined {
    if (this.#resting.length === 0) return undefined;
    const rested = this.#resting.filter((item) => !this.#isResting(item));
    if (rested.length > 0) {
      this.#resting = this.#resting.filter((item) => this.#isResting(item));
      for (const item of rested) {
        if (item.isFresh) this.#fresh++;
        this.#setAside(item);
      }
    }
    return this.#resting.length === 0
      ? undefined
      : Math.min(...this.#resting.map(({ pauses }) => pauses?.untilMs ?? 0));
  }

  /** Whether all remaining records have been sent before. */
  hasOnlySuspects(): boolean {
    return this.#fresh === 0;
  }

  /** Whether the API has asked to wait for all remaining records. */
  asksToWait(): boolean {
    return [...this.#unsettled].every(({ pauses }) => pauses !== undefined);
  }

  async #work(): Promise<void> {
    try {
      for (let item = await this.#take(); item; item = await this.#take()) await this.#sendOne(item);
    } catch (error) {
      this.#stop({ kind: 'time' });
      throw error;
    }
  }

  /** The next record, or undefined when nothing is left to do. */
  async #take(): Promise<Item | undefined> {
    for (;;) {
      if (!this.#stopped && (this.#deadline.isDrawingIn() || this.#signal.aborted)) this.#stop({ kind: 'time' });
      if (this.#stopped) return undefined;
      const restingUntilMs = this.#wakeResting();
      const item = this.#next();
      if (item) {
        this.#open++;
        return item;
      }
      if (this.#open + this.#delayed === 0) {
        if (restingUntilMs === undefined) return undefined;
        if (restingUntilMs - this.#ports.clock.now() > patienceMs) {
          this.#stop({ kind: 'paused', untilMs: restingUntilMs });
          return undefined;
        }
        this.#delay(restingUntilMs - this.#ports.clock.now(), () => undefined);
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #next(): Item | undefined {
    if (!this.#ports.run.isAsking) return this.#ready.shift();
    return (
      this.#takeAt(this.#ready.slice(0, askAhead + 1).findLastIndex(({ isFresh }) => isFresh)) ?? this.#ready.shift()
    );
  }

  #takeAt(index: number): Item | undefined {
    return index < 0 ? undefined : this.#ready.splice(index, 1)[0];
  }

  async #sendOne(taken: Item): Promise<void> {
    const hand = { item: taken };
    try {
      await this.#allow(taken);
      this.#hands.add(hand);
      const turn = await this.#timedTurn();
      if (turn.kind === 'probe') await this.#chooseProbe(hand);
      this.#hands.delete(hand);
      const { item } = hand;
      if (turn.kind === 'go' || turn.kind === 'probe') await this.#request(item, turn);
      else this.#ready.unshift(item);
    } finally {
      this.#hands.delete(hand);
      this.#open--;
      this.#wakeAll();
    }
  }

  async #request(item: Item, turn: Turn): Promise<void> {
    const { isFresh } = item;
    const sentAt = this.#ports.clock.now();
    this.#requests++;
    item.tries++;
    item.isFresh = false;
    if (isFresh) this.#fresh--;
    this.#journal.sending(item.place);
    const answer = await this.#deliver(item);
    this.#pacer.answered(turn, sentAt);
    const probe = turn.kind === 'probe' ? await this.#endProbe(item, answer, !isFresh) : undefined;
    await this.#settle(item, answer, sentAt, probe);
  }

  async #allow(item: Item): Promise<void> {
    if (!item.isAllowed) await this.#journal.allow(item.place);
    item.isAllowed = true;
  }

  /** Chooses a record that can't have opened the breaker, if there is one; otherwise not always the same record. */
  async #chooseProbe(hand: { item: Item }): Promise<void> {
    if (hand.item.isFresh) return;
    const other = [...this.#hands].find(({ item }) => item.isFresh);
    if (other) {
      [hand.item, other.item] = [other.item, hand.item];
      return;
    }
    const anyone = Math.floor(this.#ports.random() * (this.#ready.length + 1)) - 1;
    const unasked = hand.item.pauses ? this.#ready.findIndex(({ pauses }) => !pauses) : -1;
    const fresh = this.#ready.findIndex(({ isFresh }) => isFresh);
    const chosen = this.#takeAt(fresh) ?? this.#takeAt(unasked) ?? this.#takeAt(anyone);
    if (!chosen) return;
    this.#ready.unshift(hand.item);
    hand.item = chosen;
    await this.#allow(chosen);
  }

  /** However slowly an answer arrives, it is cut off in time for what follows. */
  async #deliver(item: Item): Promise<SinkAnswer> {
    const { sink, clock, metrics } = this.#ports;
    // The watch notices an overrun up to one step late.
    const leftMs = this.#deadline.remainingMs() - finishMs - watchEveryMs;
    const limitMs = Math.max(1_000, Math.min(maxRequestMs, leftMs));
    const flight = { endsAt: clock.now() + limitMs, limit: new AbortController() };
    this.#inFlight.add(flight);
    metrics.add('ConnectionsInUse', this.#inFlight.size);
    const begunAt = clock.now();
    try {
      return await sink.deliver(item, flight.limit.signal);
    } finally {
      this.#inFlight.delete(flight);
      const tookMs = clock.now() - begunAt;
      this.#requestedMs += tookMs;
      metrics.add('ApiLatency', tookMs);
    }
  }

  async #timedTurn(): Promise<Turn> {
    const { clock } = this.#ports;
    const askedAt = clock.now();
    try {
      return await this.#turn();
    } finally {
      this.#waitedMs += clock.now() - askedAt;
    }
  }

  async #watchTime(done: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!done.aborted) {
      await clock.sleep(watchEveryMs, done);
      const now = clock.now();
      for (const { endsAt, limit } of this.#inFlight) if (now >= endsAt) limit.abort();
      // If all records wait for another try, nothing else checks the time.
      if (this.#deadline.isDrawingIn()) this.#stop({ kind: 'time' });
      this.#journal.keepAlive();
    }
  }

  /** Waits for a slot, through short pauses; a long one stops the batch. */
  async #turn(): Promise<Turn> {
    for (;;) {
      if (this.#deadline.isDrawingIn()) this.#stop({ kind: 'time' });
      if (this.#stopped) return { kind: 'stopped' };
      this.#journal.keepAlive();
      const turn = await this.#pacer.next();
      if (turn.kind === 'probe') this.#probe = openEnded();
      if (turn.kind !== 'paused') return turn;
      // The pause may end as soon as this batch's own probe has its answer.
      if (this.#probe) {
        await this.#probe.promise;
        continue;
      }
      const waitMs = turn.untilMs - this.#ports.clock.now();
      if (waitMs > patienceMs || waitMs > this.#deadline.remainingMs() / 2) {
        this.#stop({ kind: 'paused', untilMs: turn.untilMs });
        return turn;
      }
      await this.#ports.clock.sleep(waitMs, this.#signal);
    }
  }

  async #settle(item: Item, answer: SinkAnswer, sentAt: number, probe?: ProbeResult): Promise<void> {
    const told = { status: answer.status ?? 0, attempts: item.tries };
    switch (answer.kind) {
      case 'uploaded':
        this.#breaker.accepted(item.requestId, sentAt, this.#ports.clock.now());
        return this.#verdict(
          item,
          // An API may answer a repetition as it answered the first request: it keeps what came first.
          this.#hasDeliveredLeader(item)
            ? { kind: 'duplicate', ...told }
            : { kind: 'uploaded', confirmedBy409: false, ...told },
        );
      case 'duplicate':
        this.#breaker.accepted(item.requestId, sentAt, this.#ports.clock.now());
        return this.#seenBefore(item, answer, sentAt);
      case 'in-progress':
        return this.#inProgress(item, answer);
      case 'refused':
        return this.#refused(item, answer, sentAt, probe);
      case 'throttled':
        return this.#throttled(item, answer, sentAt, probe);
      case 'unauthorised':
        return this.#unauthorised(item, answer, sentAt, probe);
      case 'failed':
        return this.#failed(item, answer, sentAt, probe);
    }
  }

  async #refused(item: Item, answer: AnswerOf<'refused'>, sentAt: number, probe?: ProbeResult): Promise<void> {
    const { status } = answer;
    if (probe?.isStillRefusing) {
      // Its refusal is as inconclusive as the others': it waits, without a dead letter for now.
      item.tries--;
      this.#ready.push(item);
      if (probe.givesUp) this.#stop({ kind: 'refusing', status });
      return;
    }
    const refusesAll = this.#breaker.refused(this.#failedRequest(item, sentAt), status);
    this.#verdict(item, { kind: 'refused', answer: answer.answer, status, attempts: item.tries });
    if (!refusesAll) return;
    const end = await this.#breaker.open('refusing', item);
    if (end === 'opened') this.#pacer.drop();
    else this.#stop({ kind: 'refusing', status });
  }

  /** Whether another record of the batch with this request id was delivered: then the API does not keep this one. */
  #hasDeliveredLeader({ leader }: Item): boolean {
    const outcome = leader === undefined ? undefined : this.#journal.get(leader)?.outcome;
    return outcome === 'uploaded' || outcome === 'duplicate';
  }

  /** The API has seen the request id: it is ours if we may have sent the record and no other record has the same id. */
  #seenBefore(item: Item, answer: Extract<SinkAnswer, { kind: 'duplicate' }>, sentAt: number): void {
    const { isOurs, status, answer: said } = answer;
    const isLeaders = this.#hasDeliveredLeader(item);
    const mayBeOurs = isOurs ?? (!isLeaders && (item.ambiguous || this.#journal.mayHaveBeenSent(item.place)));
    if (mayBeOurs && isOurs === undefined && sentAt < item.ambiguousUntilMs) {
      // The previous try may not be over yet. Asking again is not charged as a try.
      item.tries--;
      return this.#askAgainAt(item, item.ambiguousUntilMs);
    }
    const told = { status, attempts: item.tries, ...(said === undefined ? {} : { answer: said }) };
    this.#verdict(
      item,
      mayBeOurs ? { kind: 'uploaded', confirmedBy409: true, ...told } : { kind: 'duplicate', ...told },
    );
  }

  /** The API is up, and the record is neither stored nor refused: the breaker is not concerned. */
  #inProgress(item: Item, { status, answer, retryAfterMs }: Extract<SinkAnswer, { kind: 'in-progress' }>): void {
    // Only we send this request id, so the request in progress is ours.
    item.ambiguous = true;
    const atMs = Math.max(this.#ports.clock.now() + (retryAfterMs ?? inProgressPauseMs), item.ambiguousUntilMs);
    item.ambiguousUntilMs = Math.max(item.ambiguousUntilMs, atMs);
    const isLong = atMs - this.#ports.clock.now() > longestInProgressMs;
    if (isLong || item.tries >= inPlace.tries) this.#park(item, { status, reason: 'in_progress', answer });
    else this.#askAgainAt(item, atMs);
  }

  #verdict(item: Item, verdict: Verdict): void {
    this.#onVerdict(item, verdict);
    this.#unsettled.delete(item);
    this.#journal.close();
    const followers = this.#followers.get(item.place) ?? [];
    this.#ready.unshift(...followers);
    this.#fresh += followers.filter(({ isFresh }) => isFresh).length;
    this.#followers.delete(item.place);
  }

  /**
   * Usually not the record's failure: everyone pauses, and others go first. If others pass while this record never does,
   * the failure is its own: others do not wait for it then.
   */
  async #throttled(item: Item, answer: AnswerOf<'throttled'>, sentAt: number, probe?: ProbeResult): Promise<void> {
    const pauseMs = answer.retryAfterMs ?? defaultPauseMs;
    const isOwn = await this.#isOwnPause(item, pauseMs, sentAt);
    const isLast = isOwn || this.#isLetter(item) || (!asksToWait(answer) && (probe?.isLone || this.#isKnown(item)));
    if (probe && isLast) return this.#park(item, faultOf(answer));
    if (isOwn) return this.#tryLater(item, faultOf(answer), pauseMs, () => this.#ready.unshift(item));
    item.tries--;
    this.#setAside(item, othersBetweenPauses);
    if (await this.#pauseLine(item, pauseMs, sentAt)) await this.#count('throttled', item, sentAt);
  }

  /**
   * Whether the API asks for a pause because of this record alone. Requests that were in flight at the previous pause prove
   * nothing new.
   */
  async #isOwnPause(item: Item, pauseMs: number, sentAt: number): Promise<boolean> {
    const { clock, limiter, run } = this.#ports;
    // Without the others' counts there is no verdict, and everyone waits.
    const others = sentAt > this.#pausedAt ? await limiter.countOthers().catch(() => undefined) : undefined;
    const now = clock.now();
    if (others) {
      const judged = judgePause(item.pauses, others, now);
      // A letter has failed before: others need not wait for it repeatedly.
      if (this.#isLetter(item)) judged.digits += letterDigits;
      item.pauses = judged;
      run.troubles.askedToWait(item.requestId, judged);
    }
    const { pauses } = item;
    if (!pauses) return false;
    const isOwn = isOwnPause(pauses, now, this.#fresh === 0);
    // If the pause is the record's own, only the API's time applies; else others go first.
    pauses.untilMs = now + pauseMs + (isOwn || pauseMs <= patienceMs ? 0 : othersFirstMs);
    return isOwn;
  }

  /**
   * Pauses all sending for that long. @returns false for the answer to a request that was in flight when the pause was set
   */
  async #pauseLine({ pauses }: Item, pauseMs: number, sentAt: number): Promise<boolean> {
    const { clock, limiter, log } = this.#ports;
    const isNews = sentAt > this.#pausedAt;
    this.#pacer.drop();
    if (isNews) this.#pausedAt = clock.now();
    const dubious = pauses !== undefined && isDubious(pauses);
    const waitMs = Math.max(dubious ? Math.min(pauseMs, longestDubiousPauseMs) : pauseMs, 1);
    await limiter.pauseUntil(clock.now() + waitMs, isNews && !dubious);
    if (isNews) log.warn('the API asks to slow down', { pause_ms: waitMs, asked_ms: pauseMs });
    return isNews;
  }

  /**
   * After a rotation, reading the token again fixes it. If others pass with the same token, the record itself is refused;
   * else the breaker opens and the records wait.
   */
  async #unauthorised(
    item: Item,
    answer: AnswerOf<'unauthorised'>,
    sentAt: number,
    probe?: ProbeResult,
  ): Promise<void> {
    const { tokens, clock, run } = this.#ports;
    const answeredAt = clock.now();
    // It was sent with the previous token: the new one has not been tried yet.
    if (sentAt <= this.#refreshedAt) return this.#again(item);
    this.#refreshedAt = answeredAt;
    const before = await tokens.token().catch(() => undefined);
    const now = await tokens.refresh().catch(() => undefined);
    if (now !== undefined && now !== before) {
      run.troubles.tokenChanged(clock.now());
      await this.#breaker.noteToken();
      return this.#again(item);
    }
    // A secret that can't be read has the same effect as a refused token, for all records.
    if (now === undefined || answer.status === 0) {
      if ((await this.#breaker.open('unauthorised', item)) === 'opened') this.#pacer.drop();
      return this.#again(item);
    }
    if (probe?.isLone && answer.status === 403) return this.#refuse(item, answer.status, answer.answer);
    if (probe && this.#isLetter(item)) return this.#park(item, faultOf(answer));
    const isOwn = run.troubles.isOwnRefusal(item.requestId, answeredAt);
    if (isOwn || this.#isNobodyLeftToAsk(item, answer)) {
      return this.#tryLater(item, faultOf(answer), asideMs, () => this.#setAside(item));
    }
    item.tries--;
    const records = [...run.recordsOf('unauthorised').keys(), item.requestId];
    const end = await this.#count('unauthorised', item, sentAt);
    if (end === 'others-pass') for (const record of records) run.troubles.blame(record);
    this.#delay(asideMs, () => this.#setAside(item));
  }

  async #failed(item: Item, answer: AnswerOf<'failed'>, sentAt: number, probe?: ProbeResult): Promise<void> {
    item.ambiguous ||= answer.ambiguous;
    if (answer.ambiguous) item.ambiguousUntilMs = this.#endOfTry(answer.status, sentAt) + pauseAfterTryMs;
    if (answer.isStale && !item.hadStaleConnection) {
      // It says nothing about the API. Allowed once per record: a record that breaks each connection has failed.
      item.hadStaleConnection = true;
      return this.#again(item);
    }
    const { mayFlush, othersPassed } = this.#ports;
    if (asksToWait(answer)) return this.#failedForNow(item, answer, sentAt, probe);
    await this.#count('outage', item, sentAt);
    // No consumer has another record to probe with, so this one would be the probe forever. A letter can wait: it blocks
    // nothing.
    const isLast = probe && mayFlush && ((probe.isLone && othersPassed) || this.#isKnown(item));
    if (isLast) return this.#park(item, faultOf(answer));
    this.#tryLater(item, faultOf(answer), 0, () => this.#ready.unshift(item));
  }

  /** The try has failed. It is charged only if the API asks this record alone to wait. */
  async #failedForNow(item: Item, answer: AskingToWait, sentAt: number, probe?: ProbeResult): Promise<void> {
    const { retryAfterMs } = answer;
    const isOwn = await this.#isOwnPause(item, retryAfterMs, sentAt);
    if (isOwn && probe) return this.#park(item, faultOf(answer));
    if (isOwn) return this.#tryLater(item, faultOf(answer), retryAfterMs, () => this.#setAside(item));
    item.waits++;
    const isNews = await this.#pauseLine(item, retryAfterMs, sentAt);
    if (isNews) await this.#count('throttled', item, sentAt);
    await this.#count('outage', item, sentAt);
    this.#delay(backoffMs(inPlace, item.tries, this.#ports.random()), () => this.#setAside(item, othersBetweenPauses));
  }

  /** When the API has certainly finished a try: at its time limit, unless the API itself has answered. */
  #endOfTry(status: number | null, sentAt: number): number {
    const isAnswered = status !== null && !gatewayStatuses.includes(status);
    return isAnswered ? this.#ports.clock.now() : sentAt + maxRequestMs;
  }

  /** Schedules the next try after one that is charged to the record, in this attempt or in a later one. */
  #tryLater(item: Item, fault: Fault, atLeastMs: number, makeReady: () => void): void {
    const waitMs = Math.max(atLeastMs, backoffMs(inPlace, item.tries, this.#ports.random()));
    // Longer waits happen in the queue.
    if (item.tries - item.waits >= inPlace.tries || waitMs > patienceMs) return this.#park(item, fault);
    this.#delay(waitMs, makeReady);
  }

  /** Leaves the record to the batch's successor. */
  #park(item: Item, { status, reason, answer }: Fault): void {
    // If one of many machines refuses tokens, another may accept it in a later attempt; but 403 is about the record.
    const isOwn = this.#ports.run.troubles.isBlamed(item.requestId) || this.#isLetter(item);
    if (status === 403 && isOwn) return this.#refuse(item, status, answer);
    const { place, requestId, tries: attempts } = item;
    this.#parked.push({ place, requestId, attempts, status, reason, ...(answer === undefined ? {} : { answer }) });
    this.#journal.close();
  }

  #refuse(item: Item, status: number, answer = ''): void {
    this.#verdict(item, { kind: 'refused', answer, status, attempts: item.tries });
  }

  /**
   * Whether only the batch's last records are left, and others passed just now or in an earlier attempt: charged like
   * failures.
   */
  #isNobodyLeftToAsk(item: Item, { status }: AnswerOf<'unauthorised'>): boolean {
    if (this.#ports.run.isTail(this.#fresh)) return true;
    return this.#isKnown(item) && status === 403 && this.#fresh === 0;
  }

  /** Ready again, uncharged. */
  #again(item: Item): void {
    item.tries--;
    this.#ready.unshift(item);
  }

  #setAside(item: Item, others = othersFirst): void {
    this.#ready.splice(others, 0, item);
  }

  #askAgainAt(item: Item, timeMs: number): void {
    this.#delay(Math.max(0, timeMs - this.#ports.clock.now()), () => this.#ready.unshift(item));
  }

  #delay(ms: number, then: () => void): void {
    this.#delayed++;
    void this.#ports.clock.sleep(ms, this.#signal).then(() => {
      this.#delayed--;
      then();
      this.#wakeAll();
    });
  }

  /**
   * Whether others passed while the API failed on it before: another failure is charged if no other record is left to try.
   */
  #isKnown({ isSuspect }: Item): boolean {
    return isSuspect && this.#ports.hasFailed;
  }

  /** Whether it is a letter that has failed before: it can go back to its queue, and nothing waits for it. */
  #isLetter(item: Item): boolean {
    return this.#isKnown(item) && !this.#ports.mayFlush;
  }

  async #endProbe(item: Item, answer: SinkAnswer, isSuspect: boolean): Promise<ProbeResult> {
    const probe = this.#probe;
    // As long as the API says when to try again, waiting is not a failure.
    const result = await this.#breaker.probeEnded(endOf(answer), item, isSuspect, asksToWait(answer)).finally(() => {
      this.#probe = undefined;
      probe?.resolve();
    });
    if (result.givesUp && answer.kind !== 'refused') {
      const { status, reason } = faultOf(answer);
      this.#stop({ kind: 'flush', place: item.place, status, reason });
    }
    return result;
  }

  async #count(reason: 'throttled' | 'unauthorised' | 'outage', item: Item, sentAt: number): Promise<FailureEnd> {
    const end = await this.#breaker.failed(reason, this.#failedRequest(item, sentAt));
    if (end === 'opened') this.#pacer.drop();
    return end;
  }

  #failedRequest(item: Item, sentAtMs: number): FailedRequest {
    const { isSuspect } = item;
    return { record: item, sentAtMs, answeredAtMs: this.#ports.clock.now(), isSuspect, othersLeft: this.#fresh };
  }

  #stop(why: NonNullable<SendEnd['stopped']>): void {
    this.#stopped ??= why;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

function newItem(sendable: Sendable, isSuspect: boolean): Item {
  const noTry = {
    tries: 0,
    waits: 0,
    isAllowed: false,
    ambiguous: false,
    ambiguousUntilMs: -Infinity,
    hadStaleConnection: false,
    isSuspect,
    isFresh: !isSuspect,
  };
  return { ...sendable, ...noTry };
}

type AnswerOf<Kind extends SinkAnswer['kind']> = Extract<SinkAnswer, { kind: Kind }>;

type AskingToWait = Extract<SinkAnswer, { kind: 'failed' | 'throttled' }> & { retryAfterMs: number };

/** Whether the API says when to try again: until then, waiting is not a failure. */
function asksToWait(answer: SinkAnswer): answer is AskingToWait {
  return (answer.kind === 'failed' || answer.kind === 'throttled') && (answer.retryAfterMs ?? 0) > 0;
}

/** How a try failed, in the words of a letter. */
type Fault = Pick<Parked, 'status' | 'reason'> & { answer?: string | undefined };

function faultOf(answer: SinkAnswer): Fault {
  const { status } = answer;
  const reason = answer.kind === 'failed' ? answer.reason : `http_${status}`;
  return { status, reason, answer: 'answer' in answer ? answer.answer : undefined };
}

/** What a probe's answer shows about the API. */
function endOf({ kind }: SinkAnswer): 'accepted' | 'refused' | 'failed' {
  if (kind === 'uploaded' || kind === 'duplicate') return 'accepted';
  return kind === 'refused' || kind === 'in-progress' ? 'refused' : 'failed';
}

/** A promise that is resolved from outside. */
function openEnded(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
