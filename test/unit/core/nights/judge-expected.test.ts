import { describe, expect, it } from 'vitest';
import type { DueFile } from '../../../../lambdas/core/nights/expected-files.ts';
import type { ArrivedFile } from '../../../../lambdas/core/nights/judge-expected.ts';
import { judgeExpected } from '../../../../lambdas/core/nights/judge-expected.ts';

const dueAt = Date.parse('2026-11-29T07:00:00Z');
const minuteMs = 60_000;

const due: DueFile = {
  name: 'WABC',
  day: '2026-11-29',
  dueAt,
  timeZone: 'America/New_York',
  key: 'WABC_20261130*.csv',
  records: 100,
  arrivesAfter: dueAt - 1_000_000_000,
  arrivesUntil: dueAt + 1_000_000_000,
};

const file = (given: Partial<ArrivedFile> & { minutes?: number; key?: string } = {}): ArrivedFile => {
  const { minutes = -60, key = 'traffic/WABC_20261130.csv', ...rest } = given;
  return {
    fileId: 'traffic.1',
    feed: 'traffic',
    state: 'completed',
    source: { bucket: 'intake', key, etag: 'e', sizeBytes: 1 },
    createdAt: dueAt + minutes * minuteMs,
    totalRecords: 100,
    ...rest,
  };
};

const judge = (...files: ArrivedFile[]) => judgeExpected(due, files, dueAt + 5 * minuteMs);
const quarantine = { at: dueAt, rejected: 1, seen: 1, message: 'wrong' };

describe('an expected file', () => {
  it('is not due before the end of its minute, and missing from then on', () => {
    const end = dueAt + minuteMs;
    expect(judgeExpected(due, [], end - 1)).toEqual({ due, state: 'not_due' });
    expect(judgeExpected(due, [], end)).toEqual({ due, state: 'missing' });
  });

  it('is met in either lane, and before its time as well', () => {
    expect(judge(file())).toMatchObject({ state: 'met', file: { fileId: 'traffic.1', records: 100 } });
    expect(judge(file({ key: 'express/traffic/WABC_20261130_R2.csv' })).state).toBe('met');
    expect(judgeExpected(due, [file()], dueAt - 1).state).toBe('met');
  });

  it('is not met by another key, another feed, or a file of another time', () => {
    expect(judge(file({ key: 'traffic/WABC_20261129.csv' })).state).toBe('missing');
    expect(judge(file({ key: 'other/WABC_20261130.csv' })).state).toBe('missing');
    expect(judge(file({ createdAt: due.arrivesAfter })).state).toBe('missing');
  });

  it('is met in the minute of its time, and late after it', () => {
    expect(judge(file({ createdAt: dueAt + minuteMs - 1 })).state).toBe('met');
    expect(judge(file({ minutes: 1 }))).toMatchObject({ state: 'late', lateBySeconds: 60 });
    expect(judge(file({ minutes: 12 }))).toMatchObject({ state: 'late', lateBySeconds: 720 });
  });

  it.each([
    ['failed', { state: 'failed' }],
    ['duplicate', { state: 'duplicate' }],
    ['superseded', { state: 'superseded' }],
    ['superseded', { supersededBy: { fileId: 'traffic.2', at: dueAt } }],
    ['quarantined', { state: 'quarantined' }],
    ['quarantined', { state: 'split', quarantine }],
    ['cancelled', { state: 'split', quarantine: { ...quarantine, code: 'cancelled' } }],
  ] as const)('is missing while its file is %s', (obstacle, given) => {
    expect(judge(file(given))).toMatchObject({ state: 'missing', file: { obstacle } });
    expect(judge(file(given), file({ fileId: 'traffic.2' }))).toMatchObject({
      state: 'met',
      file: { fileId: 'traffic.2' },
    });
  });

  it('has too few records only if all of them are known, and no other file has enough', () => {
    expect(judge(file({ totalRecords: 99 }))).toMatchObject({ state: 'too_few', file: { records: 99 } });
    expect(judge(file({ totalRecords: 99 }), file({ fileId: 'traffic.2' })).state).toBe('met');
    expect(judge(file({ totalRecords: 99 }), file({ state: 'failed', totalRecords: 200 })).state).toBe('too_few');
    expect(judgeExpected(due, [file({ totalRecords: 99 })], dueAt - 1).state).toBe('not_due');
  });

  it('is met for the time being by a file that is still being read', () => {
    const reading = (more: Partial<ArrivedFile> = {}): ArrivedFile => {
      const { totalRecords: _, ...rest } = file({ state: 'splitting', ...more });
      return rest;
    };
    const cut = (record: number) => reading({ checkpoint: { offset: 9, record, batch: 1, line: 1 } });
    expect(judge(reading())).toMatchObject({ state: 'met', isProvisional: true });
    expect(judge(cut(99))).toMatchObject({ state: 'met', isProvisional: true });
    expect(judge(cut(100)).isProvisional).toBeUndefined();
  });

  it('is late if its file was released after its time', () => {
    const release = { at: dueAt + 30 * minuteMs, by: 'ann', why: 'checked' };
    expect(judge(file({ quarantine, release }))).toMatchObject({ state: 'late', lateBySeconds: 1800 });
  });

  it('is met by what was sent of a series, with the newer revision that is stopped', () => {
    const series = { id: 'traffic.s' };
    const held = file({ series, fileId: 'traffic.2', minutes: 8, state: 'quarantined', quarantine });
    expect(judge(file({ series }), held)).toMatchObject({ state: 'met', stoppedRevision: 'traffic.2' });
    expect(judge(file({ series }), { ...held, series: { id: 'traffic.other' } }).stoppedRevision).toBeUndefined();
    expect(judge(file(), file({ fileId: 'traffic.2', minutes: 8, quarantine })).stoppedRevision).toBeUndefined();
    // A third has been sent in its place.
    const third = file({ series, fileId: 'traffic.3', minutes: 9 });
    expect(judge(file({ series }), held, third).stoppedRevision).toBeUndefined();
  });

  it('is met by the current revision of a series, as of its first', () => {
    const series = { id: 'traffic.s' };
    const first = file({ series, supersededBy: { fileId: 'traffic.2', at: dueAt + 9 * minuteMs } });
    const second = file({ series, fileId: 'traffic.2', minutes: 8 });
    expect(judge(first, second)).toMatchObject({ state: 'met', file: { fileId: 'traffic.2', at: first.createdAt } });
    expect(judge(first, { ...second, totalRecords: 3 })).toMatchObject({ state: 'too_few' });
    expect(judge(first, { ...second, state: 'quarantined' })).toMatchObject({
      state: 'missing',
      file: { fileId: 'traffic.2', obstacle: 'quarantined' },
    });
    const late = { ...first, createdAt: dueAt + 2 * minuteMs };
    expect(judge(late, second)).toMatchObject({ state: 'late', lateBySeconds: 120 });
  });
});
