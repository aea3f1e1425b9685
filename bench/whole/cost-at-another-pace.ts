import { listPrices } from '../../cli/check/list-prices.ts';
import type { CostFigures } from './measure-cost.ts';
import { cpuGigabyteSeconds } from './measure-cost.ts';
import type { WaitingFigures } from './measure-waiting.ts';

const million = 1e6;
/** Requests to SQS for a batch of 192 KB that is sent, received and deleted, in pieces of 64 KiB. */
const piecesOfASentBack = 7;

/**
 * Dollars for a million records at another pace than the one that they were counted at. What depends on the pace is simulated
 * for both: Lambda, leases, saves of progress, and batches that are sent back. All else is as counted.
 */
export function costAtAnotherPace(
  { cost, requestsAMinute: countedAt }: CostFigures,
  waiting: readonly WaitingFigures[],
  requestsAMinute: number,
): number | undefined {
  const [there, here] = [countedAt, requestsAMinute].map((pace) =>
    waiting.find((each) => each.requestsAMinute === pace),
  );
  if (!there || !here) return undefined;
  const others = cpuGigabyteSeconds(million) * listPrices.gigabyteSecond;
  const units = (here.writeUnitsAThousand - there.writeUnitsAThousand) * 1_000 * listPrices.writeUnit;
  const batches = million / here.batchRecords;
  const sentBack = (here.sentBackABatch - there.sentBackABatch) * batches * piecesOfASentBack * listPrices.sqsRequest;
  const invocations = (here.sentBackABatch + 1) * batches * listPrices.lambdaRequest;
  return cost.total - cost.lambda + here.lambdaOfAMillion + others + invocations + units + sentBack;
}
