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

/** Batches that are checked before the time is looked at: some four pages of a query. */
const checkedAtOnce = 10_000;

export type SettledCheck =
  | { kind: 'settled' }
  /** A batch has not ended, or is missing. */
  | { kind: 'open' }
  /** There is no time for more. Every batch up to this one has ended. */
  | { kind: 'continues'; upTo: number };

/**
 * Checks whether every batch of the file has ended. In a stopped file, none is missing.
 * @param from the last batch that was checked before, by default none
 * @param mayContinue is asked now and then
 */
export async function checkSettled(
  file: FileAccount,
  ledger: Batches,
  from: number | undefined,
  mayContinue: () => Promise<boolean>,
): Promise<SettledCheck> {
  const isHeld = holdsUnsent(file);
  const total = sendableBatches(file) ?? 0;
  // A replaced file may have been stopped before: then only the batches that were sent are in the account.
  const sent = isQuarantined(file) ? (file.sentBatches ?? total) : total;
  let last = from ?? 0;
  let checked = 0;
  for await (const batch of accountedBatches(file, ledger, from)) {
    const isMissing = !isHeld && last < sent && batch !== 'open' && batch.batch !== last + 1;
    if (batch === 'open' || isMissing) return { kind: 'open' };
    last = batch.batch;
    if (++checked % checkedAtOnce === 0 && !(await mayContinue())) return { kind: 'continues', upTo: last };
  }
  // For a replaced file, a killed splitter may have sent more than its last checkpoint shows.
  const isWhole = isHeld || last === sent || (wasReplaced(file) && last > sent);
  return { kind: isWhole ? 'settled' : 'open' };
}
