import type { BreakerAnswer } from '../core/limiter/breaker-answer.ts';
import type { BreakerReason, CountedReason, FailureDetails, FailureRun, TokenFault } from '../core/limiter/breaker.ts';
import { flushAfterProbes, refuseAfterLoneProbes } from '../core/limiter/breaker.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { AuditLog, BreakerState, EventPublisher, Limiter, Metrics, SinkRequest, TokenSource } from '../ports.ts';

export interface BreakerPorts {
  limiter: Limiter;
  run: FailureRun;
  tokens: TokenSource;
  log: AuditLog;
  events: EventPublisher;
  metrics: Metrics;
  /** Names the API in log and events. */
  api: string;
  /** False for work that is not given up when the breaker stays open for long: a letter that is tried again. */
  mayFlush: boolean;
  /** The API failed on some of these records in an earlier attempt, while others passed. */
  hasFailed: boolean;
}

/** A request whose record the API did not accept. */
export interface FailedRequest extends FailureDetails {
  record: SinkRequest;
  sentAtMs: number;
  answer: BreakerAnswer;
}

/** `others-pass`: the API works, so the fault is the records' own; `counted`: no decision yet. */
export type FailureEnd = 'opened' | 'others-pass' | 'counted';

export interface Probe {
  /** Its record had been sent before. */
  isSuspect: boolean;
  /** The API said when to try again. */
  asksToWait: boolean;
  answer: BreakerAnswer;
  tokenFault: TokenFault | undefined;
}

export interface ProbeResult {
  /** The API refuses everything that it is sent, so its refusal of this record is not conclusive. */
  isStillRefusing: boolean;
  /** This consumer's batch is to be given up. */
  givesUp: boolean;
  /** There has been no other record to probe with for so long that this record's refusal counts as its own. */
  isLone: boolean;
}

/**
 * Reports the outcomes of requests to the breaker, and publishes the breaker's changes. The consumer whose write made a
 * change publishes it: once, or not at all if that consumer dies in between.
 */
export class BreakerWatch {
  readonly #ports: BreakerPorts;
  #secretVersion: string | undefined;

  constructor(ports: BreakerPorts) {
    this.#ports = ports;
  }

  /** Called before the first request, and whenever the token was read again. */
  async noteToken(): Promise<void> {
    const { tokens } = this.#ports;
    const token = await tokens.token().catch(() => undefined);
    // If a secret has no versions, a part of its digest identifies it without revealing anything.
    this.#secretVersion = tokens.version?.() ?? (token === undefined ? undefined : sha256Of(token).slice(0, 8));
  }

  /** The API has stored the record. */
  accepted(record: string, sentAtMs: number, answeredAtMs: number): void {
    const { limiter, run } = this.#ports;
    limiter.noteSuccess({ sentAtMs, secretVersion: this.#secretVersion });
    run.troubles.passed(record, sentAtMs);
    this.#forgetOutage(run.accepted(answeredAtMs));
  }

  /** The API has refused the record: it is up, and accepted the token. @returns whether it refuses everything it is sent */
  refused({ record: { requestId }, sentAtMs, answeredAtMs, isSuspect }: FailedRequest, status: number): boolean {
    const { limiter, run, mayFlush } = this.#ports;
    limiter.noteSuccess();
    run.troubles.passed(requestId, sentAtMs);
    this.#forgetOutage(run.success(answeredAtMs));
    // Letters were refused before: another refusal makes no dead letter, and says nothing new.
    if (!mayFlush || isSuspect) return false;
    const { isEnough, isUsual } = run.refusal(status, requestId, sentAtMs);
    if (isUsual) limiter.noteRefusal();
    return isEnough || run.areRefusedTogether(limiter.refusals().count);
  }

  /** A failure here must not fail the request: the next lease resets the count too. */
  #forgetOutage(hadFailures: boolean): void {
    if (hadFailures) this.#ports.limiter.forgetOutage().catch(() => undefined);
  }

  async failed(reason: CountedReason, request: FailedRequest): Promise<FailureEnd> {
    const { limiter, run, mayFlush, hasFailed } = this.#ports;
    const { record, sentAtMs, isSuspect, answer } = request;
    const isFirst = run.sinceMs(reason) === undefined;
    const counted = run.failure(reason, record.requestId, sentAtMs, request);
    // A failure here must not fail the request: without it, the breaker may open unnecessarily.
    if (isFirst) await limiter.requestReports().catch(() => undefined);
    if (counted === 'again') return 'counted';
    if (counted === 'counts' && !(reason === 'outage' && (await limiter.countOutage()))) return 'counted';
    // A letter that fails as it did before says nothing about the API, and goes back to its queue.
    const isKnown = isSuspect && hasFailed && reason !== 'outage' && !mayFlush;
    if (isKnown) {
      run.end(reason);
      return 'others-pass';
    }
    return this.open(reason, record, answer);
  }

  /** Opens the breaker, unless others pass. @param record the record whose answer triggered it */
  async open(reason: BreakerReason, record: SinkRequest, answer: BreakerAnswer): Promise<'opened' | 'others-pass'> {
    const { limiter, run } = this.#ports;
    const ownSinceMs = run.sinceMs(reason);
    const refusals = reason === 'refusing' ? limiter.refusals() : undefined;
    // The count over all consumers begins when the last of them had a record accepted.
    const acceptedBefore =
      refusals && run.areRefusedTogether(refusals.count)
        ? Math.max(refusals.sinceMs, ownSinceMs ?? -Infinity)
        : ownSinceMs;
    const withToken = reason === 'unauthorised' ? { secretVersion: this.#secretVersion } : {};
    const opened = await limiter.openBreaker(
      reason,
      acceptedBefore === undefined ? undefined : { acceptedBefore, ...withToken },
      { file: record.origin.fileId, answer },
    );
    if (opened === 'others-pass') {
      run.end(reason);
      return opened;
    }
    run.restart();
    if (opened) await this.#report('breaker opened', opened, record, answer);
    return 'opened';
  }

  async probeEnded(
    end: 'accepted' | 'refused' | 'failed',
    record: SinkRequest,
    { isSuspect, asksToWait, answer, tokenFault }: Probe,
  ): Promise<ProbeResult> {
    const { limiter, mayFlush } = this.#ports;
    const ended = await limiter.endProbe(end, isSuspect, asksToWait, answer, tokenFault);
    if (ended) {
      await this.#report(ended.state === 'closed' ? 'breaker closed' : 'breaker stays open', ended, record, answer);
    }
    if (ended?.state !== 'open') return { isStillRefusing: false, givesUp: false, isLone: false };
    const { reason, failedProbes, loneProbes = 0 } = ended;
    // A missing or refused token is not the records' fault: they wait without a time limit.
    const isDue = !isAboutToken(reason) && failedProbes >= flushAfterProbes;
    return {
      isStillRefusing: end === 'refused' && mayFlush,
      givesUp: mayFlush && isDue && !asksToWait && (await limiter.takeFlush(flushAfterProbes)),
      isLone: loneProbes > 0 && loneProbes % refuseAfterLoneProbes === 0,
    };
  }

  async #report(
    change: string,
    { state, reason, failedProbes, untilMs }: BreakerState,
    { origin: { fileId, record } }: SinkRequest,
    answer: BreakerAnswer,
  ): Promise<void> {
    const { log, events, metrics, api } = this.#ports;
    const until = untilMs === null ? null : new Date(untilMs).toISOString();
    // An outage is concluded from many records; for the other reasons, a single record may be the cause.
    const named = reason === 'outage' ? {} : { file_id: fileId, record };
    const detail = { api, reason, until, failed_probes: failedProbes, http_status: answer.status, ...named };
    // Its text may repeat a record's fields, so it stays in the AWS account.
    const logged = { ...detail, api_answer: answer.text };
    if (state === 'closed') log.warn(change, logged);
    else {
      log.error(change, logged);
      // At once, and then every minute while it is open: the invocation may run for another 15 minutes.
      metrics.add('BreakerOpen', 1);
      if (isAboutToken(reason)) metrics.add('UnauthorisedAnswers', 1);
      metrics.flush();
    }
    // Subscribers miss one event; the records are not affected.
    await events.publish(change, detail).catch((error: unknown) => {
      log.error('event not published', { event: change, error });
    });
  }
}

const isAboutToken = (reason: BreakerReason): boolean => reason === 'unauthorised' || reason === 'no_token';
