import { RecordTroubles } from './record-troubles.ts';

/**
 * When an API is left alone for a while. The state is shared (in the limiter's item). What counts towards opening is each
 * consumer's own run of failures, so that nothing has to be written while all is well; an outage is counted over all
 * consumers besides, since each of many may have too few requests to notice.
 */

/**
 * Why the breaker opens. `throttled`: 429 again and again; `unauthorised`: the token is turned down; `outage`: whatever is
 * sent fails; `refusing`: whatever is sent is refused with the same status, as when the API's path is gone.
 */
export type BreakerReason = 'throttled' | 'unauthorised' | 'outage' | 'refusing';

/** How long nobody sends once it is open. Milliseconds. */
export const breakerPauseMs = 60_000;

/** A probe that has not told its end by then is taken to be dead. Milliseconds. */
export const probeLeaseMs = 45_000;

/**
 * A record that has failed before is a bad probe: it may fail for a reason of its own. Whoever has no other waits for so
 * much longer, and everybody who has one goes first. Milliseconds.
 */
export const suspectProbeDelayMs = 20_000;

/** Failed probes of one opening after which the batch in hand is given up, so that somebody sees to it. */
export const flushAfterProbes = 5;

/**
 * Probes in a row, all made by records that had failed before, after which one that is still answered 403 is refused: there
 * has been no other record to ask with. About 20 minutes.
 */
export const refuseAfterLoneProbes = 15;

/** Records that were never sent before, without a success between them, that open the breaker. */
const recordsThatOpen: Record<Exclude<BreakerReason, 'throttled'>, number> = {
  // The secret was read anew before the first of these counted.
  unauthorised: 10,
  // An outage fails whatever is sent, and a few that the API chokes on are none.
  outage: 10,
  // Each has its dead letter. More in a file that is refused in part: see `usualRefusals`.
  refusing: 80,
};

/** Answers 429 that do so, of whatever records; and of records that have failed before, where nothing else is sent. */
const throttlesThatOpen = 10;
const suspectThrottlesThatOpen = 3;

/** Answers 401 or 403 that do so per record, where there is no other record to ask with. */
const refusedTokensThatOpen = 4;

/** Records that failed in an earlier attempt say little: it takes so many, where nothing else is sent. */
const suspectsThatOpen = 50;

/** From so many records on, others are asked first: see `isAsking`. Single refusals are every day's work. */
const askAfterRecords = 2;
const askAfterRefusals = 5;

/** With fewer records left in a batch that were never sent, it can't be told whether only they fail. */
const tailRecords = 20;

/**
 * The same for an outage over all consumers. A consumer that has a success tells it with its next lease, at the latest
 * seconds after it: a run must have lasted for longer than that. Nor may it take for ever. Milliseconds.
 */
export const sharedOutage = { records: 10, shortestMs: 5_000, longestMs: 120_000 };

/** `opens`: reason enough by itself; `counts`: a record that the run had not seen; `again`: one that it had, or that says nothing. */
export type CountedFailure = 'opens' | 'counts' | 'again';

export interface FailureDetails {
  /** It was sent in an earlier attempt and has no end: it may be what fails, and not the API. */
  isSuspect: boolean;
  /** Records at hand that were never sent, and go first. */
  othersLeft: number;
  answeredAtMs: number;
}

interface Run {
  /** From here on, a request of somebody else that passes speaks against it. Milliseconds. */
  sinceMs: number;
  length: number;
  /** Each with how often it failed. */
  readonly records: Map<string, number>;
  /** Of the records, those that are no suspects. */
  fresh: number;
  /** Of refusals: how many records had which. They count together only where they are the same. */
  readonly statuses: Map<number, number>;
}

/** A process's runs of failures: one for each reason, all ended by a success. */
export class FailureRun {
  readonly troubles = new RecordTroubles();
  readonly #runs = new Map<BreakerReason, Run>();
  #upAtMs = -Infinity;
  /** A record of the batch at hand has passed. */
  #isUpForBatch = false;
  /** How many records are refused between two that are not: a running mean. */
  #usualRefusals = 0;

  /** Another batch begins, or another attempt at one. */
  begin(): void {
    this.#isUpForBatch = false;
  }

  /**
   * The last of a batch of which others passed: they may be what fails, and there are too few left to ask. The next batch
   * tells.
   */
  isTail(othersLeft: number): boolean {
    return this.#isUpForBatch && othersLeft < tailRecords;
  }

  /** @param answeredAtMs when the API showed that it is up. @returns whether it ended a run */
  success(answeredAtMs: number): boolean {
    this.#isUpForBatch = true;
    this.#upAtMs = Math.max(this.#upAtMs, answeredAtMs);
    const refused = this.#runs.get('refusing');
    const hadFailures = this.restart();
    if (refused) this.#runs.set('refusing', refused);
    return hadFailures;
  }

  /** The API took a record. @returns whether it ended a run */
  accepted(answeredAtMs: number): boolean {
    this.#usualRefusals += ((this.#runs.get('refusing')?.length ?? 0) - this.#usualRefusals) / 4;
    this.#runs.delete('refusing');
    return this.success(answeredAtMs);
  }

  /**
   * @param record tells one record from another
   * @param sentAtMs a failure of a request from before the last success says nothing: time-outs come long after what
   * was sent beside them was answered, and at a batch's end there is nothing left that could succeed between them
   */
  failure(
    reason: Exclude<BreakerReason, 'refusing'>,
    record: string,
    sentAtMs: number,
    { isSuspect, othersLeft, answeredAtMs }: FailureDetails = {
      isSuspect: false,
      othersLeft: Infinity,
      answeredAtMs: sentAtMs,
    },
  ): CountedFailure {
    if (reason === 'outage' && (sentAtMs <= this.#upAtMs || this.isTail(othersLeft))) return 'again';
    // A token that was good when the request went out may have been withdrawn before it was answered.
    const run = this.#runOf(reason, reason === 'unauthorised' ? answeredAtMs : sentAtMs);
    const isNew = add(run, record, isSuspect);
    if (isReasonEnough(reason, run, othersLeft)) return 'opens';
    return isNew && !isSuspect ? 'counts' : 'again';
  }

  /**
   * A record was refused. @returns whether so many were, all with this status, that it can't be the records; and whether
   * it is the status that most were refused with
   */
  refusal(status: number, record: string, sentAtMs: number): { isEnough: boolean; isUsual: boolean } {
    const run = this.#runOf('refusing', sentAtMs);
    const isNew = add(run, record, false);
    const same = (run.statuses.get(status) ?? 0) + (isNew ? 1 : 0);
    run.statuses.set(status, same);
    return { isEnough: this.#isEnough(same), isUsual: isNew && same >= Math.max(...run.statuses.values()) };
  }

  /** The same, counted over all consumers: what this one alone was refused must say so as well. */
  areRefusedTogether(refusals: number): boolean {
    const own = Math.max(0, ...(this.#runs.get('refusing')?.statuses.values() ?? []));
    return own >= askAfterRefusals && this.#isEnough(refusals);
  }

  #isEnough(refusals: number): boolean {
    return refusals >= recordsThatOpen.refusing + 10 * this.#usualRefusals;
  }

  /** When the run began; undefined where there is none. Milliseconds. */
  sinceMs(reason: BreakerReason): number | undefined {
    return this.#runs.get(reason)?.sinceMs;
  }

  /** The records that the run is about, each with how often it failed. */
  recordsOf(reason: BreakerReason): ReadonlyMap<string, number> {
    return new Map(this.#runs.get(reason)?.records);
  }

  /**
   * It is open whose trouble it is: what comes next should be a record that was never sent, from further ahead, since
   * records that share a fault often stand together.
   */
  get isAsking(): boolean {
    return [...this.#runs].some(
      ([reason, { records }]) => records.size >= (reason === 'refusing' ? askAfterRefusals : askAfterRecords),
    );
  }

  /** Others pass: this run was about its records. */
  end(reason: BreakerReason): void {
    this.#runs.delete(reason);
  }

  /** The breaker has been opened: once it is closed again, the count begins anew. @returns whether there was one */
  restart(): boolean {
    const hadFailures = this.#runs.size > (this.#runs.has('refusing') ? 1 : 0);
    this.#runs.clear();
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

function isReasonEnough(reason: Exclude<BreakerReason, 'refusing'>, run: Run, othersLeft: number): boolean {
  if (run.records.size >= suspectsThatOpen) return true;
  if (reason === 'throttled') return run.length >= (run.fresh > 0 ? throttlesThatOpen : suspectThrottlesThatOpen);
  if (run.fresh >= recordsThatOpen[reason]) return true;
  return reason === 'unauthorised' && othersLeft === 0 && run.length >= refusedTokensThatOpen * run.records.size;
}
