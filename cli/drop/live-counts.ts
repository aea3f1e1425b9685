import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { OutcomeCounts } from '../../lambdas/core/account/outcome.ts';
import { addCounts, noCounts } from '../../lambdas/core/account/outcome.ts';
import { decodeProgress } from '../../lambdas/core/account/progress.ts';
import type { BatchLedger } from '../../lambdas/ports.ts';

/** Up to this many batches their items are read; of a larger file a batch is too small a part to be missed. */
const maxBatches = 200;

/**
 * What has become of a file's records so far, those in unfinished batches included: at ten requests a second a batch
 * takes a minute, in which the file's own counts stand still.
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
