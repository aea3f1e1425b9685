import { expect, it } from 'vitest';
import type { FileNotice } from '../../../lambdas/core/notices/file-notice.ts';
import { mailOf } from '../../../lambdas/core/notices/notice-mail.ts';
import type { LogRow } from '../../support/log-rows.ts';
import { RevisionWorld } from '../../support/revision-world.ts';

const rowsOf = (count: number): LogRow[] =>
  Array.from({ length: count }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${n + 1}` }));

/** @returns the desk's mail about the last of these revisions */
async function mailAbout(world: RevisionWorld, revisions: readonly (readonly LogRow[])[]) {
  for (const [number, rows] of revisions.entries()) {
    world.drop(number + 1, rows);
    await world.run(() => ({ index: 0, isRepeated: false }));
  }
  const notices = await world.ledger.pendingNotices('traffic');
  const mine = notices.filter(({ fileId }) => fileId === `traffic.${revisions.length}`);
  expect(mine.length).toBeLessThanOrEqual(1);
  return mine.length === 0 ? undefined : mailOf(mine, 'station');
}

const changed = rowsOf(10).with(0, { spot: 'S1', client: 'Someone else' });

it('a revision that is sent is mailed if records are to be removed: with its verdict, its counts and the key of its list', async () => {
  const mail = await mailAbout(new RevisionWorld(), [rowsOf(12), changed]);
  expect(mail?.subject).toBe('Sluice traffic: a file was sent, and records are to be removed by hand');
  expect(mail?.text).toContain(
    '1 of 10 records changed, and it reached the API. 2 were removed from the log; remove them from the schedule manually.',
  );
  expect(mail?.text).toContain('Compared with the revision before: 1 changed, 0 new, 2 removed; 9 unchanged\n');
  expect(mail?.text).toMatch(/What it changes: s3:\/\/archive\/traffic\/.*\/traffic\.2\/changes\.csv\n/);
  expect(mail?.text).toContain('sluice --stack station changes traffic.2 --only removed');
  expect(mail?.text).not.toMatch(/Client|Someone|S1/);
});

it('a revision that is sent and removes nothing needs no mail', async () => {
  expect(await mailAbout(new RevisionWorld(), [rowsOf(10), changed])).toBeUndefined();
});

it('a held revision is mailed with its counts, the key of its list, and a command for each answer', async () => {
  const mail = await mailAbout(new RevisionWorld('doubles'), [rowsOf(12), changed]);
  expect(mail?.text).toContain('Compared with the revision before: 1 changed, 0 new, 2 removed; 9 unchanged\n');
  expect(mail?.text).toMatch(/What it changes: s3:\/\/archive\/.*\/changes\.csv\n/);
  expect(mail?.text).toContain('sluice --stack station changes traffic.2');
  expect(mail?.text).toContain(
    'sluice --stack station release traffic.2 --changes --why "..."\n      Its 1 changed record',
  );
  expect(mail?.text).toContain(
    'sluice --stack station release traffic.2 --all --why "..."\n      All 10 valid records',
  );
  expect(mail?.text).not.toMatch(/Client|Someone|S1/);
});

const noticed = (fileId: string, code: string): FileNotice => ({
  ...{ kind: 'stopped', feed: 'traffic', fileId, code, manifestNumber: 1, at: 0, name: `traffic/${fileId}.csv` },
  ...{ manifestUri: 's3://archive/m.json', message: 'Why.', uploaded: 0, rejected: 0, held: 9, total: 9 },
});

it('files that are held for different reasons are mailed with what each reason needs', () => {
  const counts = { unchanged: 9, changed: 3, added: 0, removed: 0 };
  const held: FileNotice = {
    ...noticed('a', 'revision_differs'),
    revision: { counts, changesUri: 's3://archive/changes.csv', held: { code: 'revision_differs', counts } },
  };
  // The last one is from an earlier version, which kept only its code.
  const { text } = mailOf([held, noticed('b', 'too_many_rejects'), noticed('c', 'revision_unknown')], 'station');
  expect(text).toContain('  traffic/a.csv (file a)\n    Compared with the revision before: 3 changed');
  expect(text).toContain('release FILE_ID --changes --why');
  expect(text).toContain('release FILE_ID --all --why');
  expect(text).toContain('release FILE_ID --why');
  expect(text).not.toContain('Its 3 changed records');
});
