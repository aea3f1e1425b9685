import { beforeEach, describe, expect, it } from 'vitest';
import { splitFile } from '../../../lambdas/splitter/split-file.ts';
import { reemitBatches } from '../../../lambdas/splitter/reemit-batches.ts';
import { fileLeaseMs } from '../../../lambdas/splitter/splitter-ports.ts';
import type { BatchMessage } from '../../../lambdas/messages.ts';
import type { BatchAccount } from '../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import type { SplitterWorld } from '../../support/splitter-world.ts';
import { coverage, distinctBatches, noDeadline, splitterWorld } from '../../support/splitter-world.ts';

const fileId = 'file-1';
const rows = 60_000;
const bytes = Buffer.from(
  ['SpotID,StationCode,AirDateTime,Duration,ClientName']
    .concat(Array.from({ length: rows }, (_, n) => `SP-${n},WABC,2026-01-05 06:00:00,30,Client`))
    .join('\n'),
);
const limits = { maxBatchRecords: 100, maxBatchBytes: 64 * 1024, maxRecordBytes: 8 * 1024 };
const horizon = { records: 10_000, recordsPerSecond: 10 };
/** The interval between two checkpoints plus one step of the cutter: what is sent before the ledger is read again. */
const overshoot = 6_000;

let clock: SimulatedClock;
let world: SplitterWorld;
let settled: number;
const create = () => ({ fileId, feed: 'traffic', lane: 'main', source: world.source, limits });
const account = () => world.ports.ledger.files.get(fileId);
const sent = () => distinctBatches(world.sent).reduce((sum, batch) => sum + batch.records, 0);
const unsettled = () => sent() - settled;
const split = (isNew = true) => splitFile(fileId, isNew ? create() : undefined, world.ports, noDeadline);

async function settle(batch: BatchMessage): Promise<void> {
  await world.ports.ledger.claimBatch(batch, 'c', 60_000);
  const counts = { ...noCounts(), uploaded: batch.records };
  await world.ports.ledger.settleBatch(fileId, batch.batch, 'c', { counts, receiptsKey: 'k', receiptsSha256: 's' });
  settled += batch.records;
}

/** The consumers at the API's pace, for that long. */
async function workOff(seconds: number): Promise<void> {
  await clock.advance(seconds * 1000);
  const room = settled + seconds * horizon.recordsPerSecond;
  for (const batch of distinctBatches(world.sent)) {
    if (batch.firstRecord <= settled) continue;
    if (settled + batch.records > room) return;
    await settle(batch);
  }
}

beforeEach(() => {
  clock = new SimulatedClock();
  world = splitterWorld(clock, bytes, 512 * 1024);
  world.ports.horizon = horizon;
  settled = 0;
});

describe('a file with more records than the API accepts for a long time', () => {
  it('keeps the queue at the depth of the horizon, waits in continuations, and is processed completely', async () => {
    await split();
    let deepest = unsettled();
    let looks = 0;
    for (let next = world.intake.shift(); next; next = world.intake.shift()) {
      const delay = world.delaysSeconds.shift() ?? 0;
      expect(delay).toBeGreaterThanOrEqual(10);
      expect(delay).toBeLessThanOrEqual(900);
      await workOff(delay);
      // The API always has something to do.
      expect(unsettled()).toBeGreaterThan(0);
      await split(false);
      deepest = Math.max(deepest, unsettled());
      looks++;
    }
    expect(deepest).toBeGreaterThanOrEqual(horizon.records);
    expect(deepest).toBeLessThan(horizon.records + overshoot);
    // 6,000 seconds of work: a look at most each five minutes or so, and at least each quarter of an hour.
    expect(looks).toBeGreaterThan(5);
    expect(looks).toBeLessThan(25);
    expect(account()).toMatchObject({ state: 'split', totalRecords: rows });
    expect(coverage(distinctBatches(world.sent), bytes).records).toBe(rows);
  });

  it('continues to wait while the API accepts nothing', async () => {
    await split();
    const before = sent();
    for (let looks = 0; looks < 50; looks++) {
      expect(world.intake.splice(0)).toHaveLength(1);
      await clock.advance((world.delaysSeconds.shift() ?? 0) * 1000);
      await split(false);
    }
    expect(sent()).toBe(before);
    expect(account()?.state).toBe('splitting');
  });

  it('is not split further by a second event for it, nor by a copy of its continuation', async () => {
    await split();
    const before = sent();
    await split();
    await split(false);
    expect(world.intake).toHaveLength(1);
    expect(sent()).toBe(before);
  });

  it.each(['before intake.send', 'after intake.send', 'before ledger.releaseFile', 'after ledger.releaseFile'])(
    'is eventually held back by one continuation, killed %s',
    async (place) => {
      let isDead = false;
      world.onStep = (step) => {
        isDead ||= step === place;
        if (isDead) throw new Error('killed');
      };
      await expect(split()).rejects.toThrow('killed');
      isDead = false;
      world.onStep = () => undefined;
      await clock.advance(fileLeaseMs + 1);
      // SQS delivers the message of the killed one again, and what that had sent in its time.
      await split();
      const due = world.delaysSeconds.splice(0).sort((a, b) => b - a);
      world.intake = world.intake.splice(0, 0);
      await clock.advance((due[0] ?? 0) * 1000);
      for (const _ of due) await split(false);
      expect(world.delaysSeconds).toHaveLength(1);
    },
  );

  it('recreates batches that were purged from the queue, up to its checkpoint', async () => {
    await split();
    const all = distinctBatches(world.sent);
    const checkpoint = account()?.checkpoint;
    for (const batch of all.slice(0, 5)) await settle(batch);
    world.sent.length = 0;
    await reemitBatches({ v: 1, kind: 'reemit', feed: 'traffic', fileId }, world.ports, noDeadline);
    expect(world.sent.map(({ batch }) => batch)).toEqual(
      all.map(({ batch }) => batch).filter((batch) => batch > 5 && batch <= (checkpoint?.batch ?? 0)),
    );
  });

  it('reads the batches in step with the file when it recreates some: memory does not grow with their number', async () => {
    await split();
    const { checkpoint } = account() ?? {};
    let read = 0;
    const listBatches = async function* (): AsyncGenerator<BatchAccount> {
      for (;;) {
        const place = { fileId, batch: ++read, attempt: 1, records: 1, firstRecord: 1 };
        yield { ...place, state: 'settled', counts: noCounts() };
      }
    };
    world.sent.length = 0;
    const ports = { ...world.ports, ledger: { ...world.ports.ledger, listBatches } };
    await reemitBatches({ v: 1, kind: 'reemit', feed: 'traffic', fileId }, ports, noDeadline);
    expect([world.sent, read]).toEqual([[], checkpoint?.batch]);
  });
});
