import type { BatchAccount } from '../../lambdas/core/account/file-account.ts';
import type { BatchLedger } from '../../lambdas/ports.ts';

type Batches = Pick<BatchLedger, 'listBatches'>;

/** About as many as a page of a query has: fewer need not be searched. */
const batchesInPage = 2_500;

/**
 * The number of a batch after which a file's batches are to be read to meet the first one that is not earlier. It takes a
 * few reads, however many batches there are.
 * @param upTo the highest number that a batch can have
 * @param isEarlier true up to some batch, and false from there on
 */
export async function placeInBatches(
  fileId: string,
  upTo: number,
  isEarlier: (batch: BatchAccount) => boolean,
  ledger: Batches,
): Promise<number> {
  let [low, high] = [0, upTo];
  while (high - low > batchesInPage) {
    const middle = Math.floor((low + high) / 2);
    const next = await firstAfter(fileId, middle, ledger);
    if (next && isEarlier(next)) low = next.batch;
    else high = middle;
  }
  return low;
}

async function firstAfter(fileId: string, batch: number, ledger: Batches): Promise<BatchAccount | undefined> {
  for await (const next of ledger.listBatches(fileId, batch)) return next;
  return undefined;
}
