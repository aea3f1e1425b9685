/** What the finalizer's memory does with the number of batches: `node measure-finalizer.ts BATCHES`, a process for each. */
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { s3PartSizes } from '../../lambdas/finalizer/part-sizes.ts';
import { noDeadline } from '../../test/support/splitter-world.ts';
import { SyntheticAccount } from '../../test/support/synthetic-account.ts';
import { peakOf } from '../delivery/cpu-by-part.ts';

export interface FinalizerFigures {
  batches: number;
  records: number;
  peakMb: number;
  /** CPU-seconds for 100,000 records, making the receipts apart. */
  cpuSecondsPer100k: number;
}

const batchRecords = 500;

async function measure(batches: number): Promise<FinalizerFigures> {
  const records = batches * batchRecords;
  const account = new SyntheticAccount({
    ...{ batches, batchRecords, clock: systemClock, partSizes: s3PartSizes, deadline: () => noDeadline },
  });
  await account.close();
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6 - account.makingSeconds;
  return { batches, records, peakMb: peakOf(process.pid) ?? NaN, cpuSecondsPer100k: (cpuSeconds * 100_000) / records };
}

console.log(JSON.stringify(await measure(Number(process.argv[2]))));
