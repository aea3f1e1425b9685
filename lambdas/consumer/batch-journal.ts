import { ContradictionError, LeaseLostError } from '../core/errors.ts';
import type { DoneRecord, Progress } from '../core/account/progress.ts';
import { encodeProgress, ProgressEncoder } from '../core/account/progress.ts';
import type { SendRate } from '../core/limiter/send-rate.ts';
import type { UnnotedLetter } from '../messages.ts';
import type { BatchLedger, ClaimEnd, Clock, DeadLedger, LetterQueue, PayloadStore } from '../ports.ts';

/**
 * A killed consumer repeats at most this many requests, or as many as it sends in a second if those are more: no more are
 * sent beyond its saved progress.
 */
export const fewestUnsaved = 50;

/** Saving begins at least this many places before the fence, so that no request waits there; at most half of the way. */
const fewestAhead = 2;

/** Progress is saved at the latest after this, however slow the API's rate is. Milliseconds. */
const saveEveryMs = 30_000;

/** Twice as long: a lease survives one late save. Milliseconds. */
export const batchLeaseMs = 60_000;

/** A letter on its way to the queue, and its record's bytes. */
export interface UnsentLetter {
  letter: UnnotedLetter;
  bytes: Buffer;
}

export interface JournalOptions {
  fileId: string;
  batch: number;
  owner: string;
  saved: Progress;
  ledger: Pick<BatchLedger, 'saveProgress' | 'releaseBatch'> & Pick<DeadLedger, 'noteLetters'>;
  letters: LetterQueue;
  payloads: Pick<PayloadStore, 'putPayload'>;
  clock: Pick<Clock, 'now'>;
  rate: SendRate;
}

/**
 * Tracks and saves the outcomes of a batch's records. Crash safety depends on the order: a failed record's outcome is saved
 * with a letter owed before its payload is stored, the payload before the letter that points to it is noted, the letter is
 * noted before it is queued, and it is queued before it is no longer owed and before the batch is settled. And no record is
 * sent before the ledger says that it may have been. So a record that has a letter has ended: no later attempt holds or sends
 * it.
 */
export class BatchJournal {
  /** When this attempt sent its first request. Milliseconds since 1970. */
  firstSentAt: number | undefined;
  readonly #options: JournalOptions;
  readonly #done = new Map<number, DoneRecord>();
  readonly #encoder = new ProgressEncoder();
  /** Places begun, done or not: a successor must treat them as sent. */
  #next: number;
  #fence: number;
  /** Places for which a request was sent. */
  #sent = 0;
  #open = 0;
  #unsentLetters: UnsentLetter[] = [];
  /** Of so many of the done, the first ones, no letter is owed. */
  #lettered: number;
  /** Groups of letters that were noted. */
  #notes = 0;
  #unsaved = 0;
  /** The most records that may be sent without a saved outcome, as of the last save. */
  #maxUnsaved = fewestUnsaved;
  /** Places begun during a save, and some more: the next save begins this many places ahead of the fence. */
  #ahead: number;
  #savedAt: number;
  #saving: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  constructor(options: JournalOptions) {
    this.#options = options;
    for (const record of options.saved.done) this.#add(record);
    this.#lettered = options.saved.done.length - (options.saved.owed ?? 0);
    this.#fence = options.saved.fence;
    this.#next = options.saved.fence;
    this.#savedAt = options.clock.now();
    this.#ahead = options.rate.duringSave ?? fewestUnsaved / 2;
  }

  get(place: number): DoneRecord | undefined {
    return this.#done.get(place);
  }

  /** Whether an earlier attempt may have sent this record with an unknown outcome. */
  mayHaveBeenSent(place: number): boolean {
    return place < this.#options.saved.fence && !this.#done.has(place);
  }

  /**
   * The record is about to be sent: the ledger must list its place as possibly sent. Undefined if it does; otherwise resolves
   * once it does.
   */
  allow(place: number): Promise<void> | undefined {
    this.#throwFailure();
    this.#next = Math.max(this.#next, place + 1);
    this.#open++;
    if (this.#isBeyond(place)) return this.#saveUntilWithin(place);
    this.#saveIfDue();
    return undefined;
  }

  /** Records are not always sent in order: places before the fence that are sent late count too. */
  #isBeyond(place: number): boolean {
    return place >= this.#fence || (this.#unsaved > 0 && this.#unsaved + this.#open > this.#maxUnsaved);
  }

  async #saveUntilWithin(place: number): Promise<void> {
    while (this.#isBeyond(place)) await this.save();
    this.#saveIfDue();
  }

  #saveIfDue(): void {
    if (this.#saving) return;
    const isDue =
      this.#next + this.#ahead > this.#fence || this.#unsaved + this.#ahead > this.#maxUnsaved || this.#isOverdue();
    if (isDue) void this.save().catch((error: unknown) => (this.#failure ??= { error }));
  }

  /** Notes that the request is sent now. */
  sending(place: number, now: number): void {
    this.#sent = Math.max(this.#sent, place + 1);
    this.firstSentAt ??= now;
    this.#options.rate.note(now);
  }

  /** Whether this attempt or an earlier one may have sent the record. */
  wasSent(place: number): boolean {
    return place < Math.max(this.#sent, this.#options.saved.fence);
  }

  /** Renews the lease if nothing else has for a while: long series of tries save nothing. */
  keepAlive(): void {
    if (this.#saving || this.#options.clock.now() - this.#savedAt <= saveEveryMs) return;
    void this.save().catch((error: unknown) => (this.#failure ??= { error }));
  }

  record(done: DoneRecord, unsent?: UnsentLetter): void {
    this.#add(done);
    this.#unsaved++;
    if (unsent) this.#unsentLetters.push(unsent);
  }

  /** An attempt before may have been killed before it sent the letter. If it was sent, the second one is surplus. */
  repeatLetter(unsent: UnsentLetter): void {
    this.#unsentLetters.push(unsent);
  }

  #add(done: DoneRecord): void {
    if (this.#done.has(done.place))
      throw new ContradictionError(`The record at position ${done.place} already has an outcome.`);
    this.#done.set(done.place, done);
    this.#encoder.add(done);
  }

  /** Notes the outcome of a record that was allowed. */
  close(): void {
    this.#open--;
  }

  /** Saves, renews the lease, and sends the letters of what was saved. @throws LeaseLostError */
  save(): Promise<void> {
    return (this.#saving ??= this.#save(batchLeaseMs).finally(() => (this.#saving = undefined)));
  }

  /** Saves for the last time and releases the lease, for a successor to claim. @throws LeaseLostError */
  async handOver(): Promise<void> {
    await this.finish();
    await this.#save(0);
  }

  /**
   * Releases the lease, so that the failed message can be tried again soon. Saves what has ended, if that still works, so
   * that an outage of another service repeats no request.
   */
  async abandon(end: ClaimEnd): Promise<void> {
    await this.#saving?.catch(() => undefined);
    const { fileId, batch, owner, ledger } = this.#options;
    if (end === 'failed') return ledger.releaseBatch(fileId, batch, owner, end);
    await this.handOver().catch(() => ledger.releaseBatch(fileId, batch, owner, end));
  }

  /** Before the batch is settled or handed over: every letter is in its queue. @throws LeaseLostError */
  async finish(): Promise<void> {
    await this.#saving;
    this.#throwFailure();
    while (this.#unsentLetters.length > 0) await this.save();
  }

  /** Progress for the consumer that later sends the held records: all others have ended, and none of these was sent. */
  endsButHeld(): Uint8Array {
    const done = [...this.#done.values()].filter(({ outcome }) => outcome !== 'held');
    return encodeProgress({ done, fence: 0 });
  }

  async #save(leaseMs: number): Promise<void> {
    const { fileId, batch, owner, ledger, clock, rate } = this.#options;
    this.#savedAt = clock.now();
    this.#maxUnsaved = Math.max(fewestUnsaved, rate.aSecond(this.#savedAt));
    const fence =
      leaseMs === 0
        ? Math.max(this.#sent, this.#options.saved.fence)
        : Math.max(this.#fence, this.#next + Math.max(1, this.#maxUnsaved - this.#open));
    // Nothing is awaited between these three: they are about the same records.
    const letters = this.#unsentLetters.length;
    const ended = this.#done.size;
    const progress = this.#encoder.encode(fence, letters === 0 ? 0 : ended - this.#lettered);
    this.#unsaved = 0;
    const begunBefore = this.#next;
    if (!(await ledger.saveProgress(fileId, batch, owner, progress, leaseMs))) {
      throw new LeaseLostError(`Batch ${batch} of the file ${fileId} now belongs to another consumer.`);
    }
    this.#fence = fence;
    const begunMeanwhile = this.#next - begunBefore;
    // Grows fast and shrinks slowly: waiting at the fence costs slots, an extra save costs only a write.
    const wanted = Math.max(2 * begunMeanwhile + 1, Math.floor(0.8 * this.#ahead));
    this.#ahead = Math.min(this.#maxUnsaved / 2, Math.max(fewestAhead, wanted));
    this.#options.rate.duringSave = this.#ahead;
    await this.#sendLetters(letters);
    this.#lettered = ended;
  }

  #isOverdue(): boolean {
    return this.#unsaved > 0 && this.#options.clock.now() - this.#savedAt > saveEveryMs;
  }

  /** @param count the first so many: these are owed */
  async #sendLetters(count: number): Promise<void> {
    if (count === 0) return;
    const letters = this.#unsentLetters.slice(0, count);
    const { fileId, owner, ledger, payloads } = this.#options;
    // Nothing points to these objects yet: without a letter, they expire by the bucket's lifecycle rule.
    await Promise.all(
      letters.map(async ({ letter: { payload_key: key }, bytes }) => {
        if (key !== undefined) await payloads.putPayload(key, bytes);
      }),
    );
    // Noted in the ledger first: a letter that comes back is compared with its note. Each attempt has a new owner name.
    const unnoted = letters.map(({ letter }) => letter);
    const noted = await ledger.noteLetters(fileId, `${owner}-${this.#notes++}`, unnoted);
    await this.#options.letters.sendLetters(noted);
    this.#unsentLetters.splice(0, count);
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
