import type { BatchAccount, FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { BatchLedger, FileLedger } from '../../lambdas/ports.ts';
import { placeInBatches } from '../live/place-in-batches.ts';
import type { FinishedBatch } from './rate-history.ts';

/** A file that arrived longer before the time is not read. Milliseconds. */
const oldestFileMs = 3 * 24 * 60 * 60_000;
const maxFiles = 200;

/** Reads when the batches of a feed's files were finished; those of a closed file once. */
export class FinishedBatches {
  readonly #closed = new Map<string, FinishedBatch[]>();

  /** @param since milliseconds since 1970 */
  async read(
    feed: string,
    since: number,
    ledger: Pick<FileLedger, 'listFiles' | 'eachFile'> & Pick<BatchLedger, 'listBatches'>,
  ): Promise<FinishedBatch[]> {
    const finished: FinishedBatch[] = [];
    for (const file of await ledger.listFiles(feed, 'open', maxFiles)) {
      finished.push(...(await finishedSince(file, since, ledger)));
    }
    let files = 0;
    for await (const file of ledger.eachFile(feed, 'closed', { order: 'newest' })) {
      if (file.createdAt < since - oldestFileMs || ++files > maxFiles) break;
      if ((file.lastSettledAt ?? 0) < since) continue;
      const key = `${file.fileId} ${file.lastSettledAt}`;
      const batches = this.#closed.get(key) ?? (await finishedSince(file, since, ledger));
      this.#closed.set(key, batches);
      finished.push(...batches);
    }
    for (const key of [...this.#closed.keys()].slice(0, -2 * maxFiles)) this.#closed.delete(key);
    return finished.filter(({ settledAt }) => settledAt >= since);
  }
}

/** Batches are finished about in their order: of a file of millions, only the newest are read. */
async function finishedSince(
  { fileId, settledBatches }: FileAccount,
  since: number,
  ledger: Pick<BatchLedger, 'listBatches'>,
): Promise<FinishedBatch[]> {
  const isEarlier = ({ settledAt = Infinity }: BatchAccount): boolean => settledAt < since;
  const after = await placeInBatches(fileId, settledBatches, isEarlier, ledger);
  const finished: FinishedBatch[] = [];
  for await (const { counts, settledAt } of ledger.listBatches(fileId, after)) {
    if (!counts || settledAt === undefined || settledAt < since) continue;
    const answered = counts.uploaded + counts.duplicate + counts.refused;
    if (answered > 0) finished.push({ settledAt, answered });
  }
  return finished;
}
