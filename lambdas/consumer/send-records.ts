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

/** The API's last word on a record. */
export type Verdict = (
  { kind: 'uploaded'; confirmedBy409: boolean } | { kind: 'duplicate' } | { kind: 'refused'; answer: string }
) & { status: number; attempts: number };

/** A record that the API failed on as often as this attempt allows. */
export interface Parked {
  place: number;
  requestId: string;
  status: number | null;
  reason: string;
  attempts: number;
}

export interface SendEnd {
  parked: Parked[];
  /** Why not all was sent: time is up; the API is to be left alone until then; or it has been for too long. */
  stopped: { kind: 'time' } | { kind: 'paused'; untilMs: number } | { kind: 'flush' } | undefined;
  requests: number;
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

interface Item extends Sendable {
  tries: number;
  isAllowed: boolean;
  /** A try ended without our knowing whether the record was stored. */
  ambiguous: boolean;
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
    for (const sendable of sendables) this.#enqueue({ ...sendable, tries: 0, isAllowed: false, ambiguous: false });
    const workers = Math.min(this.#ports.connections, sendables.length);
    const done = new AbortController();
    const watching = this.#watchTime(done.signal);
    const results = await Promise.allSettled(Array.from({ length: workers }, () => this.#work()));
    done.abort();
    await watching;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return { parked: this.#parked, stopped: this.#stopped, requests: this.#requests };
  }

  #enqueue(item: Item): void {
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
        return this.#verdict(item, { kind: 'uploaded', confirmedBy409: false, ...told });
      case 'duplicate':
        this.#breaker.succeeded(this.#ports.clock.now());
        return this.#verdict(
          item,
          (answer.isOurs ?? this.#isOurs(item))
            ? { kind: 'uploaded', confirmedBy409: true, ...told }
            : { kind: 'duplicate', ...told },
        );
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

  /** A 409 to a record that we may have sent ourselves, and that no other record of the batch stands for. */
  #isOurs(item: Item): boolean {
    if (item.leader !== undefined) {
      const leader = this.#journal.get(item.leader)?.outcome;
      if (leader === 'uploaded' || leader === 'duplicate') return false;
    }
    return item.ambiguous || this.#journal.mayHaveBeenSent(item.place);
  }

  #verdict(item: Item, verdict: Verdict): void {
    this.#onVerdict(item, verdict);
    this.#journal.close();
    this.#ready.unshift(...(this.#followers.get(item.place) ?? []));
    this.#followers.delete(item.place);
  }

  /** Not the record's failure: the line moves for everyone, and the record stands first in it. */
  async #throttled(item: Item, retryAfterMs: number | undefined, sentAt: number): Promise<void> {
    const { clock, limiter, log } = this.#ports;
    item.tries--;
    this.#ready.unshift(item);
    // Those that were on their way when the pause was set say nothing new.
    const isNews = sentAt > this.#pausedAt;
    const pauseMs = Math.max(retryAfterMs ?? defaultPauseMs, 1);
    this.#pacer.drop();
    if (isNews) this.#pausedAt = clock.now();
    await limiter.pauseUntil(clock.now() + pauseMs);
    if (!isNews) return;
    log.warn('the API asks to slow down', { pause_ms: pauseMs });
    await this.#count('throttled', item, sentAt);
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
    await this.#count('outage', item, sentAt);
    if (item.tries >= inPlace.tries) {
      const { place, requestId, tries: attempts } = item;
      this.#parked.push({ place, requestId, attempts, status: answer.status, reason: answer.reason });
      this.#journal.close();
      return;
    }
    this.#delayed++;
    void this.#ports.clock.sleep(backoffMs(inPlace, item.tries, this.#ports.random()), this.#signal).then(() => {
      this.#delayed--;
      this.#ready.unshift(item);
      this.#wakeAll();
    });
  }

  async #endProbe(answer: SinkAnswer): Promise<void> {
    const probe = this.#probe;
    const isUp = answer.kind === 'uploaded' || answer.kind === 'duplicate' || answer.kind === 'refused';
    const givesUp = await this.#breaker.probeEnded(isUp).finally(() => {
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

/** A promise that is resolved from outside. */
function openEnded(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
