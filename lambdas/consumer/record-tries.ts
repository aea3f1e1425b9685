import type { FailureRun } from '../core/limiter/breaker.ts';
import { backoffMs, inPlace } from '../core/limiter/retry.ts';
import type { Clock } from '../ports.ts';
import type { OpenRecord, RecordQueue } from './record-queue.ts';
import type { Parked, Sendable, SendJournal, Verdict } from './sendable.ts';
import { patienceMs } from './sender-times.ts';
import type { Fault } from './sink-faults.ts';

export interface TriesOptions {
  queue: RecordQueue;
  journal: SendJournal;
  run: FailureRun;
  clock: Clock;
  random: () => number;
  mayFlush: boolean;
  hasFailed: boolean;
  onVerdict: (sendable: Sendable, verdict: Verdict) => void;
}

/** What follows a try: a verdict, another try, or no more tries in this attempt. */
export class RecordTries {
  readonly #options: TriesOptions;
  readonly parked: Parked[] = [];

  constructor(options: TriesOptions) {
    this.#options = options;
  }

  verdict(record: OpenRecord, verdict: Verdict): void {
    this.#options.onVerdict(record, verdict);
    this.#options.journal.close();
    this.#options.queue.settle(record);
  }

  refuse(record: OpenRecord, status: number, answer = ''): void {
    this.verdict(record, { kind: 'refused', answer, status, attempts: record.tries });
  }

  /** Leaves the record to the batch's successor. */
  park(record: OpenRecord, { status, reason, answer }: Fault): void {
    // If one of many machines refuses tokens, another may accept it in a later attempt; but 403 is about the record.
    const isOwn = this.#options.run.troubles.isBlamed(record.requestId) || this.isLetter(record);
    if (status === 403 && isOwn) return this.refuse(record, status, answer);
    const { place, requestId, tries: attempts } = record;
    this.parked.push({ place, requestId, attempts, status, reason, ...(answer === undefined ? {} : { answer }) });
    this.#options.journal.close();
  }

  /** Schedules the next try after one that is charged to the record, in this attempt or in a later one. */
  tryLater(record: OpenRecord, fault: Fault, atLeastMs: number, makeReady: () => void): void {
    const waitMs = Math.max(atLeastMs, this.backoffMs(record));
    // Longer waits happen in the queue.
    if (record.tries - record.waits >= inPlace.tries || waitMs > patienceMs) return this.park(record, fault);
    this.#options.queue.delay(waitMs, makeReady);
  }

  backoffMs({ tries }: OpenRecord): number {
    return backoffMs(inPlace, tries, this.#options.random());
  }

  /** Ready again; the try is not charged. */
  again(record: OpenRecord): void {
    record.tries--;
    this.#options.queue.putFirst(record);
  }

  askAgainAt(record: OpenRecord, timeMs: number): void {
    const { queue, clock } = this.#options;
    queue.delay(Math.max(0, timeMs - clock.now()), () => queue.putFirst(record));
  }

  /**
   * Whether others passed while the API failed on it before: another failure is charged if no other record is left to try.
   */
  isKnown({ isSuspect }: OpenRecord): boolean {
    return isSuspect && this.#options.hasFailed;
  }

  /** Whether it is a letter that has failed before: it can go back to its queue, and nothing waits for it. */
  isLetter(record: OpenRecord): boolean {
    return this.isKnown(record) && !this.#options.mayFlush;
  }
}
