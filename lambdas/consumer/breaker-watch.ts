import type { BreakerReason, FailureRun } from '../core/breaker.ts';
import { flushAfterProbes } from '../core/breaker.ts';
import type { AuditLog, BreakerState, EventPublisher, Limiter, Metrics } from '../ports.ts';

export interface BreakerPorts {
  limiter: Limiter;
  run: FailureRun;
  log: AuditLog;
  events: EventPublisher;
  metrics: Metrics;
  /** Names the API in log and events. */
  api: string;
  /** False for what is not to be given up when the breaker has been open for long: a letter that is tried again. */
  mayFlush: boolean;
}

/**
 * Tells the breaker how requests fared, and the world how the breaker stands. A change is told by the one whose write
 * made it: once, or not at all where that consumer dies in between.
 */
export class BreakerWatch {
  readonly #ports: BreakerPorts;

  constructor(ports: BreakerPorts) {
    this.#ports = ports;
  }

  succeeded(answeredAtMs: number): void {
    const { limiter, run } = this.#ports;
    limiter.noteSuccess();
    // Not worth a request's failure: the next lease takes the count back as well.
    if (run.success(answeredAtMs)) limiter.forgetOutage().catch(() => undefined);
  }

  /** @returns whether the breaker has been opened for it */
  async failed(reason: BreakerReason, record: string, sentAtMs: number): Promise<boolean> {
    const { limiter, run } = this.#ports;
    const counted = run.failure(reason, record, sentAtMs);
    if (counted === 'again') return false;
    if (counted === 'counts' && !(reason === 'outage' && (await limiter.countOutage()))) return false;
    run.restart();
    const opened = await limiter.openBreaker(reason);
    if (opened) await this.#tell('breaker opened', opened);
    return true;
  }

  /**
   * @param asksToWait the API said when to come again
   * @returns whether this consumer's batch is to be given up
   */
  async probeEnded(isUp: boolean, asksToWait: boolean): Promise<boolean> {
    const { limiter, mayFlush } = this.#ports;
    const ended = await limiter.endProbe(isUp);
    if (!ended) return false;
    await this.#tell(ended.state === 'closed' ? 'breaker closed' : 'breaker stays open', ended);
    if (ended.state === 'closed') return false;
    // A token that is turned down is not the records' fault: they wait without end.
    const isDue = ended.reason !== 'unauthorised' && ended.failedProbes >= flushAfterProbes;
    return mayFlush && isDue && !asksToWait && (await limiter.takeFlush(flushAfterProbes));
  }

  async #tell(change: string, { state, reason, failedProbes, untilMs }: BreakerState): Promise<void> {
    const { log, events, metrics, api } = this.#ports;
    const until = untilMs === null ? null : new Date(untilMs).toISOString();
    const detail = { api, reason, until, failed_probes: failedProbes };
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
