/**
 * A record's outcome. The counts always add up to the file's total.
 *
 * `unchanged`: the API has the record as it is, from an earlier revision of the file; nothing was sent.
 */
export const outcomes = ['uploaded', 'duplicate', 'unchanged', 'rejected', 'refused', 'exhausted', 'held'] as const;
export type Outcome = (typeof outcomes)[number];

/** Outcomes that put a record into the dead-letter queue. */
export type FailedOutcome = 'rejected' | 'refused' | 'exhausted';

export type AllCounts = Record<Outcome, number>;

/** As stored. An item of an earlier version has no count of an outcome that came later: it counts as 0. */
export type OutcomeCounts = Omit<AllCounts, 'unchanged'> & Partial<AllCounts>;

export function noCounts(): AllCounts {
  return { uploaded: 0, duplicate: 0, unchanged: 0, rejected: 0, refused: 0, exhausted: 0, held: 0 };
}

export function addCounts(a: OutcomeCounts, b: OutcomeCounts): AllCounts {
  const sum = noCounts();
  for (const outcome of outcomes) sum[outcome] = (a[outcome] ?? 0) + (b[outcome] ?? 0);
  return sum;
}

export function sumCounts(counts: OutcomeCounts): number {
  return outcomes.reduce((sum, outcome) => sum + (counts[outcome] ?? 0), 0);
}

export function isFailed(outcome: Outcome): outcome is FailedOutcome {
  return outcome === 'rejected' || outcome === 'refused' || outcome === 'exhausted';
}

/** Records that have, or had, a letter. */
export function countFailed({ rejected, refused, exhausted }: OutcomeCounts): number {
  return rejected + refused + exhausted;
}

/** The reason of records whose batch killed its consumer at every receive. */
export const buriedReason = 'buried_batch';
