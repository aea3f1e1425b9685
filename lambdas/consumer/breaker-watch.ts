import type { BreakerReason, FailureDetails, FailureRun } from '../core/limiter/breaker.ts';
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
  /** False for what is not to be given up when the breaker has been open for long: a letter that is tried again. */
  mayFlush: boolean;
  /** The API failed on some of these records in an earlier attempt, while others passed. */
  hasFailed: boolean;
}

/** A request that ended otherwise than with a record that the API took. */
export interface FailedRequest extends FailureDetails {
  record: SinkRequest;
  sentAtMs: number;
}

/** `others-pass`: the API is well, so the trouble is the records' own; `counted`: nothing follows from it yet. */
export type FailureEnd = 'opened' | 'others-pass' | 'counted';

export interface ProbeResult {
  /** The API refuses whatever it is sent, this record too: no reason to take its word for it. */
  isStillRefusing: boolean;
  /** This consumer's batch is to be given up. */
  givesUp: boolean;
  /** There has been no other record to ask with for so long that this one's refusal is taken for its own. */
  isLone: boolean;
}

/**
 * Tells the breaker how requests fared, and the world how the breaker stands. A change is told by the one whose write
 * made it: once, or not at all where that consumer dies in between.
 */
export class BreakerWatch {
  readonly #ports: BreakerPorts;
  #secretVersion: string | undefined;

  constructor(ports: BreakerPorts) {
    this.#ports = ports;
  }

  /** Before the first request, and whenever the token was read anew. */
  async noteToken(): Promise<void> {
    const { tokens } = this.#ports;
    const token = await tokens.token().catch(() => undefined);
    // Where a secret has no versions, its digest tells one from another; a part of it gives nothing away.
    this.#secretVersion = tokens.version?.() ?? (token === undefined ? undefined : sha256Of(token).slice(0, 8));
  }

  /** The API has stored the record. */
  accepted(record: string, sentAtMs: number, answeredAtMs: number): void {
    const { limiter, run } = this.#ports;
    limiter.noteSuccess({ sentAtMs, secretVersion: this.#secretVersion });
    run.troubles.passed(record, sentAtMs);
    this.#forgetOutage(run.accepted(answeredAtMs));
  }

  /** The API has refused the record: it is up, and took the token. @returns whether it refuses whatever it is sent */
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

  /** Not worth a request's failure: the next lease takes the count back as well. */
  #forgetOutage(hadFailures: boolean): void {
    if (hadFailures) this.#ports.limiter.forgetOutage().catch(() => undefined);
  }

  async failed(reason: Exclude<BreakerReason, 'refusing'>, request: FailedRequest): Promise<FailureEnd> {
    const { limiter, run, mayFlush, hasFailed } = this.#ports;
    const { record, sentAtMs, isSuspect } = request;
    const isFirst = run.sinceMs(reason) === undefined;
    const counted = run.failure(reason, record.requestId, sentAtMs, request);
    // Not worth a request's failure: without it, the breaker opens where it need not.
    if (isFirst) await limiter.askOthers().catch(() => undefined);
    if (counted === 'again') return 'counted';
    if (counted === 'counts' && !(reason === 'outage' && (await limiter.countOutage()))) return 'counted';
    // A letter that fails as it did before says nothing about the API, and goes back to its queue.
    const isKnown = isSuspect && hasFailed && reason !== 'outage' && !mayFlush;
    if (isKnown) {
      run.end(reason);
      return 'others-pass';
    }
    return this.open(reason, record);
  }

  /** Opens the breaker, unless others pass. @param record whose answer was the last straw */
  async open(reason: BreakerReason, record: SinkRequest): Promise<'opened' | 'others-pass'> {
    const { limiter, run } = this.#ports;
    const ownSinceMs = run.sinceMs(reason);
    const refusals = reason === 'refusing' ? limiter.refusals() : undefined;
    // What was counted over all consumers began when the last of them had a record accepted.
    const acceptedBefore =
      refusals && run.areRefusedTogether(refusals.count)
        ? Math.max(refusals.sinceMs, ownSinceMs ?? -Infinity)
        : ownSinceMs;
    const withToken = reason === 'unauthorised' ? { secretVersion: this.#secretVersion } : {};
    const opened = await limiter.openBreaker(
      reason,
      acceptedBefore === undefined ? undefined : { acceptedBefore, ...withToken },
      record.origin.fileId,
    );
    if (opened === 'others-pass') {
      run.end(reason);
      return opened;
    }
    run.restart();
    if (opened) await this.#tell('breaker opened', opened, record);
    return 'opened';
  }

  /** @param asksToWait the API said when to come again */
  async probeEnded(
    end: 'accepted' | 'refused' | 'failed',
    record: SinkRequest,
    isSuspect: boolean,
    asksToWait: boolean,
  ): Promise<ProbeResult> {
    const { limiter, mayFlush } = this.#ports;
    const ended = await limiter.endProbe(end, isSuspect, asksToWait);
    if (ended) await this.#tell(ended.state === 'closed' ? 'breaker closed' : 'breaker stays open', ended, record);
    if (ended?.state !== 'open') return { isStillRefusing: false, givesUp: false, isLone: false };
    const { reason, failedProbes, loneProbes = 0 } = ended;
    // A token that is turned down is not the records' fault: they wait without end.
    const isDue = reason !== 'unauthorised' && failedProbes >= flushAfterProbes;
    return {
      isStillRefusing: end === 'refused' && mayFlush,
      givesUp: mayFlush && isDue && !asksToWait && (await limiter.takeFlush(flushAfterProbes)),
      isLone: loneProbes > 0 && loneProbes % refuseAfterLoneProbes === 0,
    };
  }

  async #tell(
    change: string,
    { state, reason, failedProbes, untilMs }: BreakerState,
    { origin: { fileId, record } }: SinkRequest,
  ): Promise<void> {
    const { log, events, metrics, api } = this.#ports;
    const until = untilMs === null ? null : new Date(untilMs).toISOString();
    // An outage is what many records say; of the others, one may be the cause.
    const named = reason === 'outage' ? {} : { file_id: fileId, record };
    const detail = { api, reason, until, failed_probes: failedProbes, ...named };
    if (state === 'closed') log.warn(change, detail);
    else {
      log.error(change, detail);
      // Once a minute for as long as it is open, and at once: the invocation may have a quarter of an hour to go.
      metrics.add('BreakerOpen', 1);
      if (reason === 'unauthorised') metrics.add('UnauthorisedAnswers', 1);
      metrics.flush();
    }
    // Whoever listens misses one; the records are no worse for it.
    await events.publish(change, detail).catch((error: unknown) => {
      log.error('event not published', { event: change, error });
    });
  }
}
