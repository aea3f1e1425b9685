import { setImmediate } from 'node:timers/promises';
import type { BatchAccount } from '../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';

const pageItems = 2_500;

/** When a batch is finished, after the one before. Milliseconds. */
export const batchMs = 20;

/** The items of a file's batches of two records, made when they are listed. */
export async function* settledBatches(
  total: number,
  { after = 0, lostEvery = Infinity }: { after?: number | undefined; lostEvery?: number } = {},
): AsyncGenerator<BatchAccount> {
  for (let batch = after + 1; batch <= total; batch++) {
    if (batch % pageItems === 0) await setImmediate();
    if (batch % lostEvery === 0) continue;
    yield {
      ...{ fileId: 'file', batch, attempt: 1, state: 'settled', records: 2, firstRecord: 2 * batch - 1 },
      ...{ counts: { ...noCounts(), uploaded: 2 }, receiptsKey: `receipts/${batch}`, receiptsSha256: '0'.repeat(64) },
      settledAt: batch * batchMs,
    };
  }
}
