import { requestIdOf } from '../records/identity.ts';
import type { PreparedRecord } from '../records/prepare-record.ts';
import type { KnownRecords, RecordPlan, RevisionCounts } from './known-records.ts';

/**
 * A revision's records compared with what the API has of the revisions before. All of its records are noted first, in
 * order; then each can be planned, from any position on and as often as needed: every cut of the file gives the same plan.
 */
export class RevisionPlan {
  readonly #newest: KnownRecords | undefined;
  readonly #older: readonly KnownRecords[];
  readonly #counts = { unchanged: 0, changed: 0, added: 0 };

  /**
   * @param known the newest first. An identity that only an older one has was removed from the newest, or its record there
   * failed: whether the API still has it is not known, so it counts as changed.
   */
  constructor([newest, ...older]: readonly KnownRecords[]) {
    this.#newest = newest;
    this.#older = older;
  }

  note({ result, sha256 }: Pick<PreparedRecord, 'result' | 'sha256'>): void {
    if (result.kind !== 'good') return;
    const { identity } = result;
    const found = this.#newest && this.#newest.note(requestIdOf(identity, this.#newest.checksum), sha256);
    const isKnown = () => this.#older.some((known) => known.has(requestIdOf(identity, known.checksum)));
    this.#counts[found ?? (isKnown() ? 'changed' : 'added')]++;
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
