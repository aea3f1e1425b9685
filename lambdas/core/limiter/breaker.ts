import { RecordTroubles } from './record-troubles.ts';

/**
 * Decides when nothing is sent to an API for a while. The state is shared (in the limiter's item). Each consumer counts
 * its own run of failures towards opening, so that nothing has to be written while all is well. An outage is counted over
 * all consumers as well, since each of many may have too few requests to notice it.
 */

/**
 * Why the breaker opens. `throttled`: repeated 429; `unauthorised`: the token is refused; `no_token`: the secret with the
 * token cannot be used; `outage`: every request fails; `refusing`: every record is refused with the same status, for
 * example because the API's path is gone.
 */
export type BreakerReason = 'throttled' | 'unauthorised' | 'no_token' | 'outage' | 'refusing';

/** The reasons that are about the token, and not about records: they wait without a time limit. */
export type TokenFault = Extract<BreakerReason, 'unauthorised' | 'no_token'>;

/** The reasons for which the API's answers count. */
export type CountedReason = Exclude<BreakerReason, 'refusing' | 'no_token'>;

/** How long no consumer sends after it opens. Milliseconds. */
export const breakerPauseMs = 60_000;

/** A probe without a reported result counts as dead after this time. Milliseconds. */
export const probeLeaseMs = 45_000;

/**
 * A record that has failed before is a bad probe: it may fail for a reason of its own. A consumer without any other
 * record waits for this much longer, so that consumers with other records go first. Milliseconds.
 */
export const suspectProbeDelayMs = 20_000;

/** After this many failed probes of one opening, the current batch is given up, so that a person notices. */
export const flushAfterProbes = 5;

/**
 * After this many consecutive probes, all made by records that had failed before, a record that is still answered 403 is
 * refused: there was no other record to probe with. About 20 minutes.
 */
export const refuseAfterLoneProbes = 15;

/** Records that were never sent before, without a success between them, that open the breaker. */
const recordsThatOpen: Record<Exclude<BreakerReason, 'throttled' | 'no_token'>, number> = {
  // The secret was read again before the first of these was counted.
  unauthorised: 10,
  // An outage fails every request; a few records on which the API fails are not an outage.
  outage: 10,
  // Each has its dead letter. More in a file of which the API refuses a part: see `usualRefusals`.
  refusing: 80,
};

/** Answers 429 that open it, for any records, also for records that have failed before if nothing else is sent. */
const throttlesThatOpen = 10;
const suspectThrottlesThatOpen = 3;

/** Answers 401 or 403 per record that open it if there is no other record to probe with. */
const refusedTokensThatOpen = 4;

/** Records that failed in an earlier attempt say little: it takes this many of them if nothing else is sent. */
const suspectsThatOpen = 50;

/** From this many records on, other records are tried first: see `isAsking`. Single refusals are normal. */
const askAfterRecords = 2;
const askAfterRefusals = 5;

/** With fewer never-sent records left in a batch, it can't be determined whether only these records fail. */
const tailRecords = 20;

/**
 * The same for an outage over all consumers. A consumer reports a success with its next lease, at most seconds later, so
 * a run must have lasted longer than that, but not too long. Milliseconds.
 */
export const sharedOutage = { records: 10, shortestMs: 5_000, longestMs: 120_000 };

/**
 * `opens`: sufficient by itself; `counts`: a record that is new to the run; `again`: a record that the run has seen, or
 * that says nothing.
 */
export type CountedFailure = 'opens' | 'counts' | 'again';

export interface FailureDetails {
  /** It was sent in an earlier attempt without a result: the record may be at fault, not the API. */
  isSuspect: boolean;
  /** Records of the batch that were never sent; they go first. */
  othersLeft: number;
  answeredAtMs: number;
}

interface Run {
  /** From then on, another consumer's successful request is evidence against the run. Milliseconds. */
  sinceMs: number;
  length: number;
  /** Each record with its number of failures. */
  readonly records: Map<string, number>;
  /** The number of records that are not suspects. */
  fresh: number;
  /** For refusals: the number of records per status. Only equal statuses count together. */
  readonly statuses: Map<number, number>;
}

/** A process's runs of failures: one per reason, all ended by a success. */
export class FailureRun {
  readonly troubles = new RecordTroubles();
  readonly #runs = new Map<BreakerReason, Run>();
  #upAtMs = -Infinity;
  /** A record of the current batch has passed. */
  #isUpForBatch = false;
  /** How many records are refused between two that are not: a running mean. */
  #usualRefusals = 0;

  /** Another batch begins, or another attempt at one. */
  begin(): void {
    this.#isUpForBatch = false;
  }

  /**
   * The last records of a batch of which others passed: these records may be at fault, and too few are left to try. The
   * next batch decides.
   */
  isTail(othersLeft: number): boolean {
    return this.#isUpForBatch && othersLeft < tailRecords;
  }

  /**
   * @param answeredAtMs when the API was seen to be up
   * @returns whether it ended a run
   */
  success(answeredAtMs: number): boolean {
    this.#isUpForBatch = true;
    this.#upAtMs = Math.max(this.#upAtMs, answeredAtMs);
    const refused = this.#runs.get('refusing');
    const hadFailures = this.restart();
    if (refused) this.#runs.set('refusing', refused);
    return hadFailures;
  }

  /**
   * The API accepted a record.
   * @returns whether it ended a run
   */
  accepted(answeredAtMs: number): boolean {
    this.#usualRefusals += ((this.#runs.get('refusing')?.length ?? 0) - this.#usualRefusals) / 4;
    this.#runs.delete('refusing');
    return this.success(answeredAtMs);
  }

  /**
   * @param record identifies the record
   * @param sentAtMs a failure of a request from before the last success says nothing: timeouts arrive long after the
   * answers to concurrent requests, and at a batch's end no request is left that could succeed between them
   */
  failure(
    reason: CountedReason,
    record: string,
    sentAtMs: number,
    { isSuspect, othersLeft, answeredAtMs }: FailureDetails = {
      isSuspect: false,
      othersLeft: Infinity,
      answeredAtMs: sentAtMs,
    },
  ): CountedFailure {
    if (reason === 'outage' && (sentAtMs <= this.#upAtMs || this.isTail(othersLeft))) return 'again';
    // A token that was valid when the request was sent may have been withdrawn before the answer.
    const run = this.#runOf(reason, reason === 'unauthorised' ? answeredAtMs : sentAtMs);
    const isNew = add(run, record, isSuspect);
    if (isReasonEnough(reason, run, othersLeft)) return 'opens';
    return isNew && !isSuspect ? 'counts' : 'again';
  }

  /**
   * A record was refused.
   * @returns whether so many were refused with this status that the records can't be at fault; and whether it is the most
   * frequent status
   */
  refusal(status: number, record: string, sentAtMs: number): { isEnough: boolean; isUsual: boolean } {
    const run = this.#runOf('refusing', sentAtMs);
    const isNew = add(run, record, false);
    const same = (run.statuses.get(status) ?? 0) + (isNew ? 1 : 0);
    run.statuses.set(status, same);
    return { isEnough: this.#isEnough(same), isUsual: isNew && same >= Math.max(...run.statuses.values()) };
  }

  /** The same, counted over all consumers: this consumer's own refusals must agree. */
  areRefusedTogether(refusals: number): boolean {
    const own = Math.max(0, ...(this.#runs.get('refusing')?.statuses.values() ?? []));
    return own >= askAfterRefusals && this.#isEnough(refusals);
  }

  #isEnough(refusals: number): boolean {
    return refusals >= recordsThatOpen.refusing + 10 * this.#usualRefusals;
  }

  /** When the run began; undefined if there is none. Milliseconds. */
  sinceMs(reason: BreakerReason): number | undefined {
    return this.#runs.get(reason)?.sinceMs;
  }

  /** The records of the run, each with its number of failures. */
  recordsOf(reason: BreakerReason): ReadonlyMap<string, number> {
    return new Map(this.#runs.get(reason)?.records);
  }

  /**
   * It is undecided whether the records or the API are at fault: the next record should be one that was never sent, from
   * further ahead, since records with the same fault are often adjacent.
   */
  get isAsking(): boolean {
    if (this.#runs.size === 0) return false;
    return [...this.#runs].some(
      ([reason, { records }]) => records.size >= (reason === 'refusing' ? askAfterRefusals : askAfterRecords),
    );
  }

  /** Other records pass: this run was about its records. */
  end(reason: BreakerReason): void {
    this.#runs.delete(reason);
  }

  /**
   * The breaker has been opened: after it closes, the count starts again.
   * @returns whether there was one
   */
  restart(): boolean {
    const hadFailures = this.#runs.size > (this.#runs.has('refusing') ? 1 : 0);
    // Called for each record that is accepted, and clearing makes a new table.
    if (this.#runs.size > 0) this.#runs.clear();
    return hadFailures;
  }

  #runOf(reason: BreakerReason, sinceMs: number): Run {
    const known = this.#runs.get(reason);
    if (known) return known;
    const run: Run = { sinceMs, length: 0, records: new Map(), fresh: 0, statuses: new Map() };
    this.#runs.set(reason, run);
    return run;
  }
}

/** @returns whether the record is new to the run */
function add(run: Run, record: string, isSuspect: boolean): boolean {
  const isNew = !run.records.has(record);
  run.length++;
  run.records.set(record, (run.records.get(record) ?? 0) + 1);
  if (isNew && !isSuspect) run.fresh++;
  return isNew;
}

function isReasonEnough(reason: CountedReason, run: Run, othersLeft: number): boolean {
  if (run.records.size >= suspectsThatOpen) return true;
  if (reason === 'throttled') return run.length >= (run.fresh > 0 ? throttlesThatOpen : suspectThrottlesThatOpen);
  if (run.fresh >= recordsThatOpen[reason]) return true;
  return reason === 'unauthorised' && othersLeft === 0 && run.length >= refusedTokensThatOpen * run.records.size;
}
