import type { BreakerReason } from '../core/breaker.ts';
import type { Outcome } from '../core/outcome.ts';
import { backoffMs, inPlace } from '../core/retry.ts';
import type { Clock, Sink, SinkAnswer, SinkRequest, TokenSource } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { BreakerPorts } from './breaker-watch.ts';
import { BreakerWatch } from './breaker-watch.ts';
import type { SlotPacer, Turn } from './slot-pacer.ts';

/** A record that is to be sent. */
export interface Sendable extends SinkRequest {
  /** Place in the batch, from 0. */
  place: number;
  /** Another record of the batch with the same request id stands before this one. */
  leader: number | undefined;
}

/** The API's last word on a record; its answer where it is kept. */
export type Verdict = (
  | { kind: 'uploaded'; confirmedBy409: boolean; answer?: string }
  | { kind: 'duplicate'; answer?: string }
  | { kind: 'refused'; answer: string }
) & { status: number; attempts: number };

/** A record that the API failed on as often as this attempt allows. */
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
  /** Why not all was sent: time is up; the API is to be left alone until then; or it has been for too long. */
  stopped: { kind: 'time' } | { kind: 'paused'; untilMs: number } | { kind: 'flush' } | undefined;
  requests: number;
  /**
   * When the last try that may have stored a record without a verdict is over. Whoever sends such a record again before
   * then can't trust a 409.
   */
  ambiguousUntilMs: number | undefined;
}

/** What the sender has to know and tell of its records' past; a batch's journal, or a single letter's. */
export interface SendJournal {
  get(place: number): { outcome: Outcome } | undefined;
  mayHaveBeenSent(place: number): boolean;
  allow(place: number): Promise<void>;
  sending(place: number): void;
  keepAlive(): void;
  close(): void;
}

export interface SenderPorts extends BreakerPorts {
  sink: Sink;
  tokens: TokenSource;
  clock: Clock;
  connections: number;
  random: () => number;
}

/** Shorter pauses are waited out; for longer ones the batch goes back into its queue, where waiting costs nothing. Milliseconds. */
const patienceMs = 15_000;

/** A request, from connecting to the answer's last byte; and what is kept for saving and handing over. Milliseconds. */
const maxRequestMs = 30_000;
const finishMs = 3_000;

/** Requests are looked at so often, whether their time is up: one timer for all of them. Milliseconds. */
const watchEveryMs = 1_000;

/** Where a 429 doesn't say how long. Milliseconds. */
const defaultPauseMs = 1_000;

/**
 * A try without an answer may still be in progress at the API, and may be rolled back: a 409 confirms it only if the
 * request that was answered so began this long after the try's end. Milliseconds.
 */
const pauseAfterTryMs = 5_000;

/** Answers that a gateway gives while the API behind it may still be at work. */
const gatewayStatuses = [408, 502, 503, 504];

/** Where a 409 "in progress" doesn't say how long; and longer than this, it is the successor's to ask again. Milliseconds. */
const inProgressPauseMs = 5_000;
const longestInProgressMs = 60_000;

interface Item extends Sendable {
  tries: number;
  isAllowed: boolean;
  /** A try ended without our knowing whether the record was stored; and when the last such try is over at the API. */
  ambiguous: boolean;
  ambiguousUntilMs: number;
  /** It has met a connection that was dead before. */
  hadStaleConnection: boolean;
}

interface InFlight {
  /** When it has to have ended, answered or not. Milliseconds since 1970. */
  endsAt: number;
  limit: AbortController;
}

/**
 * Sends the records, each at its slot, over a bounded number of connections, until each has a verdict or is parked.
 * Takes no new ones when the time draws in; what is in flight is finished.
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
  /** In flight or waiting for another try. */
  #open = 0;
  #delayed = 0;
  #requests = 0;
  #stopped: SendEnd['stopped'];
  #pausedAt = 0;
  #refreshedAt = 0;
  /** Under way, where this batch has the probe. */
  #probe: { promise: Promise<void>; resolve: () => void } | undefined;
  readonly #inFlight = new Set<InFlight>();
  /** Without a verdict. */
  readonly #unsettled = new Set<Item>();
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
    for (const sendable of sendables) this.#enqueue(newItem(sendable));
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
      ambiguousUntilMs: this.#ambiguousUntil(),
    };
  }

  #ambiguousUntil(): number | undefined {
    const ends = [...this.#unsettled].flatMap((item) => (item.ambiguous ? [item.ambiguousUntilMs] : []));
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  #enqueue(item: Item): void {
    this.#unsettled.add(item);
    const leaderDone = item.leader === undefined || this.#journal.get(item.leader) !== undefined;
    if (leaderDone) this.#ready.push(item);
    else this.#followers.set(item.leader as number, [...(this.#followers.get(item.leader as number) ?? []), item]);
  }

  async #work(): Promise<void> {
    try {
      for (let item = await this.#take(); item; item = await this.#take()) await this.#sendOne(item);
    } catch (error) {
      this.#stop({ kind: 'time' });
      throw error;
    }
  }

  /** The next record, or undefined when there is nothing left to do for anyone. */
  async #take(): Promise<Item | undefined> {
    for (;;) {
      if (!this.#stopped && (this.#deadline.isDrawingIn() || this.#signal.aborted)) this.#stop({ kind: 'time' });
      if (this.#stopped) return undefined;
      const item = this.#ready.shift();
      if (item) {
        this.#open++;
        return item;
      }
      if (this.#open + this.#delayed === 0) return undefined;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async #sendOne(item: Item): Promise<void> {
    try {
      if (!item.isAllowed) await this.#journal.allow(item.place);
      item.isAllowed = true;
      const turn = await this.#turn();
      if (turn.kind !== 'go' && turn.kind !== 'probe') {
        this.#ready.unshift(item);
        return;
      }
      const sentAt = this.#ports.clock.now();
      this.#requests++;
      item.tries++;
      this.#journal.sending(item.place);
      const answer = await this.#deliver(item);
      this.#pacer.answered(turn, sentAt);
      if (turn.kind === 'probe') await this.#endProbe(answer);
      await this.#settle(item, answer, sentAt);
    } finally {
      this.#open--;
      this.#wakeAll();
    }
  }

  /** However slowly an answer drips, it ends in time for what comes after it. */
  async #deliver(item: Item): Promise<SinkAnswer> {
    const { sink, clock } = this.#ports;
    // What is watched is noticed a step late.
    const leftMs = this.#deadline.remainingMs() - finishMs - watchEveryMs;
    const limitMs = Math.max(1_000, Math.min(maxRequestMs, leftMs));
    const flight = { endsAt: clock.now() + limitMs, limit: new AbortController() };
    this.#inFlight.add(flight);
    try {
      return await sink.deliver(item, flight.limit.signal);
    } finally {
      this.#inFlight.delete(flight);
    }
  }

  async #watchTime(done: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!done.aborted) {
      await clock.sleep(watchEveryMs, done);
      const now = clock.now();
      for (const { endsAt, limit } of this.#inFlight) if (now >= endsAt) limit.abort();
      // Records may all be waiting for another try, and nobody else looks at the time then.
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
      // The pause may be over as soon as this batch's own probe has its answer.
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

  async #settle(item: Item, answer: SinkAnswer, sentAt: number): Promise<void> {
    const told = { status: answer.status ?? 0, attempts: item.tries };
    switch (answer.kind) {
      case 'uploaded':
        this.#breaker.succeeded(this.#ports.clock.now());
        return this.#verdict(
          item,
          // An API may answer a repetition as it answered the first: what it keeps is what came first.
          this.#hasDeliveredLeader(item)
            ? { kind: 'duplicate', ...told }
            : { kind: 'uploaded', confirmedBy409: false, ...told },
        );
      case 'duplicate':
        this.#breaker.succeeded(this.#ports.clock.now());
        return this.#seenBefore(item, answer, sentAt);
      case 'in-progress':
        return this.#inProgress(item, answer);
      case 'refused':
        this.#breaker.succeeded(this.#ports.clock.now());
        return this.#verdict(item, { kind: 'refused', answer: answer.answer, ...told });
      case 'throttled':
        return this.#throttled(item, answer.retryAfterMs, sentAt);
      case 'unauthorised':
        return this.#unauthorised(item, sentAt);
      case 'failed':
        return this.#failed(item, answer, sentAt);
    }
  }

  /** Another record of the batch with this request id was delivered: this one is not what the API keeps. */
  #hasDeliveredLeader({ leader }: Item): boolean {
    const outcome = leader === undefined ? undefined : this.#journal.get(leader)?.outcome;
    return outcome === 'uploaded' || outcome === 'duplicate';
  }

  /** The API has seen the request id: ours, if we may have sent the record ourselves and no other stands for it. */
  #seenBefore(item: Item, answer: Extract<SinkAnswer, { kind: 'duplicate' }>, sentAt: number): void {
    const { isOurs, status, answer: said } = answer;
    const isLeaders = this.#hasDeliveredLeader(item);
    const mayBeOurs = isOurs ?? (!isLeaders && (item.ambiguous || this.#journal.mayHaveBeenSent(item.place)));
    if (mayBeOurs && isOurs === undefined && sentAt < item.ambiguousUntilMs) {
      // The try before may not be over yet. Asking is no try.
      item.tries--;
      return this.#askAgainAt(item, item.ambiguousUntilMs);
    }
    const told = { status, attempts: item.tries, ...(said === undefined ? {} : { answer: said }) };
    this.#verdict(
      item,
      mayBeOurs ? { kind: 'uploaded', confirmedBy409: true, ...told } : { kind: 'duplicate', ...told },
    );
  }

  /** The API is up, and the record is neither stored nor refused: nothing for the breaker. */
  #inProgress(item: Item, { status, answer, retryAfterMs }: Extract<SinkAnswer, { kind: 'in-progress' }>): void {
    // Nobody else makes this request id: what is in progress is a try of ours.
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
    this.#ready.unshift(...(this.#followers.get(item.place) ?? []));
    this.#followers.delete(item.place);
  }

  /** Not the record's failure: the line moves for everyone, and the record stands first in it. */
  async #throttled(item: Item, retryAfterMs: number | undefined, sentAt: number): Promise<void> {
    item.tries--;
    this.#ready.unshift(item);
    const isNews = await this.#pauseLine(retryAfterMs ?? defaultPauseMs, sentAt);
    if (isNews) await this.#count('throttled', item, sentAt);
  }

  /** Nobody sends for that long. @returns false for an answer to what was in flight when the pause was set */
  async #pauseLine(pauseMs: number, sentAt: number): Promise<boolean> {
    const { clock, limiter, log } = this.#ports;
    const isNews = sentAt > this.#pausedAt;
    this.#pacer.drop();
    if (isNews) this.#pausedAt = clock.now();
    await limiter.pauseUntil(clock.now() + Math.max(pauseMs, 1));
    if (isNews) log.warn('the API asks to slow down', { pause_ms: pauseMs });
    return isNews;
  }

  /** A rotated token heals by reading it anew; else the breaker opens and the records wait. */
  async #unauthorised(item: Item, sentAt: number): Promise<void> {
    const { tokens, clock } = this.#ports;
    item.tries--;
    this.#ready.unshift(item);
    // It went out with the token from before: the one that came since has yet to be tried.
    if (sentAt <= this.#refreshedAt) return;
    this.#refreshedAt = clock.now();
    // A secret that can't be read is as good as a token that is turned down.
    const before = await tokens.token().catch(() => undefined);
    const now = await tokens.refresh().catch(() => undefined);
    if (now === undefined || now === before) await this.#count('unauthorised', item, sentAt);
  }

  async #failed(item: Item, answer: Extract<SinkAnswer, { kind: 'failed' }>, sentAt: number): Promise<void> {
    item.ambiguous ||= answer.ambiguous;
    if (answer.ambiguous) item.ambiguousUntilMs = this.#endOfTry(answer.status, sentAt) + pauseAfterTryMs;
    if (answer.isStale && !item.hadStaleConnection) {
      // It says nothing about the API. Once a record: one that breaks each connection has failed.
      item.hadStaleConnection = true;
      item.tries--;
      this.#ready.unshift(item);
      return;
    }
    if (answer.retryAfterMs !== undefined) await this.#pauseLine(answer.retryAfterMs, sentAt);
    await this.#count('outage', item, sentAt);
    if (item.tries >= inPlace.tries) return this.#park(item, answer);
    const { clock, random } = this.#ports;
    this.#askAgainAt(item, clock.now() + backoffMs(inPlace, item.tries, random()));
  }

  /** When the API has certainly done with a try: at its time limit, unless the API itself has answered. */
  #endOfTry(status: number | null, sentAt: number): number {
    const isAnswered = status !== null && !gatewayStatuses.includes(status);
    return isAnswered ? this.#ports.clock.now() : sentAt + maxRequestMs;
  }

  /** For the batch's successor. */
  #park(
    item: Item,
    { status, reason, answer }: Pick<Parked, 'status' | 'reason'> & { answer?: string | undefined },
  ): void {
    const { place, requestId, tries: attempts } = item;
    this.#parked.push({ place, requestId, attempts, status, reason, ...(answer === undefined ? {} : { answer }) });
    this.#journal.close();
  }

  #askAgainAt(item: Item, timeMs: number): void {
    const { clock } = this.#ports;
    this.#delayed++;
    void clock.sleep(Math.max(0, timeMs - clock.now()), this.#signal).then(() => {
      this.#delayed--;
      this.#ready.unshift(item);
      this.#wakeAll();
    });
  }

  async #endProbe(answer: SinkAnswer): Promise<void> {
    const probe = this.#probe;
    const isUp = answer.kind !== 'throttled' && answer.kind !== 'unauthorised' && answer.kind !== 'failed';
    // As long as the API says when to come again, waiting is not failing.
    const asksToWait = answer.kind === 'failed' && answer.retryAfterMs !== undefined;
    const givesUp = await this.#breaker.probeEnded(isUp, asksToWait).finally(() => {
      this.#probe = undefined;
      probe?.resolve();
    });
    if (givesUp) this.#stop({ kind: 'flush' });
  }

  async #count(reason: BreakerReason, item: Item, sentAt: number): Promise<void> {
    if (await this.#breaker.failed(reason, item.requestId, sentAt)) this.#pacer.drop();
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

function newItem(sendable: Sendable): Item {
  const noTry = {
    tries: 0,
    isAllowed: false,
    ambiguous: false,
    ambiguousUntilMs: -Infinity,
    hadStaleConnection: false,
  };
  return { ...sendable, ...noTry };
}

/** A promise that is resolved from outside. */
function openEnded(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
