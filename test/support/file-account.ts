import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import { limits } from './feed-fixture.ts';

/** A split file with 1,000 records of 100 bytes, none of them settled; or with changes. */
export function fileAccount(change: Partial<FileAccount> = {}): FileAccount {
  const fileId = change.fileId ?? 'f1';
  return {
    fileId,
    feed: 'traffic',
    lane: 'main',
    source: { bucket: 'intake', key: `traffic/${fileId}.csv`, etag: '"e"', sizeBytes: 100_000 },
    state: 'split',
    createdAt: 0,
    updatedAt: 0,
    epoch: 1,
    limits,
    settledBatches: 0,
    settled: noCounts(),
    ...(change.state === 'splitting' ? {} : { totalRecords: 1_000, totalBatches: 2 }),
    ...change,
  };
}
