/**
 * When an API is left alone for a while. The state is shared (in the limiter's item). What counts towards opening is each
 * consumer's own run of failures, so that nothing has to be written while all is well; an outage is counted over all
 * consumers besides, since each of many may have too few requests to notice.
 */

/** Why the breaker opens. */
export type BreakerReason = 'throttled' | 'unauthorised' | 'outage';

/** How long nobody sends once it is open. Milliseconds. */
export const breakerPauseMs = 60_000;

/** A probe that has not told its end by then is taken to be dead. Milliseconds. */
export const probeLeaseMs = 45_000;

/** Failed probes of one opening after which the batch in hand goes to the dead letters, so that somebody sees to it. */
export const flushAfterProbes = 5;

/** Answers of that kind in a row, with no success between, that open it. */
const runsThatOpen: Record<BreakerReason, number> = {
  // Each has already moved the limiter; that many in a row mean the limit is not what we think it is.
  throttled: 10,
  // The secret was read anew before the first of these counted.
  unauthorised: 1,
  // Of as many different records: an outage fails whatever is sent, and a few that the API chokes on are none.
  outage: 10,
};

/**
 * The same for an outage over all consumers. A consumer that has a success tells it with its next lease, at the latest
 * seconds after it: a run must have lasted for longer than that. Nor may it take for ever. Milliseconds.
 */
export const sharedOutage = { records: 10, shortestMs: 5_000, longestMs: 120_000 };

/** `opens`: reason enough by itself; `counts`: a record that the run had not seen; `again`: one that it had, or that says nothing. */
export type CountedFailure = 'opens' | 'counts' | 'again';

/** A consumer's run of failures. */
export class FailureRun {
  #reason: BreakerReason | undefined;
  #length = 0;
  readonly #records = new Set<string>();
  #upAtMs = -Infinity;

  /** @param answeredAtMs when the API showed that it is up. @returns whether it ended a run */
  success(answeredAtMs: number): boolean {
    this.#upAtMs = Math.max(this.#upAtMs, answeredAtMs);
    return this.restart();
  }

  /**
   * @param record tells one record from another
   * @param sentAtMs a failure of a request from before the last success says nothing: time-outs come long after what
   * was sent beside them was answered, and at a batch's end there is nothing left that could succeed between them
   */
  failure(reason: BreakerReason, record: string, sentAtMs: number): CountedFailure {
    if (reason === 'outage' && sentAtMs <= this.#upAtMs) return 'again';
    if (this.#reason !== reason) this.restart();
    this.#reason = reason;
    this.#length++;
    const isNew = !this.#records.has(record);
    this.#records.add(record);
    const length = reason === 'outage' ? this.#records.size : this.#length;
    if (length >= runsThatOpen[reason]) return 'opens';
    return isNew ? 'counts' : 'again';
  }

  /** The breaker has been opened: once it is closed again, the count begins anew. @returns whether there was one */
  restart(): boolean {
    const hadFailures = this.#length > 0;
    this.#length = 0;
    this.#records.clear();
    return hadFailures;
  }
}
