import { prod } from './prod.ts';
import type { StageNumbers } from './stage-numbers.ts';

/** A laptop's local cloud: short times, so that work continues soon after a kill, and nothing outlives the endpoint. */
export const local: StageNumbers = {
  ...prod,
  retainData: false,
  egress: { kind: 'lambda' },
  localCloud: true,
  requireHttps: false,
  signingKey: 'create',
  splitter: {
    ...prod.splitter,
    timeoutSeconds: 120,
    concurrency: 2,
    gzip: { ...prod.splitter.gzip, maxContentBytes: 3e9 },
  },
  horizonSeconds: 600,
  consumer: { timeoutSeconds: 120 },
  finalizer: { ...prod.finalizer, timeoutSeconds: 120 },
  reconciler: { ...prod.reconciler, timeoutSeconds: 60, everyMinutes: 1, stalledAfterSeconds: 180 },
  logRetentionDays: 7,
  feeds: {
    traffic: {
      // Nothing listens there by default: `sluice up` sets the address of the API.
      apiUrl: 'http://127.0.0.1:4580',
    },
  },
};
