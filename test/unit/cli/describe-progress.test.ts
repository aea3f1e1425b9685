import { expect, test } from 'vitest';
import { describeProgress } from '../../../cli/drop/describe-progress.ts';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';

const file: FileAccount = {
  fileId: 'f',
  feed: 'traffic',
  lane: 'main',
  source: { bucket: 'b', key: 'traffic/x.csv', etag: '"e"', sizeBytes: 2_000_000 },
  state: 'splitting',
  createdAt: 0,
  updatedAt: 0,
  epoch: 1,
  limits: { maxBatchRecords: 500, maxBatchBytes: 1, maxRecordBytes: 1 },
  settledBatches: 0,
  settled: noCounts(),
};
const say = (change: Partial<FileAccount>, perSecond?: number) =>
  describeProgress({ file: { ...file, ...change }, pace: paceAt(perSecond), limitPerSecond: 300 }).text;
const paceAt = (measured?: number) => ({ perSecond: measured ?? 300, measuredPerSecond: measured });
const settled = { ...noCounts(), uploaded: 990, rejected: 10 };

test('a file that no splitter has claimed', () => {
  const line = describeProgress({ file: undefined, pace: undefined, limitPerSecond: 300 });
  expect(line).toEqual({ phase: 'waiting', text: 'waiting for a splitter' });
});

test('a file that is being read', () => {
  expect(say({})).toBe('computing the checksum of 2.0 MB');
  expect(say({ hashProgress: { offset: 1_000_000, state: '' } })).toBe('computing the checksum  50% of 2.0 MB');
  expect(say({ checkpoint: { offset: 500_000, line: 1, record: 5_000, batch: 10 } })).toBe(
    'splitting  25% of 2.0 MB, 5,000 records so far',
  );
});

test('a file that is being uploaded: records, rate against the limit, time left', () => {
  expect(say({ state: 'split', totalRecords: 20_000, settled }, 290)).toBe(
    '1,000 of 20,000 records (5%)  290/s of 300/s allowed  about 1 min 06 s left  10 failed',
  );
});

test('before the rate is known, the limit gives the least time left', () => {
  expect(say({ state: 'split', totalRecords: 4_000, settled })).toBe(
    '1,000 of 4,000 records (25%)  300/s allowed  at least 10 s left  10 failed',
  );
});

test('while the breaker is open, the API’s answer replaces the estimate', () => {
  const change = { state: 'split' as const, totalRecords: 4_000, settled };
  const stopped = 'Nothing is sent to the API: it refuses the token: 401 "expired".';
  const line = describeProgress({ file: { ...file, ...change }, pace: paceAt(5), stopped, limitPerSecond: 300 });
  expect(line.text).toBe(`1,000 of 4,000 records (25%)  5/s of 300/s allowed  10 failed  ${stopped}`);
});

test('while a file is uploaded and split at once, the total is estimated from the bytes already split', () => {
  const checkpoint = { offset: 500_000, line: 1, record: 5_000, batch: 10 };
  expect(say({ settled, checkpoint }, 300)).toContain('1,000 of about 20,000 records (5%)');
});

test('a file that is done', () => {
  const line = say({ state: 'split', totalRecords: 1_000, settled });
  expect(line).toBe('1,000 of 1,000 records done; writing the manifest');
  expect(say({ state: 'duplicate', totalRecords: 0 })).toBe('writing the manifest');
});
