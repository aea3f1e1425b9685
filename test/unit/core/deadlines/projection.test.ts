import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../../lambdas/core/account/outcome.ts';
import type { Line, PacedFeed } from '../../../../lambdas/core/deadlines/projection.ts';
import { projectFiles } from '../../../../lambdas/core/deadlines/projection.ts';
import { fileAccount } from '../../../support/file-account.ts';

const evening = Date.UTC(2026, 0, 5, 3);
const deadline = { hour: 5, minute: 0, timeZone: 'America/New_York' };
/** Seven hours later. */
const deadlineAt = Date.UTC(2026, 0, 5, 10);
const traffic: PacedFeed = { feed: 'traffic', deadline };

const paced = (perSecond: number) => ({ perSecond, measuredPerSecond: perSecond });
const project = (files: FileAccount[], line: Partial<Line> = {}, feeds = [traffic], now = evening) =>
  projectFiles({ files, done: [], pace: paced(10), pausedUntil: 0, ...line }, feeds, now);
const came = (change: Partial<FileAccount> = {}) => fileAccount({ createdAt: evening - 60_000, ...change });
const uploaded = (count: number) => ({ settled: { ...noCounts(), uploaded: count } });
const checkpoint = (offset: number, record: number) => ({ checkpoint: { offset, line: 1, record, batch: 1 } });

describe('a projection', () => {
  it('is the remaining records at the pace of the API', () => {
    expect(project([came(uploaded(400))])).toEqual([
      {
        fileId: 'f1',
        feed: 'traffic',
        remainingRecords: 600,
        isEstimated: false,
        recordsToItsEnd: 600,
        recordsPerSecond: 10,
        isAtBest: false,
        isPaused: false,
        startsAt: evening,
        doneAt: evening + 60_000,
        deadlineAt,
        marginSeconds: 7 * 3600 - 60,
      },
    ]);
  });

  it('is at most what the limit allows until the rate is measured', () => {
    const unmeasured = { perSecond: 10, measuredPerSecond: undefined };
    const through = came({ fileId: 'f0', ...uploaded(1_000), createdAt: 0 });
    expect(project([through, came()], { pace: unmeasured })).toMatchObject([
      { isAtBest: false },
      { isAtBest: true, doneAt: evening + 100_000 },
    ]);
  });

  it('of a paused feed assumes a resume, and no other feed waits for its files', () => {
    const files = [came(), came({ fileId: 'f2', feed: 'other', createdAt: evening })];
    expect(project(files, { pausedFeeds: ['traffic'] })).toMatchObject([
      { fileId: 'f1', isPaused: true, doneAt: evening + 100_000 },
      { fileId: 'f2', isPaused: false, doneAt: evening + 100_000 },
    ]);
    expect(project(files, { pausedFeeds: ['other'] })).toMatchObject([
      { fileId: 'f1', isPaused: false, doneAt: evening + 100_000 },
      { fileId: 'f2', isPaused: true, doneAt: evening + 200_000 },
    ]);
  });

  it('considers known changes of the limit', () => {
    const later = [
      { fromMs: evening + 50_000, perSecond: 5 },
      { fromMs: evening + 90_000, perSecond: 100 },
    ];
    const end = (pace: Line['pace'], pausedUntil = 0) => project([came()], { pace, pausedUntil })[0]?.doneAt;
    // 50 s at 10, 40 s at 5, the other 300 at 100.
    expect(end({ ...paced(10), later })).toBe(evening + 93_000);
    expect(end({ ...paced(40), later })).toBe(evening + 25_000);
    expect(end({ ...paced(10), later }, evening + 100_000)).toBe(evening + 110_000);
  });

  it('has no end if neither limit nor rate is known', () => {
    expect(project([came()], { pace: undefined })).toMatchObject([{ doneAt: undefined, isAtBest: false }]);
  });

  it('takes urgent files first and the others in the order they arrived, whatever their feed', () => {
    const files = [
      came({ fileId: 'late', createdAt: evening - 1 }),
      came({ fileId: 'early', createdAt: evening - 9, feed: 'other' }),
      came({ fileId: 'urgent', lane: 'express', createdAt: evening }),
    ];
    const projected = project(files).map(({ fileId, recordsToItsEnd, marginSeconds }) => [
      fileId,
      recordsToItsEnd,
      marginSeconds,
    ]);
    expect(projected).toEqual([
      ['urgent', 1_000, 7 * 3600 - 100],
      // No deadline, no verdict.
      ['early', 2_000, undefined],
      ['late', 3_000, 7 * 3600 - 300],
    ]);
  });

  it('begins at the end of a pause', () => {
    expect(project([came()], { pausedUntil: evening + 3_600_000 })).toMatchObject([
      { startsAt: evening + 3_600_000, doneAt: evening + 3_700_000 },
    ]);
  });

  it('is late if the backlog is more than the API accepts until the deadline', () => {
    const [file] = project([came({ totalRecords: 7 * 36_000 + 600 })]);
    expect(file?.marginSeconds).toBe(-60);
  });

  it('estimates from the length of a file’s records so far, and states that', () => {
    const splitting = came({ state: 'splitting', ...checkpoint(25_000, 500), ...uploaded(100) });
    expect(project([splitting])).toMatchObject([{ remainingRecords: 1_900, isEstimated: true }]);
  });

  it('estimates from the feed’s other files if none of it is split yet', () => {
    const before = came({ fileId: 'a', createdAt: 0 });
    const untouched = came({ fileId: 'b', state: 'splitting' });
    expect(project([before, untouched])[1]).toMatchObject({ remainingRecords: 1_000, isEstimated: true });
    expect(project([untouched], { done: [came({ fileId: 'c', totalRecords: 500 })] })).toMatchObject([
      { remainingRecords: 500, isEstimated: true },
    ]);
    const foreign = came({ fileId: 'c', feed: 'other' });
    expect(project([untouched], { done: [foreign] })).toMatchObject([{ remainingRecords: undefined }]);
  });

  it('does not estimate a compressed file from plain ones', () => {
    const source = { bucket: 'intake', key: 'traffic/x.csv.gz', etag: '"e"', sizeBytes: 10_000 };
    const zipped = came({ fileId: 'b', state: 'splitting', source });
    expect(project([zipped], { done: [came()] })).toMatchObject([{ remainingRecords: undefined, doneAt: undefined }]);
    const other = came({ source, content: { compression: 'gzip', bytes: 100_000 } });
    expect(project([zipped], { done: [other] })).toMatchObject([{ remainingRecords: 1_000 }]);
  });

  it('has nothing for files behind one of unknown length', () => {
    const unknown = came({ fileId: 'a', state: 'splitting', createdAt: 0, feed: 'other' });
    expect(project([unknown, came({ fileId: 'b' })])[1]).toMatchObject({
      remainingRecords: 1_000,
      doneAt: undefined,
      marginSeconds: undefined,
    });
  });

  it('is late for a deadline that has passed, even if the end is unknown', () => {
    const [file] = project([came({ state: 'splitting' })], {}, [traffic], deadlineAt + 5_000);
    expect(file).toMatchObject({ doneAt: undefined, marginSeconds: -5 });
  });

  it('omits stopped files, and counts what was held if it is released', () => {
    const quarantine = { at: 1, rejected: 300, seen: 1_000, message: 'x' };
    const held = { settled: { ...noCounts(), uploaded: 100, held: 900 }, quarantine };
    expect(project([came(held)])).toEqual([]);
    expect(project([came({ state: 'superseded' })])).toEqual([]);
    const release = { at: 2, by: 'ann', why: 'x' };
    expect(project([came({ ...held, release })])).toMatchObject([{ remainingRecords: 900 }]);
  });

  it('treats a file as done with its last record, however long its manifest takes', () => {
    const lastSettledAt = deadlineAt - 1_000;
    const [file] = project([came({ ...uploaded(1_000), lastSettledAt })], {}, [traffic], deadlineAt + 600_000);
    expect(file).toMatchObject({ doneAt: lastSettledAt, marginSeconds: 1 });
  });

  it('never improves with a longer backlog or a slower API', () => {
    const files = fc.array(
      fc.record({ total: fc.nat(1_000_000), done: fc.nat(1_000), lane: fc.constantFrom('main', 'express') }),
      { minLength: 1, maxLength: 8 },
    );
    const rate = fc.integer({ min: 1, max: 1_000 });
    fc.assert(
      fc.property(files, fc.nat(7), fc.nat(100_000), rate, rate, (shapes, which, more, one, other) => {
        const accounts = (extra: number) =>
          shapes.map(({ total, done, lane }, i) =>
            came({
              fileId: `f${i}`,
              lane,
              createdAt: evening - 1_000 + i,
              totalRecords: done + total + 1 + (i === which % shapes.length ? extra : 0),
              ...uploaded(done),
            }),
          );
        const [slow, fast] = [Math.min(one, other), Math.max(one, other)];
        const before = project(accounts(0), { pace: paced(fast) });
        for (const after of [
          project(accounts(more), { pace: paced(fast) }),
          project(accounts(0), { pace: paced(slow) }),
        ]) {
          before.forEach((file, i) => {
            expect(after[i]?.fileId).toBe(file.fileId);
            expect(after[i]?.doneAt).toBeGreaterThanOrEqual(file.doneAt ?? Infinity);
            expect(after[i]?.marginSeconds).toBeLessThanOrEqual(file.marginSeconds ?? -Infinity);
          });
        }
      }),
    );
  });
});
