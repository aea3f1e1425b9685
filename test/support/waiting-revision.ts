import type { DeployedStack } from './deployed-stack.ts';
import { waitFor } from './deployed-stack.ts';
import { exportOf } from './revision-exports.ts';

/** A revision that waits for an earlier one, of which the API has not decided about a few records. */
export interface WaitingRevision {
  earlier: { fileId: string; text: string; rows: number };
  newer: { fileId: string; text: string; rows: number; changed: number };
  /** Rows of the earlier one that the API has stored, and answers with a fault; and that it has not stored. */
  stored: readonly number[];
  lost: readonly number[];
}

/**
 * Drops a log of which the API fails on three spots each time, and then the next revision of it. A consumer has left the
 * earlier one's batch with the three in doubt. As a stopped file's records in doubt are tried again, it stays open for some
 * minutes, and as long as this API fails.
 */
export async function makeWaitingRevision(stack: DeployedStack, prefix: string): Promise<WaitingRevision> {
  const [stored, lost] = [[2, 10], [11]] as const;
  const spots = (rows: readonly number[]) => rows.map((row) => `${prefix}-${row}`);
  await stack.setFaults({
    spotAnswers: [
      { spots: spots(stored), status: 500, stores: true },
      { spots: spots(lost), status: 500 },
    ],
  });
  const earlier = { rows: 200, text: exportOf(prefix, 200) };
  const newer = { rows: 203, changed: 4, text: exportOf(prefix, 203, 4) };
  const { fileId } = await stack.drop(`traffic/revisions/${prefix}_R1.csv`, earlier.text);
  await waitFor('a consumer to leave the batch', async () => {
    const [batch] = await Array.fromAsync(stack.ledger.listBatches(fileId));
    const isLeft = batch?.state === 'open' && batch.progress && (batch.leaseUntil ?? 0) < Date.now();
    return isLeft ? true : undefined;
  });
  const next = await stack.drop(`traffic/revisions/${prefix}_R2.csv`, newer.text);
  await waitFor('the newer one to wait', async () => {
    const file = await stack.ledger.getFile(next.fileId);
    return file?.waitsFor?.fileId === fileId ? true : undefined;
  });
  return { earlier: { ...earlier, fileId }, newer: { ...newer, fileId: next.fileId }, stored, lost };
}
