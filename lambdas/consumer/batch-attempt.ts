import type { FileAccount } from '../core/account/file-account.ts';
import type { OutcomeCounts } from '../core/account/outcome.ts';
import type { DoneRecord, FailedRecord, Progress, RecordEnd } from '../core/account/progress.ts';
import { hasFailed, lettersOwed } from '../core/account/progress.ts';
import { rawOf } from '../core/account/receipt-of.ts';
import { sourceFieldsOf } from '../core/account/source-uri.ts';
import { letterOf } from '../core/dead-letters/letter-of.ts';
import type { PreparedRecord } from '../core/records/prepare-record.ts';
import type { PlannedRecord } from '../core/series/revision-plan.ts';
import { decodePlans } from '../core/series/revision-plan.ts';
import type { BatchMessage } from '../messages.ts';
import type { BatchJournal, UnsentLetter } from './batch-journal.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import { firstPlaces } from './first-places.ts';

interface Begun {
  message: BatchMessage;
  file: FileAccount;
  owner: string;
  records: PreparedRecord[];
  journal: BatchJournal;
  /** The same as the journal's. */
  saved: Progress;
  replaces: OutcomeCounts | undefined;
  begunAt: number;
}

/** One attempt at a batch that this consumer has claimed: its records, and what has become of them so far. */
export class BatchAttempt {
  readonly ports: ConsumerPorts;
  readonly message: BatchMessage;
  /** As of the claim, or since it was stopped. */
  file: FileAccount;
  readonly owner: string;
  readonly records: readonly PreparedRecord[];
  /** One per record. */
  readonly plans: readonly PlannedRecord[];
  readonly journal: BatchJournal;
  /** The first place of each request id. */
  readonly firstPlaceOf: ReadonlyMap<string, number>;
  /** The counts of a batch that was settled with records held, which are sent now. */
  readonly replaces: OutcomeCounts | undefined;
  /** Milliseconds since 1970. */
  readonly begunAt: number;

  constructor(ports: ConsumerPorts, begun: Begun) {
    this.ports = ports;
    this.message = begun.message;
    this.file = begun.file;
    this.owner = begun.owner;
    this.records = begun.records;
    this.plans = decodePlans(begun.message, begun.records.length);
    this.journal = begun.journal;
    this.firstPlaceOf = firstPlaces(begun.records);
    this.replaces = begun.replaces;
    this.begunAt = begun.begunAt;
    for (const done of lettersOwed(begun.saved)) this.journal.repeatLetter(this.#letterFor(done));
  }

  /** The batch, in a line of the log. */
  get logged(): Record<string, unknown> {
    const { fileId, batch, attempt } = this.message;
    return { correlation_id: fileId, batch, attempt };
  }

  /** The places of records that have not ended. */
  left(): number[] {
    return [...this.records.keys()].filter((place) => !this.journal.get(place));
  }

  /** Whether the API has accepted a record of the batch, in this attempt or an earlier one. */
  hasUploaded(): boolean {
    return this.records.some((_, place) => this.journal.get(place)?.outcome === 'uploaded');
  }

  /** Notes how a record has ended, with a letter if it has failed. */
  end(place: number, how: RecordEnd): void {
    const done: DoneRecord = { place, at: this.ports.clock.now(), ...how };
    const earlier = this.plans[place]?.earlier;
    if (earlier) done.earlier = earlier;
    this.journal.record(done, hasFailed(done) ? this.#letterFor(done) : undefined);
  }

  #letterFor({ place, ...how }: FailedRecord): UnsentLetter {
    const record = this.records[place] as PreparedRecord;
    const { result } = record;
    const problem = result.kind === 'rejected' ? result.problem : undefined;
    const letter = letterOf(
      this.file,
      {
        batch: this.message.batch,
        ...record,
        ...{ raw: rawOf(record), earlier: how.earlier },
        ...sourceFieldsOf(record.source),
      },
      {
        outcome: how.outcome,
        reason: problem?.reason ?? how.reason ?? 'unknown',
        error: problem?.message ?? how.error ?? '',
        field: problem?.field ?? null,
        status: how.status,
        answer: how.answer ?? null,
        requestId: result.kind === 'good' ? result.requestId : null,
        attempts: how.attempts,
      },
      this.ports.clock.now(),
    );
    return { letter, bytes: record.bytes };
  }
}
