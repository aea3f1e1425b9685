import { requestIdOf } from '../records/identity.ts';
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
 * A revision's records compared with what the API has of the revisions before. All of its records are noted first, in
 * order; then each can be planned, from any position on and as often as needed: every cut of the file gives the same plan.
 */
export class RevisionPlan {
  readonly #newest: KnownRecords | undefined;
  readonly #known: readonly KnownRecords[];
  readonly #counts = { unchanged: 0, changed: 0, added: 0 };

  /**
   * @param known the newest first. An identity that only an older one has was removed from the newest, or its record there
   * failed: whether the API still has it is not known, so it counts as changed.
   */
  constructor(known: readonly KnownRecords[]) {
    this.#newest = known[0];
    this.#known = known;
  }

  /** Undefined if the record is unchanged, or rejected. */
  note({ result, sha256 }: Pick<PreparedRecord, 'result' | 'sha256'>): NotedChange | undefined {
    if (result.kind !== 'good') return undefined;
    const { identity } = result;
    const found = this.#newest?.note(requestIdOf(identity, this.#newest.checksum), sha256);
    const earlier = found === 'unchanged' ? undefined : this.#earlierOf(identity);
    this.#counts[found ?? (earlier ? 'changed' : 'added')]++;
    return found === 'unchanged' ? undefined : { ...(earlier ? { earlier } : {}) };
  }

  #earlierOf(identity: readonly string[]): EarlierRecord | undefined {
    for (const [base, known] of this.#known.entries()) {
      const id = requestIdOf(identity, known.checksum);
      const record = known.recordOf(id);
      if (record !== undefined) return { base, record, isUncertain: base > 0 || known.isUncertain(id) };
    }
    return undefined;
  }

  /** Numbers of the newest earlier revision's records that this one does not have, in no order. */
  removedRecords(): Iterable<number> {
    return this.#newest?.removedRecords() ?? [];
  }

  planOf({ result, sha256 }: Pick<PreparedRecord, 'result' | 'sha256'>): RecordPlan {
    if (result.kind !== 'good' || !this.#newest) return 'send';
    return this.#newest.planOf(requestIdOf(result.identity, this.#newest.checksum), sha256) ?? 'send';
  }

  /** Removed are the identities of the newest earlier revision that this one does not have. */
  get counts(): RevisionCounts {
    return { ...this.#counts, removed: this.#newest?.removed ?? 0 };
  }
}

/** How a record ends that is not sent. */
export const knownOutcome = { send: undefined, unchanged: 'unchanged', repeated: 'duplicate' } as const;

const plans = ['send', 'unchanged', 'repeated'] as const;

/** Two bits for each record, base64. Undefined if all are to be sent. */
export function encodePlans(ofRecords: readonly RecordPlan[]): string | undefined {
  if (ofRecords.every((plan) => plan === 'send')) return undefined;
  const bytes = new Uint8Array(Math.ceil(ofRecords.length / 4));
  for (const [place, plan] of ofRecords.entries()) {
    const index = place >> 2;
    bytes[index] = (bytes[index] ?? 0) | (plans.indexOf(plan) << (2 * (place & 3)));
  }
  return Buffer.from(bytes).toString('base64');
}

/** @throws RangeError if it has no plan for a record of the batch */
export function decodePlans(encoded: string | undefined, records: number): RecordPlan[] {
  if (encoded === undefined) return Array.from({ length: records }, () => 'send');
  const bytes = Buffer.from(encoded, 'base64');
  return Array.from({ length: records }, (_, place) => {
    const plan = plans[((bytes[place >> 2] ?? 3) >> (2 * (place & 3))) & 3];
    if (plan === undefined) throw new RangeError(`The batch has no plan for its record at place ${place}.`);
    return plan;
  });
}
