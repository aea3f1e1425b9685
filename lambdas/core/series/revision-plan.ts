import { requestIdOf, suffixIn } from '../records/identity.ts';
import type { PreparedRecord } from '../records/prepare-record.ts';
import type { KnownRecords, RecordPlan, RevisionCounts } from './known-records.ts';

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

const sent: PlannedRecord = { plan: 'send' };

/**
 * A revision's records compared with what the API has of the revisions before. All of its records are noted first, in
 * order; then each can be planned, from any position on and as often as needed: every cut of the file gives the same plan.
 */
export class RevisionPlan {
  readonly #known: readonly KnownRecords[];
  /** The newest one, and those before it as long as a newer one was stopped: the first that has a record says what the API has. */
  readonly #certain: readonly KnownRecords[];
  /** A changed record names the request ids that it supersedes. */
  readonly supersedes: boolean;
  readonly #counts = { unchanged: 0, changed: 0, added: 0 };
  /** One object for all records that have the same plan. */
  readonly #planned = new Map<string, PlannedRecord>();

  /**
   * @param known the newest first. An identity that only an older one has was removed from the newest, or its record there
   * failed: whether the API still has it is not known, so it counts as changed. It is known if the newer one was stopped
   * before it was sent whole: nobody has removed anything since.
   */
  constructor(known: readonly KnownRecords[], supersedes = false) {
    this.#known = known;
    const whole = known.findIndex(({ isPartial }) => !isPartial);
    this.#certain = whole < 0 ? known : known.slice(0, whole + 1);
    this.supersedes = supersedes;
  }

  /** Undefined if the record is unchanged, or rejected. */
  note({ result, sha256 }: Pick<PreparedRecord, 'result' | 'sha256'>): NotedChange | undefined {
    if (result.kind !== 'good') return undefined;
    const { identity } = result;
    const noted = this.#certain.map((known) => known.note(known.requestIdOf(identity), sha256));
    const found = noted.find((each) => each !== undefined);
    const earlier = found === 'unchanged' ? undefined : this.#earlierOf(identity);
    this.#counts[found ?? (earlier ? 'changed' : 'added')]++;
    return found === 'unchanged' ? undefined : { ...(earlier ? { earlier } : {}) };
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

  planOf({ result, sha256 }: Pick<PreparedRecord, 'result' | 'sha256'>): PlannedRecord {
    if (result.kind !== 'good' || this.#known.length === 0) return sent;
    let plan: RecordPlan = 'send';
    for (const known of this.#certain) {
      const id = known.requestIdOf(result.identity);
      const found = known.planOf(id, sha256);
      if (found === 'unchanged') return this.#plannedAs(found, [known.placeOf(id)?.sentIn ?? known.sentAs]);
      if (found === undefined) continue;
      plan = found;
      break;
    }
    if (plan === 'repeated') return this.#plannedAs(plan, []);
    return this.supersedes ? this.#plannedAs(plan, this.#supersededBy(result.identity)) : sent;
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

  #plannedAs(plan: RecordPlan, earlier: EarlierVersions): PlannedRecord {
    const key = `${plan} ${earlier.join()}`;
    let planned = this.#planned.get(key);
    if (!planned) this.#planned.set(key, (planned = earlier.length > 0 ? { plan, earlier } : { plan }));
    return planned;
  }

  /** Removed are the identities of the newest earlier revision that this one does not have. */
  get counts(): RevisionCounts {
    return { ...this.#counts, removed: this.#certain.reduce((sum, { removed }) => sum + removed, 0) };
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
