import { beforeEach, describe, expect, it } from 'vitest';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import type { ContinueMessage, FinalizeMessage, ReemitMessage } from '../../../lambdas/messages.ts';
import type { ReconcilerPorts } from '../../../lambdas/reconciler/requeue-stalled.ts';
import { requeueStalled } from '../../../lambdas/reconciler/requeue-stalled.ts';
import { pauseFeed, resumeFeed } from '../../../lambdas/core/limiter/policy-changes.ts';
import { fileKey, listPkOf, listSkOf } from '../../../lambdas/core/ledger/ledger-keys.ts';
import { fileAccount } from '../../support/file-account.ts';
import { InMemoryLimiterStore } from '../../support/in-memory-limiter-store.ts';
import { limits } from '../../support/feed-fixture.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const stalledAfterMs = 180_000;
let clock: SimulatedClock;
let ledger: MemoryLedger;
let asked: (ContinueMessage | ReemitMessage | FinalizeMessage)[];
let queued: number;
let limiter: InMemoryLimiterStore;
/** Files that had stalled, by the run. */
let stalled: number[];
let ports: ReconcilerPorts;

beforeEach(async () => {
  clock = new SimulatedClock();
  ledger = openMemoryLedger(clock);
  asked = [];
  queued = 0;
  const ask = async (message: (typeof asked)[number]) => void asked.push(message);
  const lane = { feed: 'traffic', lane: 'main', intake: { send: ask }, records: { messages: async () => queued } };
  stalled = [];
  const metricsOf = () => ({ add: (_: string, value: number) => void stalled.push(value), flush: () => undefined });
  limiter = new InMemoryLimiterStore();
  const feed = { api: 'api' };
  ports = {
    ...{ ledger, lanes: [lane], finalize: { send: ask }, clock, log: silentLog, stalledAfterMs, metricsOf },
    ...{ feed, limiterOf: () => limiter },
  };
  const source = { bucket: 'b', key: 'k', etag: '"e"', sizeBytes: 1 };
  await ledger.claimFile('f', { fileId: 'f', feed: 'traffic', lane: 'main', source, limits }, 'splitter', 60_000);
});

const run = () => requeueStalled(ports);
const kinds = () => asked.map((message) => message.kind);

async function settle(batch: number): Promise<void> {
  await ledger.claimBatch({ fileId: 'f', batch, attempt: 1, records: 1, firstRecord: batch }, 'c', 60_000);
  await ledger.settleBatch('f', batch, 'c', { counts: noCounts(), receiptsKey: 'r', receiptsSha256: 's' });
}

it('leaves alone what is in progress', async () => {
  await run();
  expect(asked).toEqual([]);
  expect(stalled).toEqual([0]);
});

it('continues a file whose splitter died, once each time it stalls', async () => {
  await clock.advance(stalledAfterMs + 1);
  await run();
  await run();
  expect(kinds()).toEqual(['continue']);
  expect(stalled).toEqual([1, 0]);
  await clock.advance(stalledAfterMs + 1);
  await run();
  expect(kinds()).toEqual(['continue', 'continue']);
});

describe('a file that is held back', () => {
  const quarter = 900_000;
  const holdBack = () => ledger.releaseFile('f', 1, clock.now() + quarter);
  const fileOf = () => {
    const file = ledger.files.get('f');
    if (!file) throw new Error('There is no file.');
    return file;
  };

  beforeEach(() => {
    ledger.files.set('f', { ...fileOf(), checkpoint: { offset: 100, line: 3, record: 2, batch: 2 } });
  });

  it('is left alone until its time, and requested if that has passed without a splitter', async () => {
    await holdBack();
    queued = 10;
    await clock.advance(quarter + stalledAfterMs - 1);
    await run();
    expect(asked).toEqual([]);
    await clock.advance(2);
    await run();
    expect(kinds()).toEqual(['continue']);
  });

  it('has its batches recreated if the queue was purged', async () => {
    await settle(1);
    await holdBack();
    await clock.advance(stalledAfterMs + 1);
    await run();
    expect(kinds()).toEqual(['reemit']);
  });

  it('is left alone if nothing of it is queued yet: it waits for its control file or for an earlier revision', async () => {
    const { checkpoint: _checkpoint, ...unsent } = fileOf();
    ledger.files.set('f', unsent);
    await clock.advance(4 * quarter);
    await holdBack();
    await run();
    expect([asked, stalled]).toEqual([[], [0]]);
  });

  it('is left alone while batches are settled', async () => {
    await holdBack();
    await clock.advance(stalledAfterMs);
    await settle(1);
    await run();
    expect(asked).toEqual([]);
  });
});

it('asks in the lane of the file, whatever waits in the other', async () => {
  const express: typeof asked = [];
  const send = async (message: (typeof asked)[number]) => void express.push(message);
  ports.lanes.push({ feed: 'traffic', lane: 'express', intake: { send }, records: { messages: async () => 0 } });
  const source = { bucket: 'b', key: 'express/traffic/k', etag: '"e"', sizeBytes: 1 };
  await ledger.claimFile('x', { fileId: 'x', feed: 'traffic', lane: 'express', source, limits }, 'splitter', 60_000);
  await clock.advance(stalledAfterMs + 1);
  await run();
  expect([asked, express].map((each) => each.map(({ kind, fileId }) => `${kind} ${fileId}`))).toEqual([
    ['continue f'],
    ['continue x'],
  ]);

  asked.length = express.length = 0;
  queued = 7;
  for (const fileId of ['f', 'x']) await ledger.finishSplit(fileId, 1, { records: 2, batches: 2 }, []);
  await clock.advance(stalledAfterMs + 1);
  await run();
  expect([asked, express].map((each) => each.map(({ kind, fileId }) => `${kind} ${fileId}`))).toEqual([
    [],
    ['reemit x'],
  ]);
});

describe('a file that is split', () => {
  beforeEach(() => ledger.finishSplit('f', 1, { records: 2, batches: 2 }, []));

  it('and settled is finalized, by the batches’ own count', async () => {
    await settle(1);
    await settle(2);
    Object.assign(ledger.files.get('f') as object, { settledBatches: 1 });
    await clock.advance(stalledAfterMs + 1);
    await run();
    expect(kinds()).toEqual(['finalize']);
  });

  it('has its lost batches recreated, whatever the hints say', async () => {
    await settle(1);
    Object.assign(ledger.files.get('f') as object, { settledBatches: 5 });
    await clock.advance(stalledAfterMs + 1);
    await run();
    expect(kinds()).toEqual(['reemit']);
  });

  it('and stopped has a begun and lost batch recreated: otherwise it would never be closed', async () => {
    await settle(1);
    await ledger.claimBatch({ fileId: 'f', batch: 2, attempt: 1, records: 1, firstRecord: 2 }, 'c', 60_000);
    await ledger.releaseBatch('f', 2, 'c');
    await ledger.cancelFile('f', { by: 'ann', why: 'the wrong export' });
    await clock.advance(stalledAfterMs + 1);
    queued = 1;
    await run();
    expect(asked).toEqual([]);
    queued = 0;
    await run();
    expect(kinds()).toEqual(['reemit']);
  });

  it('and abandoned for a newer revision has a lost batch recreated, although others are queued and the feed is paused', async () => {
    await ledger.claimBatch({ fileId: 'f', batch: 2, attempt: 1, records: 1, firstRecord: 2 }, 'c', 60_000);
    await ledger.releaseBatch('f', 2, 'c');
    await ledger.cancelFile('f', { by: 'ann', why: 'it hangs' });
    Object.assign(ledger.files.get('f') as object, { abandonedFor: { fileId: 'g', at: clock.now() } });
    const who = { feed: 'traffic', by: 'ann', why: 'an outage' };
    await limiter.decide(pauseFeed({ item: {}, inForce: {} }, who, clock.now()));
    await clock.advance(stalledAfterMs + 1);
    queued = 1;
    await run();
    expect(kinds()).toEqual(['reemit']);
  });

  it('has its batches read once, and not at all while the queue may have those that are missing', async () => {
    await settle(1);
    let listed = 0;
    ports.ledger = { ...ledger, listBatches: (...of) => (listed++, ledger.listBatches(...of)) };
    await clock.advance(stalledAfterMs + 1);
    queued = 1;
    await run();
    expect(listed).toBe(0);
    queued = 0;
    await run();
    expect([listed, kinds()]).toEqual([1, ['reemit']]);
  });

  it('has none recreated while they may be in the queue, or in flight', async () => {
    await settle(1);
    await clock.advance(stalledAfterMs + 1);
    queued = 1;
    await run();
    queued = 0;
    await ledger.claimBatch({ fileId: 'f', batch: 2, attempt: 1, records: 1, firstRecord: 2 }, 'c', 60_000);
    await run();
    expect(asked).toEqual([]);
  });
});

it('requests an amendment again that was never written', async () => {
  await ledger.finishSplit('f', 1, { records: 0, batches: 0 }, []);
  await ledger.closeFile('f', { state: 'completed', manifest: { key: 'm', number: 1 }, figures: [], openLetters: 1 });
  await ledger.requestAmendment('f', 0);
  await run();
  expect(asked).toEqual([]);
  await clock.advance(stalledAfterMs + 1);
  await run();
  expect(asked).toMatchObject([{ kind: 'finalize', amend: true }]);
});

it('continues with the other files if one fails', async () => {
  const source = { bucket: 'b', key: 'k2', etag: '"e"', sizeBytes: 1 };
  await clock.advance(10);
  await ledger.claimFile('g', { fileId: 'g', feed: 'traffic', lane: 'main', source, limits }, 'splitter', 60_000);
  await clock.advance(stalledAfterMs + 1);
  const touch = ledger.touchFile.bind(ledger);
  ledger.touchFile = (fileId) => (fileId === 'f' ? Promise.reject(new Error('no')) : touch(fileId));
  await run();
  expect(asked).toMatchObject([{ kind: 'continue', fileId: 'g' }]);
});

it('recreates no batch of a paused feed, however long the pause, but still those of others', async () => {
  await ledger.finishSplit('f', 1, { records: 2, batches: 2 }, []);
  await settle(1);
  const who = { feed: 'traffic', by: 'anna', why: 'a wrong file' };
  await limiter.decide(pauseFeed({ item: {}, inForce: {} }, who, clock.now()));
  await clock.advance(100 * stalledAfterMs);
  await run();
  expect(asked).toEqual([]);
  expect(stalled).toEqual([0]);
  const state = { item: await limiter.read(), inForce: await limiter.readInForce() };
  await limiter.decide(resumeFeed(state, who, clock.now()));
  await run();
  expect(kinds()).toEqual(['reemit']);
});

describe('a night of many files', () => {
  const count = 1_200;
  const idOf = (nth: number) => `many-${String(nth).padStart(5, '0')}`;
  const addFiles = (change: Partial<FileAccount>) => {
    for (let nth = 0; nth < count; nth++) {
      ledger.files.set(
        idOf(nth),
        fileAccount({ fileId: idOf(nth), createdAt: nth, updatedAt: clock.now(), ...change }),
      );
    }
  };

  it('is checked whole: the newest file that stalled is found', async () => {
    addFiles({});
    await clock.advance(stalledAfterMs + 1);
    for (let nth = 0; nth < count - 1; nth++) await ledger.touchFile(idOf(nth));
    await ledger.touchFile('f');
    await run();
    expect(asked).toMatchObject([{ kind: 'reemit', fileId: idOf(count - 1) }]);
  });

  it('asks once how many batches wait, however many files do', async () => {
    addFiles({});
    let counted = 0;
    queued = 1;
    const [lane] = ports.lanes;
    if (lane) lane.records = { messages: async () => (counted++, queued) };
    await clock.advance(stalledAfterMs + 1);
    await run();
    expect(asked.filter(({ kind }) => kind === 'reemit')).toEqual([]);
    expect(counted).toBe(1);
  });

  it('has every amendment that was lost requested again, of old files too', async () => {
    const closed = { state: 'completed', manifest: { key: 'm', number: 1 }, listSk: '' } as const;
    for (let nth = 0; nth < count; nth++) {
      const fileId = idOf(nth);
      const account = fileAccount({ fileId, createdAt: nth, ...closed });
      const owed = nth === 0 ? { amendmentRequestedAt: clock.now() } : {};
      const listed = { listPk: listPkOf('dead', 'traffic'), listSk: listSkOf(account) };
      ledger.store.plant({ ...fileKey(fileId), ...account, ...owed, ...listed }, fileKey(fileId));
    }
    await clock.advance(stalledAfterMs + 1);
    await ledger.touchFile('f');
    await run();
    expect(asked.filter(({ kind }) => kind === 'finalize')).toMatchObject([{ fileId: idOf(0), amend: true }]);
  });
});
