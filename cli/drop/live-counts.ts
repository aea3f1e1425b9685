import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { OutcomeCounts } from '../../lambdas/core/account/outcome.ts';
import { addCounts, noCounts } from '../../lambdas/core/account/outcome.ts';
import { decodeProgress } from '../../lambdas/core/account/progress.ts';
import type { BatchLedger } from '../../lambdas/ports.ts';

/** Batches whose items are read at most; in a larger file an unfinished batch hardly matters. */
const maxBatches = 200;

/**
 * The outcomes of a file's records so far, including those in unfinished batches: at ten requests per second a batch takes
 * a minute, during which the file's own counts do not change.
 */
export async function liveCounts(file: FileAccount, ledger: Pick<BatchLedger, 'listBatches'>): Promise<OutcomeCounts> {
  if (file.manifest || (file.totalBatches ?? file.settledBatches) > maxBatches) return file.settled;
  let counts = noCounts();
  for await (const batch of ledger.listBatches(file.fileId)) {
    if (batch.counts) counts = addCounts(counts, batch.counts);
    else if (batch.progress) for (const { outcome } of decodeProgress(batch.progress).done) counts[outcome]++;
  }
  return counts;
}
