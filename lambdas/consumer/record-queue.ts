import type { PauseEvidence } from '../core/limiter/pause-evidence.ts';
import type { Clock } from '../ports.ts';
import type { Sendable, SendJournal } from './sendable.ts';

/**
 * A record without a verdict, and what has come of its tries. A class, because a batch keeps a thousand of them: a literal
 * with another one spread into it takes twice the memory.
 */
export class OpenRecord implements Sendable {
  readonly place: number;
  readonly requestId: string;
  supersedes: Sendable['supersedes'];
  readonly json: string;
  readonly origin: Sendable['origin'];
  readonly leader: number | undefined;
  pauses: PauseEvidence | undefined;
  tries = 0;
  /** Those of the tries that are not charged to the record: the API asked everyone to wait. */
  waits = 0;
  isAllowed = false;
  /**
   * Whether a try ended with unknown outcome, so the record may be stored; and when the last such try is over at the API.
   */
  ambiguous = false;
  ambiguousUntilMs = -Infinity;
  /** It was sent on a connection that was already dead. */
  hadStaleConnection = false;
  /** An earlier attempt sent it, and it has not ended. */
  readonly isSuspect: boolean;
  /** Neither this attempt nor an earlier one has sent it. */
  isFresh: boolean;

  /** @param isSuspect an earlier attempt may have sent it */
  constructor(sendable: Sendable, isSuspect: boolean) {
    this.place = sendable.place;
    this.requestId = sendable.requestId;
    this.supersedes = sendable.supersedes;
    this.json = sendable.json;
    this.origin = sendable.origin;
    this.leader = sendable.leader;
    this.pauses = sendable.pauses;
    this.isSuspect = isSuspect;
    this.isFresh = !isSuspect;
  }
}

/** What a connection has taken. It may be exchanged for another record while it waits for its turn. */
export interface Hand {
  record: OpenRecord;
}

/** A record that may be the cause of failures lets this many others go first: their answers show whether it is. */
const othersFirst = 20;

/**
 * Records that share a fault are often adjacent, so other records are taken from up to this many places further on. No
 * further: all places in between count as sent if this consumer is killed (see batch-journal.ts).
 */
const askAhead = 40;

/**
 * The records of one sending that have no verdict. Each is in one state:
 *
 *     following ── verdict on its leader ──┐
 *     resting ──── its time has come ──────┤
 *     delayed ──── its time has come ──────┤
 *                                          ▼
 *                                        ready ── take ──▶ taken ── settle ──▶ (has a verdict)
 *                                          ▲                 │
 *                                          ├── put back ─────┤
 *                            delayed ◀─────│── delay ────────┤
 *                                          │                 └── parked: left to the batch's successor
 *
 * - following: an earlier record of the batch has the same request id; it is sent first, and its verdict decides both.
 * - resting: an earlier attempt was asked to wait because of this record.
 * - delayed: this attempt has tried it, and tries it again.
 * - taken: a connection waits for this record's turn, or for its answer.
 *
 * What always holds: a record is in one state at a time; no follower is sent before its leader has a verdict, so the
 * followers of a parked record stay; `fresh` is the number of ready and taken records that were never sent; when a record
 * leaves `taken` or `delayed`, everyone who waits for a change is woken.
 */
export class RecordQueue {
  readonly #clock: Clock;
  readonly #journal: Pick<SendJournal, 'get'>;
  readonly #random: () => number;
  readonly #signal: AbortSignal;
  #ready: OpenRecord[] = [];
  #resting: OpenRecord[] = [];
  /** By their leader's place. */
  readonly #following = new Map<number, OpenRecord[]>();
  #delayed = 0;
  #taken = 0;
  /** Of the taken ones, those that wait for their turn. */
  readonly #hands = new Set<Hand>();
  #fresh = 0;
  readonly #unsettled = new Set<OpenRecord>();
  #wake: (() => void)[] = [];

  constructor(options: { clock: Clock; journal: SendJournal; random: () => number; signal: AbortSignal }) {
    this.#clock = options.clock;
    this.#journal = options.journal;
    this.#random = options.random;
    this.#signal = options.signal;
  }

  /** Ready and taken records that were never sent. */
  get fresh(): number {
    return this.#fresh;
  }

  /** Requests still to be made, as far as is known. */
  get demand(): number {
    return this.#ready.length + this.#delayed;
  }

  /** Whether a record can still become ready without its time having come. */
  get isBusy(): boolean {
    return this.#taken + this.#delayed > 0;
  }

  add(records: readonly OpenRecord[]): void {
    for (const record of records) {
      this.#unsettled.add(record);
      const { leader } = record;
      if (leader === undefined || this.#journal.get(leader) !== undefined) this.#makeReady(record);
      else this.#following.set(leader, [...(this.#following.get(leader) ?? []), record]);
    }
    // Records that failed before go last: others show first whether the API works.
    this.#ready.sort((a, b) => Number(a.isSuspect) - Number(b.isSuspect));
  }

  #makeReady(record: OpenRecord): void {
    if (this.#isResting(record)) return void this.#resting.push(record);
    this.#ready.push(record);
    if (record.isFresh) this.#fresh++;
  }

  #isResting({ pauses }: OpenRecord): boolean {
    return pauses !== undefined && pauses.untilMs > this.#clock.now();
  }

  /**
   * Queues records whose time has come, after others that are ready. @returns when the next one is due; undefined without
   * one
   */
  wakeResting(): number | undefined {
    if (this.#resting.length === 0) return undefined;
    const rested = this.#resting.filter((record) => !this.#isResting(record));
    if (rested.length > 0) {
      this.#resting = this.#resting.filter((record) => this.#isResting(record));
      for (const record of rested) {
        if (record.isFresh) this.#fresh++;
        this.setAside(record);
      }
    }
    return this.#resting.length === 0
      ? undefined
      : Math.min(...this.#resting.map(({ pauses }) => pauses?.untilMs ?? 0));
  }

  /** @param isAsking for a record that was never sent: its answer shows whether the API works */
  take(isAsking: boolean): OpenRecord | undefined {
    const fresh = isAsking ? this.#ready.slice(0, askAhead + 1).findLastIndex(({ isFresh }) => isFresh) : -1;
    const record = this.#takeAt(fresh) ?? this.#ready.shift();
    if (record) this.#taken++;
    return record;
  }

  #takeAt(index: number): OpenRecord | undefined {
    return index < 0 ? undefined : this.#ready.splice(index, 1)[0];
  }

  /** The record waits for its turn. */
  hold(hand: Hand): void {
    this.#hands.add(hand);
  }

  release(hand: Hand): void {
    this.#hands.delete(hand);
  }

  /** The connection has done with what it took: the record is in another state. */
  returned(): void {
    this.#taken--;
    this.changed();
  }

  /**
   * Exchanges a hand's record for a better probe: one that can't have opened the breaker, if there is one; otherwise not
   * always the same record.
   */
  chooseProbe(hand: Hand): void {
    if (hand.record.isFresh) return;
    const other = [...this.#hands].find(({ record }) => record.isFresh);
    if (other) {
      [hand.record, other.record] = [other.record, hand.record];
      return;
    }
    const anyone = Math.floor(this.#random() * (this.#ready.length + 1)) - 1;
    const unasked = hand.record.pauses ? this.#ready.findIndex(({ pauses }) => !pauses) : -1;
    const fresh = this.#ready.findIndex(({ isFresh }) => isFresh);
    const chosen = this.#takeAt(fresh) ?? this.#takeAt(unasked) ?? this.#takeAt(anyone);
    if (!chosen) return;
    this.putFirst(hand.record);
    hand.record = chosen;
  }

  putFirst(record: OpenRecord): void {
    this.#ready.unshift(record);
  }

  putLast(record: OpenRecord): void {
    this.#ready.push(record);
  }

  setAside(record: OpenRecord, others = othersFirst): void {
    this.#ready.splice(others, 0, record);
  }

  /** @param then makes the record ready; without one, only what waits for a change goes on */
  delay(ms: number, then: () => void = () => undefined): void {
    this.#delayed++;
    void this.#clock.sleep(ms, this.#signal).then(() => {
      this.#delayed--;
      then();
      this.changed();
    });
  }

  /** The record's first request is sent now. */
  sent(record: OpenRecord): void {
    if (record.isFresh) this.#fresh--;
    record.isFresh = false;
  }

  /** The record has a verdict. */
  settle(record: OpenRecord): void {
    this.#unsettled.delete(record);
    const followers = this.#following.get(record.place) ?? [];
    this.#ready.unshift(...followers);
    this.#fresh += followers.filter(({ isFresh }) => isFresh).length;
    this.#following.delete(record.place);
  }

  /** Whether the API has asked to wait for all records without a verdict. */
  asksToWait(): boolean {
    return [...this.#unsettled].every(({ pauses }) => pauses !== undefined);
  }

  /** When the last try that may have stored a record without a verdict is over. */
  ambiguousUntil(): number | undefined {
    const ends = [...this.#unsettled].flatMap((record) => (record.ambiguous ? [record.ambiguousUntilMs] : []));
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  /** By place: records without a verdict for which the API has asked to wait. */
  pauses(): Map<number, PauseEvidence> {
    return new Map([...this.#unsettled].flatMap(({ place, pauses }) => (pauses ? [[place, pauses]] : [])));
  }

  /** Places of records without a verdict that may have been sent. */
  tried(): Set<number> {
    return new Set([...this.#unsettled].flatMap(({ place, isFresh }) => (isFresh ? [] : [place])));
  }

  /** Resolves with the next change. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  /** Wakes everyone who waits for a change. */
  changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}
