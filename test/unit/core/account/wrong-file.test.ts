import { expect, it } from 'vitest';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../../lambdas/core/account/outcome.ts';
import { wrongFile } from '../../../../lambdas/core/account/quarantine.ts';

const tolerated = { share: 0.2, afterRecords: 1000 };
const file = (uploaded: number, rejected: number): FileAccount => ({
  ...{ fileId: 'maintenance.1', feed: 'maintenance', lane: 'main', state: 'splitting', epoch: 1 },
  source: { bucket: 'intake', key: 'maintenance/a.json', etag: '"1"', sizeBytes: 1 },
  limits: { maxBatchRecords: 500, maxBatchBytes: 700_000, maxRecordBytes: 65_536 },
  ...{ createdAt: 0, updatedAt: 0, settledBatches: 2, settled: { ...noCounts(), uploaded, rejected } },
});

it('a file with more rejects than its feed tolerates is stopped, once enough of it was seen', () => {
  expect(wrongFile(file(700, 300), tolerated, 5)).toMatchObject({ at: 5, rejected: 300, seen: 1000 });
  expect(wrongFile(file(800, 200), tolerated, 5)).toBeUndefined();
  expect(wrongFile(file(0, 999), tolerated, 5)).toBeUndefined();
});

it('a bundle is not: each of its records is a file, and the others may be right', () => {
  expect(wrongFile({ ...file(700, 300), bundle: { members: 2000 } }, tolerated, 5)).toBeUndefined();
});
