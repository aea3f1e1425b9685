import { local } from './local.ts';
import type { StageNumbers } from './stage-numbers.ts';

/**
 * The local stage for tests that kill functions: what was killed comes back 65 s after its function's time would have
 * been up, so that time is short. It also makes batches change hands often.
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
