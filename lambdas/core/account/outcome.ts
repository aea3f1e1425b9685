/** A record's outcome. The six counts always add up to the file's total. */
export const outcomes = ['uploaded', 'duplicate', 'rejected', 'refused', 'exhausted', 'held'] as const;
export type Outcome = (typeof outcomes)[number];

/** Outcomes that put a record into the dead-letter queue. */
export type FailedOutcome = 'rejected' | 'refused' | 'exhausted';

export type OutcomeCounts = Record<Outcome, number>;

export function noCounts(): OutcomeCounts {
  return { uploaded: 0, duplicate: 0, rejected: 0, refused: 0, exhausted: 0, held: 0 };
}

export function addCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  const sum = noCounts();
  for (const outcome of outcomes) sum[outcome] = a[outcome] + b[outcome];
  return sum;
}

export function sumCounts(counts: OutcomeCounts): number {
  return outcomes.reduce((sum, outcome) => sum + counts[outcome], 0);
}

export function isFailed(outcome: Outcome): outcome is FailedOutcome {
  return outcome === 'rejected' || outcome === 'refused' || outcome === 'exhausted';
}

/** The reason of records whose batch killed its consumer at every receive. */
export const buriedReason = 'buried_batch';
