import { beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { BatchMessage } from '../../lambdas/messages.ts';
import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import type { ReconcilerPorts } from '../../lambdas/reconciler/requeue-stalled.ts';
import { requeueStalled } from '../../lambdas/reconciler/requeue-stalled.ts';
import { InMemoryLimiterStore } from '../support/in-memory-limiter-store.ts';
import { FileWorld, fileId, rowOf } from '../support/file-world.ts';
import type { ConsumerWorld } from '../support/in-memory-ports.ts';
import { silentLog } from '../support/in-memory-ports.ts';
import type { SimulatedClock } from '../support/simulated-clock.ts';
import type { SplitterWorld } from '../support/splitter-world.ts';
import { distinctBatches } from '../support/splitter-world.ts';

/** For a file with invalid rows from some row on: splitter, consumers and finalizer, in memory. */
let world: FileWorld;
let clock: SimulatedClock;
let splitter: SplitterWorld;
let consumer: ConsumerWorld;
let told: string[];

function begin(rows: number, isBroken: (row: number) => boolean, horizonRecords = 1e9): void {
  beginWith(
    Array.from({ length: rows }, (_, index) => (isBroken(index + 1) ? 'no row' : rowOf(index + 1))),
    horizonRecords,
  );
}

function beginWith(lines: readonly string[], horizonRecords = 1e9): void {
  world = new FileWorld(lines, horizonRecords);
  ({ clock, splitter, consumer, notified: told } = world);
}

const file = () => world.file;
const split = (isNew = true) => world.split(isNew);
const deliver = (message: BatchMessage) => world.deliver(message);
const finalize = () => world.finalize();
const release = () => world.release();
const expectCovered = (manifest: Manifest | undefined, rows: number) => world.expectCovered(manifest, rows);

/** A reconciler's ports over empty queues. @param asked collects the messages that it sends */
function reconcilerPorts(asked: unknown[]): ReconcilerPorts {
  const ask = { send: async (message: unknown) => void asked.push(message) };
  return {
    ledger: splitter.ports.ledger,
    feed: { api: 'api' },
    limiterOf: () => new InMemoryLimiterStore(),
    lanes: [{ feed: 'traffic', lane: 'main', intake: ask, records: { messages: async () => 0 } }],
    finalize: ask,
    clock,
    log: silentLog,
    metricsOf: () => ({ add: () => undefined, flush: () => undefined }),
    stalledAfterMs: 1_000,
  };
}

describe('a file with few invalid rows', () => {
  beforeEach(() => begin(3_000, (row) => row % 6 === 0));

  it('is sent completely, whatever the order of its batches', async () => {
    await split();
    for (const message of splitter.sent.toReversed()) await deliver(message);
    expect(file()?.quarantine).toBeUndefined();
    expect(await finalize()).toMatchObject({ state: 'completed', rejected_records: 500, held_ranges: [] });
  });
});

describe('a wrong file', () => {
  const rows = 5_000;

  beforeEach(() => begin(rows, (row) => row > 800));

  it('is not stopped before a thousand records were seen', async () => {
    await split();
    for (const message of splitter.sent.slice(0, 9)) await deliver(message);
    expect(file()?.quarantine).toBeUndefined();
  });

  it('is then stopped: the rest is held, and creates no dead letters', async () => {
    await split();
    for (const message of splitter.sent) await deliver(message);
    expect(file()?.quarantine).toMatchObject({ rejected: 300, seen: 1_100 });
    expect(consumer.metrics).toContainEqual({ name: 'QuarantinedFiles', value: 1 });
    const shares = consumer.metrics.filter(({ name }) => name === 'RejectShare').map(({ value }) => value);
    expect(Math.max(...shares)).toBeGreaterThan(20);
    expect(consumer.letters).toHaveLength(300);
    const manifest = await finalize();
    expect(manifest).toMatchObject({
      state: 'quarantined',
      uploaded_records: 800,
      rejected_records: 300,
      held_records: 3_900,
      dead_lettered_records: 300,
      failure: { code: 'too_many_rejects' },
    });
    expect(manifest?.failure?.message).toContain('300 of the first 1100 records were rejected, 27.3%');
    expect(manifest?.archive.manifest_key).toMatch(/^quarantine\/traffic\//);
    expectCovered(manifest, rows);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('3,900 records are held');
    expect(told[0]).toContain(` release ${fileId}`);
  });

  it('releases its checksum to a file that is dropped later', async () => {
    await split();
    for (const message of splitter.sent) await deliver(message);
    await finalize();
    const { ledger } = splitter.ports;
    expect(await ledger.claimChecksum('traffic', file()?.sha256 ?? '', 'file-2', file()?.reading ?? '')).toEqual({
      kind: 'first',
    });
  });

  it('that is released is sent from there on, each record once', async () => {
    await split();
    for (const message of splitter.sent) await deliver(message);
    await finalize();
    const requests = consumer.api.requests.length;
    await release();
    expect(splitter.sent.map(({ batch }) => batch)).toEqual(Array.from({ length: 39 }, (_, index) => 12 + index));
    // A copy from before the release has nothing to do.
    await deliver({ ...(splitter.sent[0] as BatchMessage), attempt: 1 });
    expect(await finalize()).toMatchObject({ state: 'quarantined' });
    for (const message of splitter.sent) await deliver(message);
    expect(file()?.quarantine).toBeDefined();
    const manifest = await finalize();
    expect(manifest).toMatchObject({
      manifest_number: 2,
      state: 'completed',
      failure: null,
      uploaded_records: 800,
      rejected_records: 4_200,
      held_records: 0,
    });
    expectCovered(manifest, rows);
    expect(consumer.api.requests).toHaveLength(requests);
    expect(consumer.letters).toHaveLength(4_200);
    expect(file()).toMatchObject({ settledBatches: 50, settled: { uploaded: 800, rejected: 4_200, held: 0 } });
    expect(await splitter.ports.ledger.releaseQuarantine(fileId, 'ann', 'again')).toBeUndefined();
  });
});

describe('a valid file that was stopped because of its first part', () => {
  const rows = 4_000;

  beforeEach(() => begin(rows, (row) => row > 700 && row <= 1_000));

  it('and is released has every valid record uploaded once', async () => {
    await split();
    for (const message of splitter.sent) await deliver(message);
    expect(await finalize()).toMatchObject({ state: 'quarantined', uploaded_records: 700, held_records: 3_000 });
    await release();
    for (const message of splitter.sent) await deliver(message);
    const manifest = await finalize();
    expect(manifest).toMatchObject({ state: 'completed', uploaded_records: 3_700, rejected_records: 300 });
    expectCovered(manifest, rows);
    expect(consumer.api.requests).toHaveLength(3_700);
    expect(consumer.api.stored.size).toBe(3_700);
  });

  it('and is released again if the release’s message was lost', async () => {
    await split();
    for (const message of splitter.sent) await deliver(message);
    await finalize();
    await splitter.ports.ledger.releaseQuarantine(fileId, 'ann', 'it is right');
    const asked: unknown[] = [];
    const ports = reconcilerPorts(asked);
    await clock.advance(1_001);
    await requeueStalled(ports);
    expect(asked).toEqual([{ v: 1, kind: 'reemit', feed: 'traffic', fileId }]);
  });
});

describe('a wrong file that is still being split', () => {
  const rows = 30_000;

  /** The splitter is held back with a part of the file sent; the consumers find that it is wrong. */
  beforeEach(async () => {
    begin(rows, (row) => row > 800, 6_000);
    await split();
    expect(file()).toMatchObject({ state: 'splitting' });
    for (const message of splitter.sent) await deliver(message);
    expect(file()?.quarantine).toBeDefined();
    await clock.advance(900_000);
  });

  it('is split to its end and not sent: the number of held records is known', async () => {
    const before = splitter.sent.length;
    await split(false);
    expect(splitter.sent).toHaveLength(before);
    expect(file()).toMatchObject({ state: 'split', totalRecords: rows, sentBatches: before });
    const manifest = await finalize();
    expect(manifest).toMatchObject({ state: 'quarantined', uploaded_records: 800, rejected_records: 300 });
    // Batches that were held whole count as if they had not been sent.
    expect(manifest?.held_ranges).toEqual([{ first_record: 1_101, last_record: rows }]);
    expectCovered(manifest, rows);
    await release();
    for (const message of splitter.sent) await deliver(message);
    const released = await finalize();
    expect(released).toMatchObject({ state: 'completed', rejected_records: rows - 800, held_ranges: [] });
    expectCovered(released, rows);
  });

  it('has the same result when its splitter is killed at every step', async () => {
    const before = splitter.sent.length;
    for (let kill = 1; file()?.state === 'splitting'; kill++) {
      let steps = 0;
      splitter.onStep = () => {
        if (++steps === kill) throw new Error('killed');
      };
      await split(false).catch(() => undefined);
      splitter.onStep = () => undefined;
      // Its lease is over, as a killed one's is in a minute.
      const account = file();
      if (account?.state === 'splitting') account.leaseUntil = 0;
      await clock.advance(1);
    }
    for (const message of distinctBatches(splitter.sent).slice(before)) await deliver(message);
    expectCovered(await finalize(), rows);
  });
});

describe('a splitter that is killed before it could store what it had sent', () => {
  const rows = 40_000;

  it('leaves batches beyond its checkpoint that are in the account if a consumer had them', async () => {
    begin(rows, (row) => row > 800);
    let checkpoints = 0;
    splitter.onStep = (step) => {
      // The second checkpoint is never written; the batches sent before it are in the queue.
      if (step === 'before ledger.saveSplitProgress' && file()?.dialect && ++checkpoints === 2)
        throw new Error('killed');
    };
    await split().catch(() => undefined);
    splitter.onStep = () => undefined;
    const known = file()?.checkpoint?.batch ?? 0;
    expect(splitter.sent.length).toBeGreaterThan(known);
    for (const message of splitter.sent) await deliver(message);
    const account = file();
    if (account) account.leaseUntil = 0;
    await clock.advance(1);
    await split(false);
    expect(file()).toMatchObject({ state: 'split', sentBatches: known });
    const manifest = await finalize();
    expectCovered(manifest, rows);
    expect(manifest?.held_ranges).toHaveLength(1);
    await release();
    for (const message of splitter.sent) await deliver(message);
    const released = await finalize();
    expect(released).toMatchObject({ state: 'completed', uploaded_records: 800 });
    expectCovered(released, rows);
  });
});

describe('a file with another header among its rows', () => {
  const before = 5_050;
  const behind = 3_000;
  /** The header is a row as well. */
  const rows = before + 1 + behind;
  const lines = [
    ...Array.from({ length: before }, (_, index) => rowOf(index + 1)),
    'SpotID,StationCode,AirDateTime,ClientName,Duration',
    // Valid rows by the first header, too.
    ...Array.from({ length: behind }, (_, index) => `SP-${before + index + 1},WABC,2026-01-05 06:00:00,30,60`),
  ];

  const deliverAll = async (): Promise<void> => {
    for (const message of distinctBatches(splitter.sent)) await deliver(message);
  };

  /** All that the first header describes is uploaded, and nothing else. */
  async function expectEndsThere(): Promise<void> {
    const manifest = await finalize();
    expect(manifest).toMatchObject({
      state: 'quarantined',
      uploaded_records: before,
      held_records: behind + 1,
      held_ranges: [{ first_record: before + 1, last_record: rows }],
      failure: { code: 'other_header' },
    });
    expect(manifest?.failure?.message).toContain(
      `Line ${before + 2} is another header, with its columns in another order`,
    );
    expect(manifest?.archive.manifest_key).toMatch(/^quarantine\/traffic\//);
    expectCovered(manifest, rows);
    expect(consumer.api.stored.size).toBe(before);
  }

  it('is sent up to there and held from there on, whenever its batches are delivered', async () => {
    beginWith(lines);
    await split();
    // A batch ends before the header.
    expect(splitter.sent.at(-1)).toMatchObject({ firstRecord: 5_001, records: 50 });
    await deliverAll();
    await expectEndsThere();
    expect(told[0]).toContain(`Line ${before + 2} is another header`);
    expect(told[0]).not.toContain(' release ');
  });

  it('can not be released, and none of it is sent again', async () => {
    beginWith(lines);
    await split();
    await world.reemit();
    expect(distinctBatches(splitter.sent.map((message) => ({ ...message, attempt: 1 })))).toHaveLength(51);
    await deliverAll();
    await expectEndsThere();
    expect(await splitter.ports.ledger.releaseQuarantine(fileId, 'ann', 'please')).toBeUndefined();
  });

  it('has the same result when its splitter is killed at every step, held back, and out of time', async () => {
    beginWith(lines, 3_000);
    let isLate = false;
    const deadline: Deadline = { remainingMs: () => 1e6, isDrawingIn: () => (isLate = !isLate) };
    let isNew = true;
    for (let kill = 1; file()?.state !== 'split'; kill++) {
      let steps = 0;
      splitter.onStep = () => {
        if (++steps === kill) throw new Error('killed');
      };
      await world.split(isNew, deadline).catch(() => undefined);
      isNew = file() === undefined;
      splitter.onStep = () => undefined;
      // Its lease is over, as a killed one's is in a minute.
      const account = file();
      if (account?.state === 'splitting') account.leaseUntil = 0;
      for (const message of distinctBatches(splitter.sent)) await deliver(message);
      await clock.advance(900_000);
    }
    await deliverAll();
    await expectEndsThere();
  });

  it('that is replaced while the rest is read ends like any other replaced file, without advice to release it', async () => {
    beginWith(lines);
    await split();
    await deliverAll();
    const { record, batch } = file()?.checkpoint?.otherHeader ?? {};
    const failure = { code: 'source_replaced', message: 'It was replaced.' };
    Object.assign(file() ?? {}, { state: 'superseded', failure, totalRecords: record, totalBatches: batch });
    const manifest = await finalize();
    expect(manifest).toMatchObject({ state: 'superseded', failure, uploaded_records: before, held_records: 0 });
    expectCovered(manifest, before);
    expect(told).toHaveLength(1);
    expect(told[0]).not.toContain('release');
  });

  it('that is stopped for its rejects, and released, is sent up to there', async () => {
    beginWith(lines.map((line, index) => (index >= 800 && index < 1_800 ? line.replaceAll(',', ' ') : line)));
    await split();
    for (const message of splitter.sent) await deliver(message);
    expect(await finalize()).toMatchObject({ state: 'quarantined', failure: { code: 'too_many_rejects' } });
    await release();
    for (const message of splitter.sent) await deliver(message);
    const manifest = await finalize();
    expect(manifest).toMatchObject({
      manifest_number: 2,
      state: 'quarantined',
      uploaded_records: before - 1_000,
      rejected_records: 1_000,
      held_ranges: [{ first_record: before + 1, last_record: rows }],
      failure: { code: 'other_header' },
    });
    expectCovered(manifest, rows);
    expect(await splitter.ports.ledger.releaseQuarantine(fileId, 'ann', 'again')).toBeUndefined();
  });

  it('is recovered if its batches are lost, and closed once they are settled', async () => {
    beginWith(lines);
    await split();
    const asked: unknown[] = [];
    const ports = reconcilerPorts(asked);
    await clock.advance(1_001);
    await requeueStalled(ports);
    expect(asked).toEqual([{ v: 1, kind: 'reemit', feed: 'traffic', fileId }]);
    await deliverAll();
    asked.length = 0;
    await clock.advance(1_001);
    await requeueStalled(ports);
    expect(asked).toEqual([{ v: 1, kind: 'finalize', feed: 'traffic', fileId, amend: false }]);
  });

  it('as the last line has nothing after it, and is accounted for', async () => {
    beginWith(lines.slice(0, before + 1));
    await split();
    await deliverAll();
    const manifest = await finalize();
    expect(manifest).toMatchObject({ state: 'quarantined', uploaded_records: before, held_records: 1 });
    expectCovered(manifest, before + 1);
  });
});
