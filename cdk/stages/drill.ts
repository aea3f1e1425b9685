import { local } from './local.ts';
import type { StageNumbers } from './stage-numbers.ts';

/**
 * The local stage for tests that kill functions: a killed function's message comes back 65 s after its timeout would have
 * ended, so timeouts are short. Batches are therefore handed over often, too.
 */
export const drill: StageNumbers = {
  ...local,
  splitter: { ...local.splitter, timeoutSeconds: 20, gzip: { ...local.splitter.gzip, maxContentBytes: 500e6 } },
  consumer: { timeoutSeconds: 20 },
  finalizer: { ...local.finalizer, timeoutSeconds: 20 },
  // Ten minutes without AWS take one here.
  queues: { ...local.queues, waitTimes: { firstSeconds: 8, longestSeconds: 30 } },
  reconciler: { ...local.reconciler, timeoutSeconds: 30, stalledAfterSeconds: 90 },
};
