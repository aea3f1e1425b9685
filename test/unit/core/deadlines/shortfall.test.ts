import { describe, expect, it } from 'vitest';
import { projectFiles } from '../../../../lambdas/core/deadlines/projection.ts';
import { shortfallsOf } from '../../../../lambdas/core/deadlines/shortfall.ts';
import { fileAccount } from '../../../support/file-account.ts';

const now = Date.UTC(2026, 0, 5, 8);
/** Two hours later: at ten a second 72,000 records. */
const deadlineAt = Date.UTC(2026, 0, 5, 10);
const feeds = [{ feed: 'traffic', deadline: { hour: 5, minute: 0, timeZone: 'America/New_York' } }];
const shortfalls = (totals: number[], createdAt = now - 60_000, at = now) =>
  shortfallsOf(
    projectFiles(
      {
        files: totals.map((totalRecords, i) =>
          fileAccount({ fileId: `f${i}`, createdAt: createdAt + i, totalRecords }),
        ),
        done: [],
        pace: { perSecond: 10, measuredPerSecond: 10 },
        pausedUntil: 0,
      },
      feeds,
      at,
    ),
  );

describe('a shortfall', () => {
  it('is absent if all files are in time', () => {
    expect(shortfalls([72_000])).toEqual([]);
  });

  it('contains the number of late records, and the pace that would be enough', () => {
    expect(shortfalls([30_000, 78_000])).toMatchObject([
      {
        deadlineAt,
        files: [{ fileId: 'f1' }],
        missingRecords: 36_000,
        recordsToItsEnd: 108_000,
        recordsPerSecond: 10,
        neededPerSecond: 15,
        lateBySeconds: 3_600,
      },
    ]);
  });

  it('counts each record of a late file once', () => {
    expect(shortfalls([72_010, 1_000])).toMatchObject([{ missingRecords: 1_010 }]);
  });

  it('is reported for each deadline separately, and has no pace for one that has passed', () => {
    const yesterday = Date.UTC(2026, 0, 4, 8);
    const files = [
      fileAccount({ fileId: 'old', createdAt: yesterday, totalRecords: 72_000 }),
      fileAccount({ fileId: 'new', createdAt: now - 1, totalRecords: 36_000 }),
    ];
    const line = { files, done: [], pace: { perSecond: 10, measuredPerSecond: 10 }, pausedUntil: 0 };
    expect(shortfallsOf(projectFiles(line, feeds, now))).toMatchObject([
      { files: [{ fileId: 'old' }], missingRecords: 72_000, neededPerSecond: undefined, lateBySeconds: 24 * 3600 },
      { deadlineAt, files: [{ fileId: 'new' }], missingRecords: 36_000, neededPerSecond: 15 },
    ]);
  });
});
