import { requestIdOf, suffixIn } from '../records/identity.ts';
import type { PreparedRecord } from '../records/prepare-record.ts';
import { certainBases } from './revision.ts';
import type { KnownRecords, NotedRecord, RecordPlan, RevisionCounts } from './known-records.ts';

/** A record of an earlier revision. */
export interface EarlierRecord {
  /** The revision's place among those that are compared with; 0 is the newest. */
  base: number;
  record: number;
  /** The API may have something else of it than the revision's file. */
  isUncertain: boolean;
}

/** A record that the API does not have as it is: new, or, with an earlier record, changed. */
export interface NotedChange {
  earlier?: EarlierRecord;
}

/**
 * Under which request ids the API has an earlier version of a record, or may have it: suffixes of revisions' request ids
 * (core/records/identity.ts), the newest first. With the record's identity, each of them gives an id. At the end, null: the API may have none.
 */
export type EarlierVersions = (string | null)[];

/** The request ids of a record's earlier versions; null as in `EarlierVersions`. */
export const supersededIds = (identity: readonly string[], earlier: EarlierVersions): (string | null)[] =>
  earlier.map((sentAs) => (sentAs === null ? null : requestIdOf(identity, ...suffixIn(sentAs))));

/** What becomes of a record. */
export interface PlannedRecord {
  plan: RecordPlan;
  /**
   * Of an unchanged record: the revision that it was sent in. Of a record that is sent: what it supersedes; absent if that
   * is nothing, or if the API replaces records by a key of its own.
   */
  earlier?: EarlierVersions;
}

export interface PlanSize {
  records: number;
  /** How many of them need no request. */
  unsent: number;
  /** At most so many are in a batch's message for the lists of earlier versions. */
  earlierBytes: number;
}

const sent: PlannedRecord = { plan: 'send' };

/** Records for which a plan has room at first. */
const firstRoom = 4096;

/**
 * A revision's records compared with what the API has of the revisions before. All of them are noted, in order; from then on
 * the plan has two bytes for each, and every cut of the file, from any position on, gives the same plan.
 */
export class RevisionPlan {
  #known: readonly KnownRecords[];
  /** The newest one, and those before it as long as a newer one was stopped: the first that has a record says what the API has. */
  #certain: readonly KnownRecords[];
  /** A record that is sent names the request ids that it supersedes. */
  readonly supersedes: boolean;
  /** All records are sent, also those that the API has. */
  readonly isWhole: boolean;
  readonly #counts = { unchanged: 0, changed: 0, added: 0 };
  #removed: number | undefined;
  /** One object for all records that have the same plan; the first is that of records without one. */
  readonly #planned: PlannedRecord[] = [sent];
  readonly #numbers = new Map<string, number>();
  /** By the record's number: its place in `#planned`. */
  #ofRecords = new Uint16Array(firstRoom);
  /** Of the file, rejected ones included. */
  #records = 0;
  /** What `sentUpTo` has counted: it is asked for one position after the other. */
  #countedTo = 0;
  #sentUpTo = 0;

  /**
   * @param known the newest first. An identity that only an older one has was removed from the newest, or its record there
   * failed: whether the API still has it is not known, so it counts as changed. It is known if the newer one was stopped
   * before it was sent whole: no one has removed anything since.
   */
  constructor(known: readonly KnownRecords[], supersedes = false, isWhole = false) {
    this.#known = known;
    this.#certain = known.slice(0, certainBases(known));
    this.supersedes = supersedes;
    this.isWhole = isWhole;
  }

  /** Undefined if the record is unchanged, or rejected. */
  note({ record, result, sha256 }: Pick<PreparedRecord, 'record' | 'result' | 'sha256'>): NotedChange | undefined {
    this.#records = record;
    if (result.kind !== 'good') return undefined;
    const { identity } = result;
    let noted: NotedRecord | undefined;
    for (const known of this.#certain) {
      const here = known.note(known.requestIdOf(identity), sha256);
      noted ??= here;
    }
    const plan = this.isWhole ? 'send' : noted?.plan;
    if (noted && plan === 'unchanged') this.#plan(record, 'unchanged', noted.sentIn, [noted.sentIn]);
    else if (plan === 'repeated') this.#plan(record, 'repeated', 'repeated', []);
    else if (this.supersedes) this.#planSuperseding(record, identity);
    if (noted?.isSame) {
      this.#counts.unchanged++;
      return undefined;
    }
    const earlier = this.#earlierOf(identity);
    this.#counts[earlier ? 'changed' : 'added']++;
    return earlier ? { earlier } : {};
  }

  #earlierOf(identity: readonly string[]): EarlierRecord | undefined {
    for (const [base, known] of this.#known.entries()) {
      const id = known.requestIdOf(identity);
      const record = known.recordOf(id);
      if (record !== undefined)
        return { base, record, isUncertain: base >= this.#certain.length || known.isUncertain(id) };
    }
    return undefined;
  }

  /** Numbers of an earlier revision's records that this one does not have, in no order. @param base its place */
  removedRecords(base: number): Iterable<number> {
    return this.#certain[base]?.removedRecords() ?? [];
  }

  /** Whether a newer revision than this base had another version of the removed record, which is listed there. */
  isListedBefore(identity: readonly string[], base: number): boolean {
    return this.#certain.slice(0, base).some((known) => known.listsAsRemoved(known.requestIdOf(identity)));
  }

  /** Whether a removed record is known under the identity that it has in its file: a person may have corrected that. */
  isRemovedAs(identity: readonly string[], { base, record }: { base: number; record: number }): boolean {
    const known = this.#certain[base];
    return known?.isRemoved(known.requestIdOf(identity), record) === true;
  }

  /** @param record its number in the file */
  planOf(record: number): PlannedRecord {
    return this.#planned[this.#ofRecords[record] ?? 0] ?? sent;
  }

  /** Of all records that were noted. */
  get size(): PlanSize {
    const records = this.#records;
    const earlierBytes = JSON.stringify(this.#planned.map(({ earlier }) => earlier)).length;
    return { records, unsent: records - this.sentUpTo(records), earlierBytes };
  }

  /** How many of the file's first records are sent, or rejected: those that the API, or a person, must deal with. */
  sentUpTo(record: number): number {
    if (record < this.#countedTo) [this.#countedTo, this.#sentUpTo] = [0, 0];
    while (this.#countedTo < record) if (this.planOf(++this.#countedTo).plan === 'send') this.#sentUpTo++;
    return this.#sentUpTo;
  }

  /** Frees what only comparing needs. Removed records can't be listed after that. */
  forgetKnown(): void {
    this.#removed = this.counts.removed;
    this.#known = [];
    this.#certain = [];
  }

  #planSuperseding(record: number, identity: readonly string[]): void {
    const earlier = this.#supersededBy(identity);
    if (earlier.length > 0) this.#plan(record, 'send', `supersedes ${earlier.join()}`, earlier);
  }

  /** @param key the same for all records that have this plan */
  #plan(record: number, plan: RecordPlan, key: string, earlier: EarlierVersions): void {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#planned.push(earlier.length > 0 ? { plan, earlier } : { plan }) - 1;
      if (number > 0xffff) throw new RangeError('The records of the revision have too many different plans.');
      this.#numbers.set(key, number);
    }
    if (record >= this.#ofRecords.length) {
      const room = new Uint16Array(Math.max(2 * this.#ofRecords.length, record + 1));
      room.set(this.#ofRecords);
      this.#ofRecords = room;
    }
    this.#ofRecords[record] = number;
  }

  /**
   * What a record with this identity supersedes. The API has it under the id of the newest revision that has certainly sent
   * it. A newer one that is in doubt may have superseded that; and after a newer one without it, a person may have removed
   * it.
   */
  #supersededBy(identity: readonly string[]): EarlierVersions {
    const earlier: (string | null)[] = [];
    let mayBeRemoved = false;
    for (const known of this.#known) {
      const place = known.placeOf(known.requestIdOf(identity));
      if (!place) {
        mayBeRemoved ||= !known.isPartial;
        continue;
      }
      earlier.push(place.sentIn);
      // What a person has entered has no request id: another entry of it must not be made.
      if (place.isByHand) return earlier;
      if (!place.isInDoubt) return mayBeRemoved ? [...earlier, null] : earlier;
    }
    return earlier.length === 0 ? [] : [...earlier, null];
  }

  /** Removed are the identities of the newest earlier revision that this one does not have. */
  get counts(): RevisionCounts {
    const removed = this.#removed ?? this.#certain.reduce((sum, known) => sum + known.removed, 0);
    return { ...this.#counts, removed };
  }
}

/** How a record ends that is not sent. */
export const knownOutcome = { send: undefined, unchanged: 'unchanged', repeated: 'duplicate' } as const;

const plans = ['send', 'unchanged', 'repeated'] as const;

/** The plans of a batch's records, as its message has them. */
export interface BatchPlans {
  /** Two bits for each record, base64. Absent if all are sent. */
  plans?: string | undefined;
  /** Absent if no record has earlier versions: the lists, and for each record which of them it has, from 1; 16 bits each. */
  earlier?: { lists: EarlierVersions[]; of: string } | undefined;
}

/** Undefined if all records are sent, and supersede nothing. */
export function encodePlans(ofRecords: readonly PlannedRecord[]): BatchPlans | undefined {
  const bits = new Uint8Array(Math.ceil(ofRecords.length / 4));
  const of = Buffer.alloc(2 * ofRecords.length);
  const lists = new Map<EarlierVersions, number>();
  let isAnyKept = false;
  for (const [place, { plan, earlier }] of ofRecords.entries()) {
    const index = place >> 2;
    bits[index] = (bits[index] ?? 0) | (plans.indexOf(plan) << (2 * (place & 3)));
    isAnyKept ||= plan !== 'send';
    if (!earlier) continue;
    const number = lists.get(earlier) ?? lists.size + 1;
    lists.set(earlier, number);
    of.writeUInt16LE(number, 2 * place);
  }
  if (!isAnyKept && lists.size === 0) return undefined;
  return {
    ...(isAnyKept ? { plans: Buffer.from(bits).toString('base64') } : {}),
    ...(lists.size > 0 ? { earlier: { lists: [...lists.keys()], of: of.toString('base64') } } : {}),
  };
}

/** @throws RangeError if it has no plan for a record of the batch */
export function decodePlans({ plans: encoded, earlier }: BatchPlans, records: number): PlannedRecord[] {
  if (encoded === undefined && !earlier) return Array.from({ length: records }, () => sent);
  const bytes = encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
  const of = Buffer.from(earlier?.of ?? '', 'base64');
  return Array.from({ length: records }, (_, place) => {
    const plan = bytes ? plans[((bytes[place >> 2] ?? 3) >> (2 * (place & 3))) & 3] : 'send';
    const number = earlier ? of.readUInt16LE(2 * place) : 0;
    const list = earlier?.lists[number - 1];
    if (plan === undefined || (number > 0 && !list)) {
      throw new RangeError(`The batch has no plan for its record at place ${place}.`);
    }
    return list ? { plan, earlier: list } : { plan };
  });
}
