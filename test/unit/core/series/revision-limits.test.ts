import { expect, it } from 'vitest';
import { limitsOfRevision } from '../../../../lambdas/core/series/revision-limits.ts';

const limits = { maxBatchRecords: 1000, maxBatchBytes: 192_000, maxRecordBytes: 65_536 };
const size = { records: 1000, unsent: 1000, earlierBytes: 100 };

it('a revision of which half the records need no request is cut into half the batches', () => {
  expect(limitsOfRevision(limits, { ...size, unsent: 500 })).toEqual({
    ...{ maxBatchRecords: 2000, maxBatchBytes: 384_000, maxRecordBytes: 65_536 },
  });
  expect(limitsOfRevision(limits, { ...size, unsent: 499 })).toEqual(limits);
});

it('its messages fit SQS, whatever the usual limits and however many revisions have sent its records', () => {
  expect(limitsOfRevision({ ...limits, maxBatchBytes: 390_000 }, size).maxBatchBytes).toBe(600_000);
  expect(limitsOfRevision({ ...limits, maxBatchBytes: 700_000 }, size).maxBatchBytes).toBe(700_000);
  expect(limitsOfRevision(limits, { ...size, earlierBytes: 65_536 }).maxBatchRecords).toBe(2000);
  expect(limitsOfRevision(limits, { ...size, earlierBytes: 65_537 })).toEqual(limits);
});
