import { inPlace } from '../core/limiter/retry.ts';
import type { SinkAnswer } from '../ports.ts';
import type { FailedRequest, FailureEnd, ProbeResult } from './breaker-watch.ts';
import { BreakerWatch } from './breaker-watch.ts';
import { PauseRequests } from './pause-requests.ts';
import type { OpenRecord, RecordQueue } from './record-queue.ts';
import { RecordTries } from './record-tries.ts';

import type { Stop, Verdict } from './sendable.ts';
import type { SenderOptions } from './sender-options.ts';
import { maxRequestMs } from './sender-times.ts';
import type { AnswerOf, AskingToWait } from './sink-faults.ts';
import { asksToWait, breakerAnswerOf, faultOf, probeEndOf, tokenFaultOf } from './sink-faults.ts';

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

/**
 * If the API asked to wait, this many other records go first: three pauses with this many passes in between show that the
 * record causes them.
 */
const othersBetweenPauses = 25;

/**
 * A record whose token was refused waits at least this long: the time that consumers take to share a success. Milliseconds.
 */
const asideMs = 1_500;

export interface ReactionOptions extends SenderOptions {
  queue: RecordQueue;
  /** Ends the sending. */
  stop: (why: Stop) => void;
}

/** An answer, and the request that it belongs to. */
interface Answered<Answer> {
  record: OpenRecord;
  answer: Answer;
  /** Milliseconds since 1970. */
  sentAt: number;
  /** If the request was a probe. */
  probe: ProbeResult | undefined;
}

/** Decides what each of the API's answers means: for the record, for the others, and for the breaker. */
export class AnswerReactions {
  readonly #options: ReactionOptions;
  readonly #queue: RecordQueue;
  readonly #tries: RecordTries;
  readonly #pauses: PauseRequests;
  readonly #breaker: BreakerWatch;
  /** When the token was last read again. Milliseconds since 1970. */
  #refreshedAt = 0;

  constructor(options: ReactionOptions) {
    this.#options = options;
    this.#queue = options.queue;
    this.#tries = new RecordTries(options);
    this.#pauses = new PauseRequests({ ...options, tries: this.#tries });
    this.#breaker = new BreakerWatch(options);
  }

  /** Records that are left to the batch's successor. */
  get parked() {
    return this.#tries.parked;
  }

  /** Before the first request. */
  async begin(): Promise<void> {
    this.#options.run.begin();
    await this.#breaker.noteToken();
  }

  /** A probe carries the token as it is stored now: after a rotation, the first one already succeeds. */
  async beforeProbe(): Promise<void> {
    // A secret that cannot be used is found again when the request needs the token.
    await this.#readTokenAgain().catch(() => undefined);
  }

  /** @param isSuspect whether the probe's record had been sent before */
  async probeEnded(record: OpenRecord, answer: SinkAnswer, isSuspect: boolean): Promise<ProbeResult> {
    // As long as the API says when to try again, waiting is not a failure.
    const tokenFault = tokenFaultOf(answer);
    const probe = { isSuspect, asksToWait: asksToWait(answer), answer: breakerAnswerOf(answer), tokenFault };
    const result = await this.#breaker.probeEnded(probeEndOf(answer), record, probe);
    if (result.givesUp && answer.kind !== 'refused') {
      this.#options.stop({ kind: 'flush', place: record.place, ...faultOf(answer) });
    }
    return result;
  }

  react(record: OpenRecord, answer: SinkAnswer, sentAt: number, probe?: ProbeResult): void | Promise<void> {
    const request = { record, sentAt, probe };
    switch (answer.kind) {
      case 'uploaded':
        return this.#uploaded(record, answer, sentAt);
      case 'duplicate':
        return this.#seenBefore({ ...request, answer });
      case 'in-progress':
        return this.#inProgress(record, answer);
      case 'refused':
        return this.#refused({ ...request, answer });
      case 'throttled':
        return this.#throttled({ ...request, answer });
      case 'unauthorised':
        return this.#unauthorised({ ...request, answer });
      case 'no-token':
        return this.#waitForToken(record, answer.answer);
      case 'failed':
        return this.#failed({ ...request, answer });
    }
  }

  #uploaded(record: OpenRecord, { status }: AnswerOf<'uploaded'>, sentAt: number): void {
    this.#accepted(record, sentAt);
    const { tries: attempts } = record;
    // An API may answer a repetition as it answered the first request: it keeps what came first.
    const verdict: Verdict = this.#hasDeliveredLeader(record)
      ? { kind: 'duplicate', status, attempts }
      : { kind: 'uploaded', confirmedBy409: false, status, attempts };
    this.#tries.verdict(record, verdict);
  }

  #accepted({ requestId }: OpenRecord, sentAt: number): void {
    this.#breaker.accepted(requestId, sentAt, this.#options.clock.now());
  }

  /** Whether another record of the batch with this request id was delivered: then the API does not keep this one. */
  #hasDeliveredLeader({ leader }: OpenRecord): boolean {
    const outcome = leader === undefined ? undefined : this.#options.journal.get(leader)?.outcome;
    return outcome === 'uploaded' || outcome === 'duplicate';
  }

  /** The API has seen the request id: it is ours if we may have sent the record and no other record has the same id. */
  #seenBefore({ record, answer, sentAt }: Answered<AnswerOf<'duplicate'>>): void {
    this.#accepted(record, sentAt);
    const { isOurs, status, answer: text } = answer;
    const maySent = record.ambiguous || this.#options.journal.mayHaveBeenSent(record.place);
    const mayBeOurs = isOurs ?? (!this.#hasDeliveredLeader(record) && maySent);
    if (mayBeOurs && isOurs === undefined && sentAt < record.ambiguousUntilMs) {
      // The previous try may not be over yet. Asking again is not charged as a try.
      record.tries--;
      return this.#tries.askAgainAt(record, record.ambiguousUntilMs);
    }
    const end = { status, attempts: record.tries, ...(text === undefined ? {} : { answer: text }) };
    if (mayBeOurs) this.#tries.verdict(record, { kind: 'uploaded', confirmedBy409: true, ...end });
    else this.#tries.verdict(record, { kind: 'duplicate', ...end });
  }

  /** The API is up, and the record is neither stored nor refused: the breaker is not concerned. */
  #inProgress(record: OpenRecord, { status, answer, retryAfterMs }: AnswerOf<'in-progress'>): void {
    const { clock } = this.#options;
    // Only we send this request id, so the request in progress is ours.
    record.ambiguous = true;
    const atMs = Math.max(clock.now() + (retryAfterMs ?? inProgressPauseMs), record.ambiguousUntilMs);
    record.ambiguousUntilMs = Math.max(record.ambiguousUntilMs, atMs);
    const isLong = atMs - clock.now() > longestInProgressMs;
    if (isLong || record.tries >= inPlace.tries) this.#tries.park(record, { status, reason: 'in_progress', answer });
    else this.#tries.askAgainAt(record, atMs);
  }

  async #refused({ record, answer, sentAt, probe }: Answered<AnswerOf<'refused'>>): Promise<void> {
    const { status } = answer;
    const [, ...others] = record.supersedes ?? [];
    if (answer.lacksSuperseded && others.length > 0) {
      // A definite answer about one of the entries that the API may have. It is not charged as a try.
      record.supersedes = others;
      record.waits++;
      return this.#queue.putFirst(record);
    }
    if (probe?.isStillRefusing) {
      // Its refusal is as inconclusive as the others': it waits, without a dead letter for now.
      record.tries--;
      this.#queue.putLast(record);
      if (probe.givesUp) this.#options.stop({ kind: 'refusing', status });
      return;
    }
    const refusesAll = this.#breaker.refused(this.#failedRequest(record, answer, sentAt), status);
    this.#tries.refuse(record, status, answer.answer);
    if (!refusesAll) return;
    const end = await this.#breaker.open('refusing', record, breakerAnswerOf(answer));
    if (end === 'opened') this.#options.pacer.drop();
    else this.#options.stop({ kind: 'refusing', status });
  }

  /**
   * Usually not the record's failure: everyone pauses, and others go first. If others pass while this record never does,
   * the failure is its own: others do not wait for it then.
   */
  async #throttled({ record, answer, sentAt, probe }: Answered<AnswerOf<'throttled'>>): Promise<void> {
    const pauseMs = answer.retryAfterMs ?? defaultPauseMs;
    const isOwn = await this.#pauses.isOwn(record, pauseMs, sentAt);
    const isLone = !asksToWait(answer) && (probe?.isLone || this.#tries.isKnown(record));
    if (probe && (isOwn || this.#tries.isLetter(record) || isLone)) return this.#tries.park(record, faultOf(answer));
    if (isOwn) return this.#tries.tryLater(record, faultOf(answer), pauseMs, () => this.#queue.putFirst(record));
    record.tries--;
    this.#queue.setAside(record, othersBetweenPauses);
    if (await this.#pauses.pauseAll(record, pauseMs, sentAt)) await this.#count('throttled', record, answer, sentAt);
  }

  /**
   * After a rotation, reading the token again fixes it. If others pass with the same token, the record itself is refused;
   * else the breaker opens and the records wait.
   */
  async #unauthorised({ record, answer, sentAt, probe }: Answered<AnswerOf<'unauthorised'>>): Promise<void> {
    const { run, clock } = this.#options;
    const answeredAt = clock.now();
    // It was sent with the previous token: the new one has not been tried yet.
    if (sentAt <= this.#refreshedAt) return this.#tries.again(record);
    this.#refreshedAt = answeredAt;
    let token: 'new' | 'same';
    try {
      token = await this.#readTokenAgain();
    } catch (error) {
      return this.#waitForToken(record, error instanceof Error ? error.message : String(error));
    }
    if (token === 'new') return this.#tries.again(record);
    if (probe?.isLone && answer.status === 403) return this.#tries.refuse(record, answer.status, answer.answer);
    if (probe && this.#tries.isLetter(record)) return this.#tries.park(record, faultOf(answer));
    const isOwn = run.troubles.isOwnRefusal(record.requestId, answeredAt);
    if (isOwn || this.#isNobodyLeftToAsk(record, answer)) {
      return this.#tries.tryLater(record, faultOf(answer), asideMs, () => this.#queue.setAside(record));
    }
    record.tries--;
    const records = [...run.recordsOf('unauthorised').keys(), record.requestId];
    const end = await this.#count('unauthorised', record, answer, sentAt);
    if (end === 'others-pass') for (const each of records) run.troubles.blame(each);
    this.#queue.delay(asideMs, () => this.#queue.setAside(record));
  }

  /** The secret cannot be used: all records wait until it can. */
  async #waitForToken(record: OpenRecord, why: string): Promise<void> {
    const end = await this.#breaker.open('no_token', record, { status: null, text: why });
    if (end === 'opened') this.#options.pacer.drop();
    this.#tries.again(record);
  }

  /** @throws UnusableSecretError if there is no token */
  async #readTokenAgain(): Promise<'new' | 'same'> {
    const { tokens, clock, run } = this.#options;
    const before = await tokens.token().catch(() => undefined);
    if ((await tokens.refresh()) === before) return 'same';
    run.troubles.tokenChanged(clock.now());
    await this.#breaker.noteToken();
    return 'new';
  }

  /**
   * Whether only the batch's last records are left, and others passed just now or in an earlier attempt: charged like
   * failures.
   */
  #isNobodyLeftToAsk(record: OpenRecord, { status }: AnswerOf<'unauthorised'>): boolean {
    if (this.#options.run.isTail(this.#queue.fresh)) return true;
    return this.#tries.isKnown(record) && status === 403 && this.#queue.fresh === 0;
  }

  async #failed({ record, answer, sentAt, probe }: Answered<AnswerOf<'failed'>>): Promise<void> {
    record.ambiguous ||= answer.ambiguous;
    if (answer.ambiguous) record.ambiguousUntilMs = this.#endOfTry(answer.status, sentAt) + pauseAfterTryMs;
    if (answer.isStale && !record.hadStaleConnection) {
      // It says nothing about the API. Allowed once per record: a record that breaks each connection has failed.
      record.hadStaleConnection = true;
      return this.#tries.again(record);
    }
    if (asksToWait(answer)) return this.#failedForNow({ record, answer, sentAt, probe });
    await this.#count('outage', record, answer, sentAt);
    const { mayFlush, othersPassed } = this.#options;
    // No consumer has another record to probe with, so this one would be the probe forever. A letter can wait: it blocks
    // nothing.
    const isLast = probe && mayFlush && ((probe.isLone && othersPassed) || this.#tries.isKnown(record));
    if (isLast) return this.#tries.park(record, faultOf(answer));
    this.#tries.tryLater(record, faultOf(answer), 0, () => this.#queue.putFirst(record));
  }

  /** The try has failed. It is charged only if the API asks this record alone to wait. */
  async #failedForNow({ record, answer, sentAt, probe }: Answered<AskingToWait>): Promise<void> {
    const { retryAfterMs } = answer;
    const isOwn = await this.#pauses.isOwn(record, retryAfterMs, sentAt);
    if (isOwn && probe) return this.#tries.park(record, faultOf(answer));
    if (isOwn) {
      return this.#tries.tryLater(record, faultOf(answer), retryAfterMs, () => this.#queue.setAside(record));
    }
    record.waits++;
    const isNews = await this.#pauses.pauseAll(record, retryAfterMs, sentAt);
    if (isNews) await this.#count('throttled', record, answer, sentAt);
    await this.#count('outage', record, answer, sentAt);
    const waitMs = this.#tries.backoffMs(record);
    this.#queue.delay(waitMs, () => this.#queue.setAside(record, othersBetweenPauses));
  }

  /** When the API has certainly finished a try: at its time limit, unless the API itself has answered. */
  #endOfTry(status: number | null, sentAt: number): number {
    const isAnswered = status !== null && !gatewayStatuses.includes(status);
    return isAnswered ? this.#options.clock.now() : sentAt + maxRequestMs;
  }

  async #count(
    reason: 'throttled' | 'unauthorised' | 'outage',
    record: OpenRecord,
    answer: SinkAnswer,
    sentAt: number,
  ): Promise<FailureEnd> {
    const end = await this.#breaker.failed(reason, this.#failedRequest(record, answer, sentAt));
    if (end === 'opened') this.#options.pacer.drop();
    return end;
  }

  #failedRequest(record: OpenRecord, answer: SinkAnswer, sentAtMs: number): FailedRequest {
    const answeredAtMs = this.#options.clock.now();
    const { isSuspect } = record;
    const othersLeft = this.#queue.fresh;
    return { record, answer: breakerAnswerOf(answer), sentAtMs, answeredAtMs, isSuspect, othersLeft };
  }
}
