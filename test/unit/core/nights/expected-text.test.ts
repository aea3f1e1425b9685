import { describe, expect, it } from 'vitest';
import type { DueFile } from '../../../../lambdas/core/nights/expected-files.ts';
import { expectedText, historyText } from '../../../../lambdas/core/nights/expected-text.ts';
import type { FoundFile } from '../../../../lambdas/core/nights/judge-expected.ts';

const dueAt = Date.parse('2026-11-29T07:00:00Z');
const minute = 60_000;
const zone = 'America/New_York';
const due: DueFile = {
  ...{ name: 'WABC', day: '2026-11-29', dueAt, timeZone: zone, key: 'WABC_20261130*.csv', records: 1000 },
  ...{ arrivesAfter: 0, arrivesUntil: Infinity },
};
const file: FoundFile = {
  fileId: 'traffic.1',
  key: 'traffic/WABC_20261130.csv',
  state: 'split',
  at: dueAt + 12 * minute,
};
const text = (verdict: Omit<Parameters<typeof expectedText>[0], 'due'>, minutes: number, progress?: string) =>
  expectedText({ due, ...verdict }, { zone, now: dueAt + minutes * minute, progress });

describe('an expected file in words', () => {
  it('is the same before and after its time, while it is not here', () => {
    expect(text({ state: 'not_due' }, -40)).toBe('WABC: expected by 02:00 (in 40 min), not here yet');
    expect(text({ state: 'missing' }, 12)).toBe('WABC: expected by 02:00 (12 min ago), not here yet');
  });

  it('says what is here instead', () => {
    const of = (obstacle: FoundFile['obstacle']) =>
      text({ state: 'missing', file: { ...file, ...(obstacle ? { obstacle } : {}) } }, 12);
    expect(of('quarantined')).toBe(
      'WABC: expected by 02:00 (12 min ago), not here yet: traffic/WABC_20261130.csv is stopped',
    );
    expect(of('duplicate')).toMatch(/has the same bytes as an earlier file$/);
    expect(text({ state: 'too_few', file: { ...file, records: 12 } }, 12)).toBe(
      'WABC: expected by 02:00 (12 min ago), here with 12 of at least 1,000 records',
    );
    expect(text({ state: 'missing', file: { ...file, key: 'traffic/a\nb.csv', obstacle: 'failed' } }, 12)).toMatch(
      /: traffic\/a b\.csv failed$/,
    );
  });

  it('says since when it is here, how late it came, and how far it is', () => {
    expect(text({ state: 'met', file: { ...file, at: dueAt - 48 * minute } }, 5, 'uploading, done about 03:40')).toBe(
      'WABC: here since 01:12 (expected by 02:00), uploading, done about 03:40',
    );
    expect(text({ state: 'met', file, stoppedRevision: 'traffic.2' }, 5, 'completed')).toMatch(
      /, completed; its newer revision traffic\.2 is stopped$/,
    );
    expect(text({ state: 'late', lateBySeconds: 720, file }, 30)).toBe(
      'WABC: here since 02:12, late by 12 min (expected by 02:00)',
    );
  });

  it('says how it has been before', () => {
    expect(historyText({ nights: 30, late: 2, missed: 1 })).toBe('late twice and missing once in the 30 nights before');
    expect(historyText({ nights: 1, late: 0, missed: 0 })).toBe('in time in the night before');
    expect(historyText({ nights: 9, late: 5, missed: 0 })).toBe('late 5 times in the 9 nights before');
    expect(historyText({ nights: 0, late: 0, missed: 0 })).toBeUndefined();
  });
});
