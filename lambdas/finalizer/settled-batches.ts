import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import { sendableBatches } from '../core/account/file-account.ts';
import type { HeldRange } from '../core/account/manifest.ts';
import { endsInQuarantine, isQuarantined } from '../core/account/quarantine.ts';
import type { BatchLedger } from '../ports.ts';

export interface SettledBatches {
  /** In order. */
  batches: BatchAccount[];
  /** Records of batches that were never sent. */
  held: HeldRange[];
}

/** All of the file's batches; undefined while one is open or missing. */
export async function settledBatches(
  file: FileAccount,
  ledger: Pick<BatchLedger, 'listBatches'>,
): Promise<SettledBatches | undefined> {
  const batches: BatchAccount[] = [];
  for await (const batch of ledger.listBatches(file.fileId)) {
    if (batch.state !== 'settled') return undefined;
    // Held when the file was stopped, and not sent since it was released.
    if (file.release && (batch.counts?.held ?? 0) > 0) return undefined;
    // Progress is deleted by now, so 100,000 batches need little memory.
    batches.push(batch);
  }
  const total = sendableBatches(file) ?? 0;
  // For a stopped file, the batches that were sent. Others may also have reached a consumer, if a splitter was killed
  // before it noted that it had sent them: they belong to the account as well.
  const sent = isQuarantined(file) ? (file.sentBatches ?? total) : total;
  const known = batches.filter(({ batch }) => batch <= sent);
  // For a replaced file, a killed splitter may have sent more than its last checkpoint shows.
  const isWhole = known.length === sent && (file.state === 'superseded' || batches.length <= total);
  return isWhole ? { batches, held: file.state === 'superseded' ? [] : rangesBetween(batches, file) } : undefined;
}

/** The records of the missing batches. */
function rangesBetween(batches: readonly BatchAccount[], file: FileAccount): HeldRange[] {
  const ranges: HeldRange[] = [];
  let next = 1;
  for (const { firstRecord, records } of batches) {
    if (firstRecord > next) ranges.push({ first_record: next, last_record: firstRecord - 1 });
    next = firstRecord + records;
  }
  const last = file.totalRecords ?? 0;
  if (endsInQuarantine(file) && next <= last) ranges.push({ first_record: next, last_record: last });
  return endsInQuarantine(file) ? ranges : [];
}
