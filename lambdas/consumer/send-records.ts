import type { Prober } from '../core/limiter/limiter-item.ts';
import type { SinkAnswer } from '../ports.ts';
import { AnswerReactions } from './answer-reactions.ts';
import { withEarlierPauses } from './pause-requests.ts';
import type { Hand } from './record-queue.ts';
import { OpenRecord, RecordQueue } from './record-queue.ts';
import type { Sendable, SendEnd, Stop } from './sendable.ts';
import type { SenderOptions } from './sender-options.ts';
import { maxRequestMs, patienceMs } from './sender-times.ts';
import type { Turn } from './slot-pacer.ts';

/** The time reserved for saving and handing over. Milliseconds. */
const finishMs = 3_000;

/** How often requests are checked for their time limit: one timer for all of them. Milliseconds. */
const watchEveryMs = 1_000;

/** One of those that send at the same time, each of them one request after the other. */
class Connection {
  /** When its request must have ended, answered or not; undefined if it has none. Milliseconds since 1970. */
  endsAt: number | undefined;
  /** Ends the request. Used for the next one too, if it did not have to. */
  limit = new AbortController();

  begin(endsAt: number): AbortSignal {
    this.endsAt = endsAt;
    if (this.limit.signal.aborted) this.limit = new AbortController();
    return this.limit.signal;
  }
}

/**
 * Sends the records of one file, each at its slot, until each has a verdict or is parked. `RecordQueue` has the records'
 * states. The sender itself is
 *
 * - sending: each connection takes a record, waits for its turn, sends it, and acts on the answer.
 * - probing: the breaker is open, and the one request that decides about it is this sender's. Connections that find the
 *   line paused wait for the answer.
 * - stopped: the time is up, the line is paused for long, the batch is given up, the API refuses everything, or the file
 *   was stopped. No request begins; those in flight are finished, and their answers count. The first reason stays.
 *
 * It ends when all connections have ended: each does once it is stopped, or once no record can become ready.
 */
export class RecordSender {
  readonly #options: SenderOptions;
  readonly #queue: RecordQueue;
  readonly #reactions: AnswerReactions;
  #stopped: SendEnd['stopped'];
  /** While probing. */
  #probe: PromiseWithResolvers<void> | undefined;
  readonly #connections: Connection[] = [];
  #inFlight = 0;
  #requests = 0;
  /** Total time of all connections: waiting for turns, and in requests. Milliseconds. */
  #waitedMs = 0;
  #requestedMs = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#queue = new RecordQueue(options);
    this.#reactions = new AnswerReactions({ ...options, queue: this.#queue, stop: (why) => this.stop(why) });
  }

  /** Requests still to be made, as far as is known. */
  demand(): number {
    return this.#queue.demand;
  }

  /** Who probes, if it is this sender. All remaining records may have been sent before. */
  prober(): Pick<Prober, 'isSuspect' | 'asksToWait'> {
    return { isSuspect: this.#queue.fresh === 0, asksToWait: this.#queue.asksToWait() };
  }

  async send(sendables: readonly Sendable[]): Promise<SendEnd> {
    const { journal, connections } = this.#options;
    const known = await withEarlierPauses(sendables, this.#options);
    this.#queue.add(known.map((each) => new OpenRecord(each, journal.mayHaveBeenSent(each.place))));
    await this.#reactions.begin();
    const done = new AbortController();
    const watching = this.#watchTime(done.signal);
    const count = Math.min(connections, sendables.length);
    this.#connections.push(...Array.from({ length: count }, () => new Connection()));
    const workers = this.#connections.map((connection) => this.#work(connection));
    const results = await Promise.allSettled(workers);
    done.abort();
    await watching;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return {
      parked: this.#reactions.parked,
      stopped: this.#stopped,
      requests: this.#requests,
      waitedMs: this.#waitedMs,
      requestedMs: this.#requestedMs,
      ambiguousUntilMs: this.#queue.ambiguousUntil(),
      pauses: this.#queue.pauses(),
      tried: this.#queue.tried(),
    };
  }

  async #work(connection: Connection): Promise<void> {
    try {
      for (let next = this.#take(); next; next = this.#take()) {
        if (next === 'wait') await this.#queue.change();
        else await this.#handle({ record: next }, connection);
      }
    } catch (error) {
      this.stop({ kind: 'time' });
      throw error;
    }
  }

  /** The next record; `wait` if the queue has to change first; undefined when nothing is left to do. */
  #take(): OpenRecord | 'wait' | undefined {
    const { deadline, signal, run, clock } = this.#options;
    if (!this.#stopped && (deadline.isDrawingIn() || signal.aborted)) this.stop({ kind: 'time' });
    if (this.#stopped) return undefined;
    const restingUntilMs = this.#queue.wakeResting();
    const record = this.#queue.take(run.isAsking);
    if (record || this.#queue.isBusy) return record ?? 'wait';
    if (restingUntilMs === undefined) return undefined;
    const waitMs = restingUntilMs - clock.now();
    if (waitMs > patienceMs) {
      this.stop({ kind: 'paused', untilMs: restingUntilMs });
      return undefined;
    }
    this.#queue.delay(waitMs);
    return 'wait';
  }

  // For each record, only what takes time is awaited, here and below: a promise that is ready is garbage to collect.
  async #handle(hand: Hand, connection: Connection): Promise<void> {
    let probe: PromiseWithResolvers<void> | undefined;
    try {
      const asked = this.#turnOf(hand);
      const turn = asked instanceof Promise ? await asked : asked;
      if (turn.kind === 'probe') {
        probe = this.#probe;
        this.#queue.chooseProbe(hand);
        await this.#allow(hand.record);
        await this.#reactions.beforeProbe();
      }
      this.#queue.release(hand);
      if (turn.kind === 'go' || turn.kind === 'probe') await this.#request(hand.record, turn, connection);
      else this.#queue.putFirst(hand.record);
    } finally {
      // If a fault ended it before its answer, the other connections must not wait for that.
      if (probe) this.#closeProbe(probe);
      this.#queue.release(hand);
      this.#queue.returned();
    }
  }

  #turnOf(hand: Hand): Turn | Promise<Turn> {
    const allowed = this.#allow(hand.record);
    if (allowed) return allowed.then(() => this.#waitForTurn(hand, this.#askPacer()));
    const turn = this.#askPacer();
    return !(turn instanceof Promise) && turn.kind === 'go' ? turn : this.#waitForTurn(hand, turn);
  }

  async #waitForTurn(hand: Hand, asked: Turn | Promise<Turn>): Promise<Turn> {
    const { clock } = this.#options;
    this.#queue.hold(hand);
    const askedAt = clock.now();
    const turn = await this.#throughPauses(asked);
    this.#waitedMs += clock.now() - askedAt;
    return turn;
  }

  async #request(record: OpenRecord, turn: Turn, connection: Connection): Promise<void> {
    const { clock, journal, pacer, sink, metrics } = this.#options;
    const wasSent = !record.isFresh;
    const sentAt = clock.now();
    this.#requests++;
    record.tries++;
    this.#queue.sent(record);
    journal.sending(record.place, sentAt);
    const signal = connection.begin(sentAt + this.#limitMs());
    metrics.add('ConnectionsInUse', ++this.#inFlight);
    let answer: SinkAnswer;
    let answeredAt: number;
    try {
      answer = await sink.deliver(record, signal);
    } finally {
      connection.endsAt = undefined;
      this.#inFlight--;
      answeredAt = clock.now();
      this.#requestedMs += answeredAt - sentAt;
      metrics.add('ApiLatency', answeredAt - sentAt);
    }
    pacer.answered(turn, sentAt, answeredAt);
    const probe = turn.kind === 'probe' ? await this.#endProbe(record, answer, wasSent) : undefined;
    const reacting = this.#reactions.react(record, answer, sentAt, probe);
    if (reacting) await reacting;
  }

  /** However slowly an answer arrives, it is cut off in time for what follows. The watch notices it up to one step late. */
  #limitMs(): number {
    const leftMs = this.#options.deadline.remainingMs() - finishMs - watchEveryMs;
    return Math.max(1_000, Math.min(maxRequestMs, leftMs));
  }

  /** Undefined if the record may be sent at once. */
  #allow(record: OpenRecord): Promise<void> | undefined {
    if (record.isAllowed) return undefined;
    record.isAllowed = true;
    return this.#options.journal.allow(record.place);
  }

  async #watchTime(done: AbortSignal): Promise<void> {
    const { clock, deadline, journal } = this.#options;
    while (!done.aborted) {
      await clock.sleep(watchEveryMs, done);
      const now = clock.now();
      for (const { endsAt = Infinity, limit } of this.#connections) if (now >= endsAt) limit.abort();
      // If all records wait for another try, nothing else checks the time.
      if (deadline.isDrawingIn()) this.stop({ kind: 'time' });
      journal.keepAlive();
    }
  }

  #askPacer(): Turn | Promise<Turn> {
    const { deadline, journal, pacer } = this.#options;
    if (deadline.isDrawingIn()) this.stop({ kind: 'time' });
    if (this.#stopped) return { kind: 'stopped' };
    journal.keepAlive();
    return pacer.next();
  }

  /** Waits for a slot, through short pauses; a long one stops the batch. */
  async #throughPauses(asked: Turn | Promise<Turn>): Promise<Turn> {
    const { deadline, clock, signal } = this.#options;
    for (let next = asked; ; next = this.#askPacer()) {
      const turn = await next;
      if (turn.kind === 'probe') this.#probe = Promise.withResolvers<void>();
      if (turn.kind !== 'paused') return turn;
      // The pause may end as soon as this batch's own probe has its answer.
      if (this.#probe) {
        await this.#probe.promise;
        continue;
      }
      const waitMs = turn.untilMs - clock.now();
      if (waitMs > patienceMs || waitMs > deadline.remainingMs() / 2) {
        this.stop({ kind: 'paused', untilMs: turn.untilMs });
        return turn;
      }
      await clock.sleep(waitMs, signal);
    }
  }

  #endProbe(record: OpenRecord, answer: SinkAnswer, wasSent: boolean) {
    const probe = this.#probe;
    return this.#reactions.probeEnded(record, answer, wasSent).finally(() => probe && this.#closeProbe(probe));
  }

  #closeProbe(probe: PromiseWithResolvers<void>): void {
    if (this.#probe === probe) this.#probe = undefined;
    probe.resolve();
  }

  /** Begins no request any more. */
  stop(why: Stop): void {
    this.#stopped ??= why;
    this.#queue.changed();
  }
}
