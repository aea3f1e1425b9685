import { expect, test } from 'vitest';
import { exitCodeOf } from '../../../cli/show/exit-code-of.ts';
import { formatFigures, formatManifest } from '../../../cli/show/manifest-table.ts';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';

const clean: Manifest = {
  manifest_version: 2,
  manifest_number: 1,
  previous_manifest_sha256: null,
  tool: 'sluice',
  tool_version: '0',
  file_id: 'f1',
  feed: 'traffic',
  lane: 'main',
  state: 'completed',
  source: { bucket: 'in', key: 'traffic/log.csv', version_id: null, etag: '"e"' },
  archive: {
    bucket: 'kept',
    source_key: 'traffic/2026/01/05/f1/source/log.csv',
    dead_letters_key: null,
    receipts_sha256: null,
    dead_letters_sha256: null,
    resolutions_key: null,
    resolutions_sha256: null,
    report_key: null,
    report_sha256: null,
    receipts_key: 'traffic/2026/01/05/f1/receipts.ndjson.gz',
    manifest_key: 'traffic/2026/01/05/f1/manifest.json',
  },
  checksum: 'a'.repeat(64),
  bytes: 100,
  format: 'csv',
  encoding: 'utf-8',
  compression: null,
  zip_member: null,
  decoded_from: null,
  bundled_files: null,
  content_bytes: 1000,
  body_offset: 20,
  total_records: 1_200,
  valid_records: 1_200,
  uploaded_records: 1_200,
  unchanged_records: 0,
  removed_records: 0,
  compared_with: [],
  request_ids_have_file_id: false,
  duplicate_records: 0,
  rejected_records: 0,
  refused_records: 0,
  exhausted_records: 0,
  held_records: 0,
  dead_lettered_records: 0,
  handled_records: 0,
  held_ranges: [],
  resolved_records: 0,
  reconciled: true,
  proof: null,
  signature: null,
  duplicate_of: null,
  failure: null,
  warnings: [],
  errors: [],
  errors_truncated: false,
  errors_by_reason: [],
  times: {
    received: '2026-01-05T06:00:00.000Z',
    split: null,
    first_upload: null,
    last_upload: null,
    completed: '2026-01-05T06:00:10.000Z',
    duration_seconds: 10,
    upload_seconds: 4,
    records_per_second: 300,
  },
};
const withDead = { ...clean, uploaded_records: 1_190, rejected_records: 10, dead_lettered_records: 10 };
const plain = { style: (_style: unknown, text: string) => text };

test.each<[string, Partial<Manifest>, number]>([
  ['clean', {}, 0],
  ['with dead letters', withDead, 2],
  ['with dead letters that were all resolved', { rejected_records: 0, resolved_records: 10 }, 0],
  ['a duplicate', { state: 'duplicate', total_records: 0, uploaded_records: 0, duplicate_of: 'f0' }, 0],
  ['failed', { state: 'failed', failure: { code: 'is_pdf', message: 'is a PDF' } }, 1],
  ['quarantined', { state: 'quarantined', held_records: 5 }, 1],
  ['replaced', { state: 'superseded' }, 1],
  ['held records in a file that is done', { held_records: 1 }, 1],
  ['an account that does not add up', { reconciled: false }, 1],
  ['without records', { total_records: 0, uploaded_records: 0 }, 1],
  ['an emptied log that a person has released', { total_records: 0, uploaded_records: 0, removed_records: 9 }, 0],
])('the exit code of a file that is %s', (_what, change, code) => {
  expect(exitCodeOf({ ...clean, ...change })).toBe(code);
});

test('the figures are aligned with their sum', () => {
  expect(formatFigures(withDead)).toBe(
    [
      '  uploaded   1,190',
      '  duplicate      0',
      '  unchanged      0',
      '  rejected      10  dead letters: not valid, never sent',
      '  refused        0',
      '  exhausted      0',
      '  held           0',
      '  ----------------',
      '  records    1,200  the sum is exact',
      '',
    ].join('\n'),
  );
});

test('a sum that is not exact is reported as such', () => {
  expect(formatFigures({ ...clean, uploaded_records: 1_199 })).toContain(
    '  records    1,200  NOT EXACT: they are 1,199',
  );
});

test('a file’s name can do no harm', () => {
  const source = { ...clean.source, key: 'traffic/\u001b[2J.csv' };
  expect(formatManifest({ ...clean, source }, plain, 100)).not.toContain('\u001b');
});

test('a file without records shows only its facts', () => {
  const text = formatManifest({ ...clean, total_records: 0, uploaded_records: 0 }, plain, 100);
  expect(text).toContain('it has no records');
  expect(text).not.toContain('uploaded  ');
});

test('an emptied log says what is left to do', () => {
  const text = formatManifest({ ...clean, total_records: 0, uploaded_records: 0, removed_records: 1_200 }, plain, 200);
  expect(text).toContain('it has no records any more; 1,200 removed records are to be removed by hand');
});

test('a held revision has the answers that a release needs, its list, and who decided what before', () => {
  const comparison = {
    new_records: 1,
    changed_records: 1,
    changes_key: 'k/changes.csv',
    changes_sha256: 'a'.repeat(64),
  };
  const at = '2026-01-05T02:00:00.000Z';
  const decisions: Manifest['decisions'] = [
    { kind: 'release', at, by: 'ann', why: 'a new grid', stop: 1, sends: 'all' },
  ];
  const failure = { code: 'revision_differs', message: 'Compared with f0.' };
  const held: Manifest = { ...clean, state: 'quarantined', failure, held_records: 1_200, comparison, decisions };
  const text = formatManifest(held, plain, 120);
  expect(text).toContain('release f1 --changes (or --all) --why "..."');
  expect(text).toContain('changes f1');
  expect(text).toContain('Released, every record, by ann: a new grid');
});
