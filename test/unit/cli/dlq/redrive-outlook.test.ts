import { expect, it } from 'vitest';
import { countDead, readDead } from '../../../../cli/live/count-dead.ts';
import { describeOutlook, redriveQuestion } from '../../../../cli/dlq/redrive-outlook.ts';
import { countFailedAlike } from '../../../../cli/dlq/select-dead.ts';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { openMemoryLedger } from '../../../support/memory-ledger.ts';

it('states which letters can succeed and which will fail again', () => {
  const groups = [
    { outcome: 'rejected', reason: 'not_an_integer', count: 8 },
    { outcome: 'rejected', reason: 'blank', count: 2 },
    { outcome: 'refused', reason: 'http_422', count: 4 },
    { outcome: 'refused', reason: 'http_403', count: 3 },
    { outcome: 'refused', reason: 'conflict', count: 1 },
    { outcome: 'exhausted', reason: 'circuit_open', count: 500 },
    { outcome: 'unknown', reason: 'not_in_the_ledger_yet', count: 6 },
  ];
  expect(describeOutlook(groups)).toEqual([
    '500 can succeed: the API failed when they were tried.',
    '3 can succeed if what the API refused them for is fixed there (token, path, account).',
    expect.stringMatching(/^10 are rejected: not valid by the feed's rules, and never sent\. They fail again, unless /),
    '5 are refused by the API for what is in them. They fail again, unless the API has changed.',
    'Of 6 the ledger does not know the reason yet.',
  ]);
  expect(redriveQuestion(groups)).toBe('Redrive 524 dead letters, of which 15 will fail again?');
});

it('asks for no confirmation if every letter can succeed', () => {
  const groups = [{ outcome: 'exhausted', reason: 'timeout', count: 1 }];
  expect(describeOutlook(groups)).toEqual(['1 can succeed: the API failed when it was tried.']);
  expect(redriveQuestion(groups)).toBeUndefined();
});

it('counts the open records of a selection by the last reason of their letters', async () => {
  const ledger = openMemoryLedger({ now: () => 1 });
  ledger.files.set('f1', fileAccount({ manifest: { key: 'k', number: 1 } }));
  const attempt = (reason: string) => ({ at: 0, outcome: 'refused' as const, reason, error: '', status: 422 });
  const add = (record: number, state: 'dead' | 'resolved', ...reasons: string[]) =>
    ledger.dead.set(`f1#${record}`, {
      ...{ fileId: 'f1', record, letterId: `l${record}`, state, outcome: 'refused', createdAt: 0 },
      failedMessageSentAt: 0,
      history: reasons.map(attempt),
    });
  add(1, 'dead', 'http_400', 'http_422');
  add(2, 'dead', 'http_422');
  add(3, 'dead', 'http_400');
  add(4, 'resolved', 'http_422');
  expect(await countFailedAlike({ feed: 'traffic', fileId: 'f1' }, ledger)).toEqual([
    { outcome: 'refused', reason: 'http_422', count: 2, ofCancelled: 0 },
    { outcome: 'refused', reason: 'http_400', count: 1, ofCancelled: 0 },
  ]);
  expect(await countFailedAlike({ feed: 'traffic', fileId: 'f1', reason: 'http_400' }, ledger)).toHaveLength(1);
});

it('states that letters of a cancelled file return untried, whatever their reason', async () => {
  const ledger = openMemoryLedger({ now: () => 1 });
  const quarantine = { at: 1, code: 'cancelled' as const, rejected: 0, seen: 0, message: 'a wrong file' };
  const manifest = { key: 'k', number: 1 };
  ledger.files.set('f1', fileAccount({ fileId: 'f1', manifest, state: 'quarantined', quarantine }));
  const release = { at: 2, by: 'ann', why: 'the right one' };
  ledger.files.set('f2', fileAccount({ fileId: 'f2', manifest, state: 'completed', quarantine, release }));
  for (const [fileId, record] of [
    ['f1', 1],
    ['f1', 2],
    ['f2', 1],
  ] as const) {
    ledger.dead.set(`${fileId}#${record}`, {
      ...{ fileId, record, letterId: `l${record}`, state: 'dead', outcome: 'exhausted', createdAt: 0 },
      failedMessageSentAt: 0,
      history: [{ at: 0, outcome: 'exhausted', reason: 'timeout', error: '', status: null }],
    });
  }
  const groups = [
    ...(await countFailedAlike({ feed: 'traffic', fileId: 'f1' }, ledger)),
    ...(await countFailedAlike({ feed: 'traffic', fileId: 'f2' }, ledger)),
  ];
  expect(describeOutlook(groups)).toEqual([
    '1 can succeed: the API failed when it was tried.',
    '2 come back untried: nothing of a cancelled file is sent. Send what is held of it with `release` first.',
  ]);
  expect(redriveQuestion(groups)).toBe('Redrive 3 dead letters, of which 2 will come back untried?');
  const files = [...ledger.files.values()];
  const { groups: shown } = countDead('traffic', await readDead('traffic', files.map(counted), ledger), [], 1);
  expect(shown).toMatchObject([{ count: 3, of_cancelled_files: 2, outlook: describeOutlook(groups).join(' ') }]);
});

/** With failures in its counts: `readDead` reads no other file. */
const counted = (file: FileAccount): FileAccount => ({
  ...file,
  settled: { ...file.settled, exhausted: file.fileId === 'f1' ? 2 : 1 },
});
