import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../lambdas/core/account/manifest.ts';
import { verdictOf } from '../../../../lambdas/core/report/verdict.ts';
import { manifestOf } from '../../../support/report-facts.ts';

const clean = {
  ...{ uploaded_records: 1_000, duplicate_records: 0, rejected_records: 0, refused_records: 0, exhausted_records: 0 },
  ...{ valid_records: 1_000, dead_lettered_records: 0 },
};
const compared_with = [{ file_id: 'a', manifest_number: 1, receipts_key: 'receipts', receipts_sha256: 'a'.repeat(64) }];
const verdict = (change: Partial<Manifest> = {}) => verdictOf(manifestOf(change), 'the API', undefined);

describe('the verdict', () => {
  it.each<[string, Partial<Manifest>, string, string]>([
    ['everything got there', clean, 'good', 'All 1,000 records reached the API.'],
    ['some need attention', {}, 'attention', '988 of 1,000 records reached the API. 12 did not and need attention.'],
    [
      'one needs attention',
      { ...clean, uploaded_records: 999, refused_records: 1, dead_lettered_records: 1 },
      'attention',
      '999 of 1,000 records reached the API. 1 did not and needs attention.',
    ],
    [
      'the rest was settled by hand',
      { ...clean, uploaded_records: 998, refused_records: 2, handled_records: 2 },
      'good',
      '998 of 1,000 records reached the API. The other 2 were settled by hand.',
    ],
    [
      'the file was stopped',
      { state: 'quarantined', held_records: 700, failure: { code: 'too_many_rejects', message: 'Half is rejected.' } },
      'bad',
      'This file was stopped. 700 records of 1,000 were never sent.',
    ],
    [
      'the file could not be read',
      { state: 'failed', failure: { code: 'x', message: 'It is no CSV.' } },
      'bad',
      'Nothing of this file was sent. It is no CSV.',
    ],
    [
      'it was a duplicate',
      { state: 'duplicate', duplicate_of: 'f' },
      'attention',
      'Nothing of this file was sent: it has the same bytes as the file f.',
    ],
    [
      'it was replaced',
      { state: 'superseded' },
      'attention',
      'This file was replaced while it was being sent; 988 of the 1,000 records read by then reached the API.',
    ],
    [
      'it was empty',
      { ...clean, total_records: 0, uploaded_records: 0 },
      'bad',
      'Nothing of this file was sent: it has no records.',
    ],
    [
      'the changes of a revision got there',
      { ...clean, total_records: 60_000, uploaded_records: 10, unchanged_records: 59_990, compared_with },
      'good',
      '10 of 60,000 records changed, and all 10 reached the API.',
    ],
    [
      'a person had all of a revision sent',
      {
        ...clean,
        total_records: 10,
        uploaded_records: 10,
        compared_with,
        decisions: [
          { kind: 'release', at: '2026-01-05T02:00:00.000Z', by: 'ann', why: 'it is right', stop: 1, sends: 'all' },
        ],
      },
      'good',
      'All 10 records were sent, and all 10 reached the API.',
    ],
    [
      'records were removed',
      {
        ...clean,
        total_records: 60_000,
        uploaded_records: 10,
        unchanged_records: 59_990,
        removed_records: 3,
        compared_with,
      },
      'attention',
      '10 of 60,000 records changed, and all 10 reached the API. 3 were removed from the log; remove them from the ' +
        'schedule manually.',
    ],
    [
      'some changes need attention',
      {
        ...clean,
        uploaded_records: 8,
        refused_records: 2,
        unchanged_records: 990,
        dead_lettered_records: 2,
        compared_with,
      },
      'attention',
      '10 of 1,000 records changed, and 8 of them reached the API. 2 did not and need attention.',
    ],
    [
      'nothing changed',
      { ...clean, uploaded_records: 0, unchanged_records: 1_000, compared_with },
      'good',
      'None of 1,000 records changed: the API has all of them, and nothing had to be sent.',
    ],
    [
      'the account does not add up',
      { ...clean, reconciled: false },
      'bad',
      'This account does not add up: do not rely on it, and report it to the people who operate Sluice.',
    ],
  ])('states that %s', (_, change, kind, sentence) => {
    expect(verdict(change)).toMatchObject({ kind, sentence });
  });

  it('states how far from the deadline the last record was sent', () => {
    const deadline = { hour: 21, minute: 1, timeZone: 'America/New_York' };
    const { details } = verdictOf(manifestOf(), 'the API', deadline);
    expect(details).toContain('The last record was accepted 40 s AFTER the deadline.');
    const later = verdictOf(manifestOf(), 'the API', { ...deadline, minute: 30 });
    expect(later.details).toContain('The last record was accepted 28 min before the deadline.');
  });

  it('states what has changed since the first account', () => {
    const { details } = verdict({ manifest_number: 3, resolved_records: 2, handled_records: 1 });
    expect(details).toContain(
      'This is manifest 3 of the file: 2 records accepted since, 1 record was settled by hand.',
    );
  });
});

it('of a cancelled file states who stopped it, when and why, and how much was sent', () => {
  const failure = { code: 'cancelled', message: 'Cancelled by ann at 2026-01-05T02:00:00.000Z: the wrong day' };
  const counts = { total_records: 60_000, uploaded_records: 12_000, held_records: 48_000, rejected_records: 0 };
  const verdict = verdictOf(manifestOf({ state: 'quarantined', failure, ...counts }), 'the API', undefined);
  expect(verdict.sentence).toBe(`${failure.message}; 12,000 of 60,000 were sent, 48,000 are held.`);
});
