import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import { requeueStalled } from '../../../lambdas/reconciler/requeue-stalled.ts';
import { fileAccount } from '../../../test/support/file-account.ts';
import { InMemoryLimiterStore } from '../../../test/support/in-memory-limiter-store.ts';
import { silentLog } from '../../../test/support/in-memory-ports.ts';
import { openMemoryLedger } from '../../../test/support/memory-ledger.ts';
import type { RunPart } from '../memory-part.ts';
import { settledBatches } from './settled-batches.ts';

/** A file in batches of two records, the last of which was lost. */
export const run: RunPart = async (records) => {
  const totalBatches = records / 2;
  const ledger = openMemoryLedger(systemClock);
  ledger.files.set('file', fileAccount({ fileId: 'file', totalRecords: records, totalBatches }));
  const asked: string[] = [];
  const send = async ({ kind }: { kind: string }): Promise<void> => void asked.push(kind);
  await requeueStalled({
    ledger: { ...ledger, listBatches: () => settledBatches(totalBatches - 1) },
    lanes: [{ feed: 'traffic', lane: 'main', intake: { send }, records: { messages: async () => 0 } }],
    ...{ finalize: { send }, clock: systemClock, log: silentLog, stalledAfterMs: 1_000, feed: { api: 'api' } },
    limiterOf: () => new InMemoryLimiterStore(),
    metricsOf: () => ({ add: () => undefined, flush: () => undefined }),
  });
  if (asked.join() !== 'reemit') throw new Error(`The reconciler asked for ${asked.join()}.`);
};
