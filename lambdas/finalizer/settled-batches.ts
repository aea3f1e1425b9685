import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import { sendableBatches } from '../core/account/file-account.ts';
import { isQuarantined, isReleased } from '../core/account/stops.ts';
import { holdsUnsent, wasReplaced } from '../core/account/quarantine.ts';
import type { BatchLedger } from '../ports.ts';

type Batches = Pick<BatchLedger, 'listBatches'>;

/**
 * The batches of a file's account, in order, after the given one; `open` in place of one that has not ended. In a stopped
 * file, what no consumer has claimed yet is held when it arrives. A batch that is held whole counts as if it had not
 * arrived, so that the account is the same whenever it does.
 */
export async function* accountedBatches(
  file: FileAccount,
  ledger: Batches,
  after?: number,
): AsyncGenerator<BatchAccount | 'open'> {
  const isHeld = holdsUnsent(file);
  for await (const batch of ledger.listBatches(file.fileId, after)) {
    if (isHeld && batch.state === 'settled' && batch.counts?.held === batch.records) continue;
    // Held when the file was stopped, and not sent since it was released.
    const isOwed = isReleased(file) && (batch.counts?.held ?? 0) > 0;
    yield batch.state !== 'settled' || isOwed ? 'open' : batch;
  }
}

/** Whether every batch of the file has ended. False while one is open or missing; in a stopped file, none is missing. */
export async function isSettled(file: FileAccount, ledger: Batches): Promise<boolean> {
  const total = sendableBatches(file) ?? 0;
  // A replaced file may have been stopped before: then only the batches that were sent are in the account.
  const sent = isQuarantined(file) ? (file.sentBatches ?? total) : total;
  let [all, known] = [0, 0];
  for await (const batch of accountedBatches(file, ledger)) {
    if (batch === 'open') return false;
    all++;
    if (batch.batch <= sent) known++;
  }
  // For a replaced file, a killed splitter may have sent more than its last checkpoint shows.
  return holdsUnsent(file) || (known === sent && (wasReplaced(file) || all <= total));
}
