import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import { sendableBatches } from '../core/account/file-account.ts';
import type { HeldRange } from '../core/account/manifest.ts';
import { isQuarantined, isReleased } from '../core/account/stops.ts';
import { endsWithHeld, holdsUnsent, wasReplaced } from '../core/account/quarantine.ts';
import type { BatchLedger } from '../ports.ts';

export interface SettledBatches {
  /** In order. */
  batches: BatchAccount[];
  /** Records of batches that were never sent. */
  held: HeldRange[];
}

/**
 * All of the file's batches; undefined while one is open or missing. In a stopped file, none is missing: what no consumer
 * has claimed yet is held when it arrives. A batch that is held whole counts as if it had not arrived, so that the account is
 * the same whenever it does.
 */
export async function settledBatches(
  file: FileAccount,
  ledger: Pick<BatchLedger, 'listBatches'>,
): Promise<SettledBatches | undefined> {
  const isHeld = holdsUnsent(file);
  const batches: BatchAccount[] = [];
  for await (const batch of ledger.listBatches(file.fileId)) {
    if (batch.state !== 'settled') return undefined;
    // Held when the file was stopped, and not sent since it was released.
    if (isReleased(file) && (batch.counts?.held ?? 0) > 0) return undefined;
    if (isHeld && batch.counts?.held === batch.records) continue;
    // Progress is deleted by now, so 100,000 batches need little memory.
    batches.push(batch);
  }
  if (isHeld) return { batches, held: rangesBetween(batches, file) };
  const total = sendableBatches(file) ?? 0;
  // A replaced file may have been stopped before: then only the batches that were sent are in the account.
  const sent = isQuarantined(file) ? (file.sentBatches ?? total) : total;
  const known = batches.filter(({ batch }) => batch <= sent);
  // For a replaced file, a killed splitter may have sent more than its last checkpoint shows.
  const isWhole = known.length === sent && (wasReplaced(file) || batches.length <= total);
  return isWhole ? { batches, held: wasReplaced(file) ? [] : rangesBetween(batches, file) } : undefined;
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
  if (endsWithHeld(file) && next <= last) ranges.push({ first_record: next, last_record: last });
  return endsWithHeld(file) ? ranges : [];
}
