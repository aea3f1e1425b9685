import { FinishedBatches } from '../../../cli/ui/finished-batches.ts';
import { fileAccount } from '../../../test/support/file-account.ts';
import type { RunPart } from '../memory-part.ts';
import { batchMs, settledBatches } from './settled-batches.ts';

const shownMs = 5 * 60_000;

/** A file in batches of two records. */
export const run: RunPart = async (records) => {
  const batches = records / 2;
  const file = fileAccount({ fileId: 'file', totalRecords: records, totalBatches: batches, settledBatches: batches });
  const read = await new FinishedBatches().read('traffic', batches * batchMs - shownMs, {
    listFiles: async () => [file],
    eachFile: async function* () {
      yield* [];
    },
    listBatches: (_, after) => settledBatches(batches, { after }),
  });
  if (read.length < shownMs / batchMs) throw new Error(`${read.length} batches were finished.`);
};
