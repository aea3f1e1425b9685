import { expect, test } from 'vitest';
import { awaitLetters } from '../../../cli/drop/await-letters.ts';
import type { DroppedObject } from '../../../cli/drop/find-dropped-file.ts';
import { findDroppedFile, idOfDropped } from '../../../cli/drop/find-dropped-file.ts';
import { followFile } from '../../../cli/drop/follow-file.ts';
import type { DeadRecord, FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { fileIdOf } from '../../../lambdas/core/account/file-id.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';

const dropped: DroppedObject = {
  feed: 'traffic',
  bucket: 'b',
  key: 'traffic/x.csv',
  etag: '"e"',
  droppedAtMs: 1_000_000,
};

function accountOf(change: Partial<FileAccount>): FileAccount {
  return {
    fileId: 'f',
    feed: 'traffic',
    lane: 'main',
    source: { bucket: 'b', key: 'traffic/x.csv', etag: '"e"', sizeBytes: 1 },
    state: 'split',
    createdAt: 1_000_100,
    updatedAt: 0,
    epoch: 1,
    limits: { maxBatchRecords: 1, maxBatchBytes: 1, maxRecordBytes: 1 },
    settledBatches: 0,
    settled: noCounts(),
    ...change,
  };
}

/** Time that passes only by sleeping. */
function fakeClock() {
  let now = 0;
  return {
    now: () => now,
    sleep: (ms: number) => {
      now += ms;
      return Promise.resolve();
    },
  };
}

const ledgerWith = (...files: FileAccount[]) => ({
  getFile: (id: string) => Promise.resolve(files.find(({ fileId }) => fileId === id)),
  listFiles: (_feed: string, which: 'open' | 'closed') =>
    Promise.resolve(files.filter(({ manifest }) => (manifest === undefined) === (which === 'open'))),
});

test('a dropped file is found by its version', async () => {
  const versioned = { ...dropped, versionId: 'v1' };
  const id = fileIdOf(versioned.feed, versioned);
  expect(idOfDropped(versioned)).toBe(id);
  const file = accountOf({ fileId: id });
  expect(await findDroppedFile(ledgerWith(accountOf({}), file), versioned)).toBe(file);
});

test('without versions it is found by its key, bytes and time', async () => {
  const before = accountOf({ fileId: 'before', createdAt: 0 });
  const otherBytes = accountOf({ fileId: 'other', source: { ...accountOf({}).source, etag: '"o"' } });
  const mine = accountOf({ fileId: 'mine', manifest: { key: 'm', number: 1 } });
  expect(await findDroppedFile(ledgerWith(before, otherBytes, mine), dropped)).toBe(mine);
  expect(await findDroppedFile(ledgerWith(before, otherBytes), dropped)).toBeUndefined();
});

function followPorts(looks: (FileAccount | undefined | Error)[]) {
  const said: string[] = [];
  const look = () => {
    const next = looks.length > 1 ? looks.shift() : looks[0];
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  const terminal = {
    progress: (_phase: string, text: string) => void said.push(text),
    note: (text: string) => void said.push(`! ${text}`),
    endProgress: () => undefined,
  };
  const diagnose = () => Promise.resolve('an obstacle');
  const line = () => Promise.resolve({ pace: undefined, stopped: 'Nothing is sent: 401 "expired".' });
  return { ports: { look, diagnose, terminal, clock: fakeClock(), line, limitPerSecond: 300 }, said };
}
const never = new AbortController().signal;

test('follows until the manifest exists, through failing polls', async () => {
  const closed = accountOf({ manifest: { key: 'm', number: 1 } });
  const { ports, said } = followPorts([undefined, new Error('network'), accountOf({ totalRecords: 5 }), closed]);
  expect(await followFile(ports, never)).toBe(closed);
  expect(said).toContain('waiting for a splitter');
  expect(said).toContain('0 of 5 records (0%)  300/s allowed  Nothing is sent: 401 "expired".');
  expect(said).toContain('the cloud does not answer; trying again');
});

test('gives up on a cloud that never answers', async () => {
  const { ports } = followPorts([new Error('network')]);
  await expect(followFile(ports, never)).rejects.toThrow('network');
});

test('reports once what blocks the file if nothing moves', async () => {
  const looks = [...Array.from({ length: 600 }, () => accountOf({ totalRecords: 5 }))];
  const { ports, said } = followPorts([...looks, accountOf({ manifest: { key: 'm', number: 1 } })]);
  await followFile(ports, never);
  expect(said.filter((text) => text === '! an obstacle')).toHaveLength(1);
});

test('stops when requested', async () => {
  const stopped = AbortSignal.abort();
  expect(await followFile(followPorts([accountOf({})]).ports, stopped)).toBeUndefined();
});

function lettersPorts(known: number, depths: number[]) {
  return {
    ledger: {
      async *listDead() {
        for (let record = 1; record <= known; record++) yield { record } as DeadRecord;
      },
    },
    queued: () => Promise.resolve((depths.length > 1 ? depths.shift() : depths[0]) ?? 0),
    terminal: { progress: () => undefined },
    clock: fakeClock(),
  };
}

test('letters have arrived when the ledger knows all of them and none is queued', async () => {
  expect(await awaitLetters('f', 3, lettersPorts(3, [3, 1, 0]), never)).toBe(true);
  expect(await awaitLetters('f', 0, lettersPorts(0, [9]), never)).toBe(true);
});

test('does not wait for ever for letters that never arrive', async () => {
  expect(await awaitLetters('f', 3, lettersPorts(2, [0]), never)).toBe(false);
});

test('another file that keeps the queue busy does not delay this one', async () => {
  const busy = Array.from({ length: 10_000 }, (_, index) => 1 + (index % 7));
  const ports = lettersPorts(3, busy);
  expect(await awaitLetters('f', 3, ports, never)).toBe(true);
  expect(ports.clock.now()).toBeLessThan(60_000);
});
