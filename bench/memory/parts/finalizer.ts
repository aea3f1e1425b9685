import { join } from 'node:path';
import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import { s3PartSizes } from '../../../lambdas/finalizer/part-sizes.ts';
import { noDeadline } from '../../../test/support/splitter-world.ts';
import { SyntheticAccount } from '../../../test/support/synthetic-account.ts';
import type { RunPart } from '../memory-part.ts';

const batchRecords = 500;

/** All of it in one invocation. */
export const run: RunPart = async (records, root) => {
  const account = new SyntheticAccount({
    ...{ batches: records / batchRecords, batchRecords, clock: systemClock, partSizes: s3PartSizes },
    ...{ deadline: () => noDeadline, evidence: join(root, String(records)) },
  });
  const { reconciled } = await account.close();
  if (!reconciled) throw new Error('The account does not add up.');
};
