import type { CutLimits } from '../records/dialect.ts';
import type { PlanSize } from './revision-plan.ts';

/** A batch costs the same however many records it has: a revision that is nearly the same is cut into fewer. */
const larger = 2;

/** With a smaller share of records that need no request, such a batch could have more requests than a usual one. */
const leastShare = 1 - 1 / larger;

/** A message of SQS has 1 MiB: as base64, with plans and the lists below, so many fit. Bytes. */
const mostBytes = 600_000;
/** One for each revision that has sent some of the records: about a thousand of them. More fit beside a usual batch only. */
const mostEarlierBytes = 64 * 1024;

/**
 * The limits by which a revision with this plan is cut. On average, a batch has no more requests than one of another file.
 */
export function limitsOfRevision(limits: CutLimits, { records, unsent, earlierBytes }: PlanSize): CutLimits {
  if (unsent < leastShare * records || earlierBytes > mostEarlierBytes) return limits;
  const { maxBatchRecords, maxBatchBytes } = limits;
  return {
    ...limits,
    maxBatchRecords: larger * maxBatchRecords,
    maxBatchBytes: Math.max(maxBatchBytes, Math.min(mostBytes, larger * maxBatchBytes)),
  };
}
