import { describe, expect, it } from 'vitest';
import { unsentFileHeadlines } from '../../../../cli/live/headlines/unsent-files.ts';
import { apiHeadlines } from '../../../../cli/live/headlines/api.ts';
import { describeApi } from '../../../../cli/live/describe-api.ts';
import type { Facts } from '../../../../cli/live/facts.ts';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import type { FileNotice } from '../../../../lambdas/core/notices/file-notice.ts';
import type { FileLedger } from '../../../../lambdas/ports.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { LiveStack } from '../../../support/live-stack.ts';

const now = Date.UTC(2026, 0, 5, 2);
const notice = (change: Partial<FileNotice> = {}): FileNotice => ({
  ...{ kind: 'failed', feed: 'traffic', fileId: 'f1', manifestNumber: 1, at: now - 60_000, name: 'traffic/night.csv' },
  ...{ manifestUri: 's3://a/m', message: 'The gzip is damaged.', uploaded: 0, rejected: 0, held: 0, total: 0 },
  ...change,
});
const facts = (change: Partial<Facts>): Facts => ({
  ...{
    feeds: ['traffic'],
    files: [],
    openFiles: 0,
    projections: [],
    closed: [],
    unsent: [],
    expected: [],
    strays: [],
    apis: [],
    queues: [],
  },
  ...{
    dead: { groups: [], isPartial: false, byFile: new Map() },
    settingsTrouble: undefined,
    sendingOff: [],
    zone: 'UTC',
    now,
  },
  ...change,
});

describe('files of which nothing was sent', () => {
  it('are a red headline with the reason', () => {
    expect(unsentFileHeadlines(facts({ unsent: [notice()] }))).toEqual([
      {
        kind: 'unsent-files',
        tone: 'alarm',
        text: 'Nothing was sent of traffic/night.csv: The gzip is damaged.',
        feeds: ['traffic'],
        file_id: 'f1',
      },
    ]);
    expect(unsentFileHeadlines(facts({ unsent: [notice(), notice({ fileId: 'f2', name: 'b.csv' })] }))).toMatchObject([
      {
        text: 'Nothing was sent of 2 files in the last 24 hours, the last one b.csv: The gzip is damaged.',
        file_id: null,
      },
    ]);
  });

  it('are none once a file with the same key was sent, however many files were closed since', async () => {
    const stack = new LiveStack();
    const start = stack.clock.now() - 3_600_000;
    const drop = (n: number, key: string, change: Partial<FileAccount> = {}) => {
      const createdAt = start + n * 60_000;
      const source = { bucket: 'intake', key, etag: '"e"', sizeBytes: 1 };
      const manifest = { key: `m/${n}`, number: 1 };
      const ended = { state: 'completed' as const, totalRecords: 10, completedAt: createdAt + 1, manifest };
      stack.add(fileAccount({ fileId: `f${n}`, createdAt, updatedAt: createdAt, source, ...ended, ...change }));
    };
    const alarms = async () => {
      const eachFile: FileLedger['eachFile'] = (feed, _, wish) => stack.ledger.eachFile(feed, 'open', wish);
      const { headlines } = await stack.reader({}, { ledger: { ...stack.ledger, eachFile } }).look();
      return headlines.filter(({ kind }) => kind === 'unsent-files').map(({ file_id: fileId }) => fileId);
    };
    await stack.ledger.keepNotice(notice({ fileId: 'f1', at: start + 3 * 60_000 }));
    drop(0, 'traffic/night.csv');
    drop(1, 'traffic/night.csv', { state: 'failed' });
    expect(await alarms()).toEqual(['f1']);
    // It arrived before the other had failed.
    drop(2, 'traffic/night.csv');
    for (let n = 3; n < 30; n++) drop(n, `traffic/other-${n}.csv`);
    expect(await alarms()).toEqual([]);
  });

  it('are read from the ledger, and duplicates are not among them', async () => {
    const stack = new LiveStack();
    const at = stack.clock.now() - 3_600_000;
    await stack.ledger.keepNotice(notice({ at }));
    await stack.ledger.keepNotice(notice({ at, fileId: 'f2', kind: 'duplicate' }));
    const snapshot = await stack.reader().look();
    expect(snapshot.headlines.filter(({ kind }) => kind === 'unsent-files')).toMatchObject([{ file_id: 'f1' }]);
  });
});

it('objects that no feed processes are a red headline for each folder', async () => {
  const stack = new LiveStack();
  const place = { prefix: 'trafic/', objects: 2, newestKey: 'trafic/b.csv', newestAt: 1 };
  await stack.ledger.saveStrays('traffic', { places: [place], lanePrefixes: ['traffic/', 'express/traffic/'], at: 1 });
  const { headlines } = await stack.reader().look();
  expect(headlines.filter(({ kind }) => kind === 'strays')).toMatchObject([
    { tone: 'alarm', text: 'No feed takes 2 objects under trafic/, the newest trafic/b.csv: did you mean traffic/?' },
  ]);
});

it('an open breaker is a red headline with the API’s answer, since when, and when the next probe is due', () => {
  const item = {
    ...{ breaker: 'open' as const, reason: 'unauthorised' as const, openedAt: now - 600_000, openUntil: now + 30_000 },
    ...{ answerStatus: 401, answer: 'token expired' },
  };
  const shared = { id: 'avstar', feeds: ['traffic'], url: 'https://x', requests: 60, windowSeconds: 60 };
  const deployed = { ...shared, connections: 1, consumers: 1 };
  const api = describeApi(deployed, { item, inForce: {} }, undefined, { zone: 'UTC', now });
  expect(api).toMatchObject({ breaker: 'open', http_status: 401, api_answer: 'token expired' });
  expect(apiHeadlines(facts({ apis: [api] }))).toMatchObject([
    {
      tone: 'alarm',
      text:
        'Nothing is sent to the API of traffic since 01:50 (10 min ago): it refuses the token: 401 "token expired". ' +
        'The next probe is due at 02:00 (in 30 s).',
    },
  ]);
});
