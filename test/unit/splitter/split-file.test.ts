import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Feed } from '../../../feeds/feed.ts';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import type { OutcomeCounts } from '../../../lambdas/core/account/outcome.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import type { Deadline } from '../../../lambdas/runtime/deadline.ts';
import { splitFile } from '../../../lambdas/splitter/split-file.ts';
import { fileLeaseMs } from '../../../lambdas/splitter/splitter-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import type { SplitterWorld } from '../../support/splitter-world.ts';
import {
  coverage,
  distinctBatches,
  noDeadline,
  sha256Of,
  smallLimits,
  splitterWorld,
} from '../../support/splitter-world.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const rowOf = (number: number) => `SP-${number},WABC,2026-01-05 06:00:00,30,"Client ""${number}"", Ltd"`;
const fileOf = (rows: number) =>
  Buffer.from([header, ...Array.from({ length: rows }, (_, index) => rowOf(index + 1)), ''].join('\r\n'));

let clock: SimulatedClock;
let world: SplitterWorld;
const fileId = 'file-1';

function begin(bytes: Buffer, chunkBytes?: number): void {
  clock = new SimulatedClock();
  world = splitterWorld(clock, bytes, chunkBytes);
}

const create = () => ({ fileId, feed: 'traffic', lane: 'main', source: world.source, limits: smallLimits });
// None of it sleeps, and the resumable hash uses real events.
const split = (deadline: Deadline = noDeadline) => splitFile(fileId, create(), world.ports, deadline);
const goOn = (deadline: Deadline = noDeadline) => splitFile(fileId, undefined, world.ports, deadline);
const account = () => world.ports.ledger.files.get(fileId);

describe('a file', () => {
  beforeEach(() => begin(fileOf(100)));

  it('becomes batches that cover it, and is split', async () => {
    await split();
    expect(coverage(distinctBatches(world.sent), world.object.bytes)).toEqual({
      records: 100,
      batches: account()?.totalBatches,
    });
    expect(account()).toMatchObject({ state: 'split', totalRecords: 100, sha256: sha256Of(world.object.bytes) });
    expect(account()?.dialect).toMatchObject({ format: 'csv', delimiter: ',', columns: header.split(',') });
    expect(world.intake).toEqual([]);
  });

  it('that was announced twice is split once', async () => {
    await split();
    const sent = world.sent.length;
    await split();
    expect(world.sent).toHaveLength(sent);
  });

  it('is left to the splitter that has it; the message waits for that one to end', async () => {
    await world.ports.ledger.claimFile(fileId, create(), 'other', fileLeaseMs);
    await split();
    expect(world.sent).toEqual([]);
    expect(world.intake).toMatchObject([{ kind: 'continue', fileId }]);
  });

  it('with the bytes of an earlier one sends nothing, and names it', async () => {
    await earlier({ uploaded: 1 });
    await split();
    expect(world.sent).toEqual([]);
    expect(account()).toMatchObject({ state: 'duplicate', duplicateOf: 'earlier' });
    expect(world.finalize).toHaveLength(1);
  });

  it('is sent if an earlier one with its bytes was read in the same way and none of it was accepted', async () => {
    await earlier({ rejected: 500, exhausted: 3, refused: 2 });
    await split();
    expect(world.sent.length).toBeGreaterThan(0);
    expect(account()).toMatchObject({ state: 'split' });
  });

  it.each<[string, Partial<Feed>]>([
    ['as another format', { formats: ['jsonl'] }],
    ['by other rules', { rulesVersion: 7 }],
    ['with other options', { optionValues: { unknownForms: 'reject' } }],
    ['by another schema', { schema: z.object({ SpotID: z.string() }) }],
  ])('is sent if an earlier one with its bytes was read %s, whatever was accepted of it', async (_, change) => {
    const { feed } = world.ports;
    world.ports.feed = { ...feed, ...change };
    await earlier({ uploaded: 1 });
    world.ports.feed = feed;
    await split();
    expect(world.sent.length).toBeGreaterThan(0);
    expect(account()).toMatchObject({ state: 'split' });
    // A third is compared with the one that was read in the same way.
    await splitFile('third', { ...create(), fileId: 'third' }, world.ports, noDeadline);
    expect(world.ports.ledger.files.get('third')).toMatchObject({ state: 'duplicate', duplicateOf: fileId });
  });

  /** A file with the same bytes, split and completed. */
  async function earlier(counts: Partial<OutcomeCounts>): Promise<void> {
    await splitFile('earlier', { ...create(), fileId: 'earlier' }, world.ports, noDeadline);
    const file = world.ports.ledger.files.get('earlier') as FileAccount;
    Object.assign(file, { state: 'completed', settled: { ...noCounts(), ...counts } });
    world.sent.length = 0;
    world.finalize.length = 0;
  }

  it('requests the finalizer itself if all consumers finish before the splitter', async () => {
    world.onStep = (step) => {
      const file = account();
      // The consumers are quicker than the splitter's last write.
      if (step === 'before ledger.finishSplit' && file) file.settledBatches = 1000;
    };
    await split();
    expect(world.finalize).toHaveLength(1);
  });
});

describe('a file with no records or another format', () => {
  it.each([
    ['no byte', ''],
    ['blanks', '\r\n \n'],
  ])('of %s has no records, and is closed', async (_, text) => {
    begin(Buffer.from(text));
    await split();
    expect(account()).toMatchObject({
      state: 'split',
      totalRecords: 0,
      totalBatches: 0,
      warnings: [{ code: 'empty_file' }],
    });
    expect(world.finalize).toHaveLength(1);
  });

  it.each([header, `${header}\r\n`, `${header}\n\n\n`])('of a header only has no records (%j)', async (text) => {
    begin(Buffer.from(text));
    await split();
    expect(account()).toMatchObject({ state: 'split', totalRecords: 0, totalBatches: 0 });
    expect(world.finalize).toHaveLength(1);
  });

  it('of another kind is refused with an explanation, and nothing is sent', async () => {
    begin(Buffer.from('%PDF-1.7 and so on'));
    await split();
    expect(account()).toMatchObject({ state: 'failed', totalRecords: 0 });
    expect(account()?.failure?.message).toMatch(/PDF/);
    expect(world.finalize).toHaveLength(1);
  });

  it('with a missing column names the column', async () => {
    begin(Buffer.from('SpotID,StationCode,Duration,ClientName\nx,y,30,z\n'));
    await split();
    expect(account()?.failure?.message).toMatch(/AirDateTime/);
  });
});

describe('a splitter that is killed', () => {
  class Killed extends Error {}

  it('at any step is continued, with the same result', async () => {
    begin(fileOf(60), 300);
    let steps = 0;
    world.onStep = () => {
      steps++;
    };
    await split();
    const whole = distinctBatches(world.sent);
    const most = steps;
    expect(most).toBeGreaterThan(20);

    for (let dieAt = 1; dieAt <= most; dieAt++) {
      begin(fileOf(60), 300);
      let step = 0;
      let isDead = false;
      world.onStep = () => {
        if (isDead || ++step === dieAt) {
          isDead = true;
          throw new Killed();
        }
      };
      await split().catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      // The message comes back when the lease is over.
      isDead = false;
      world.onStep = () => undefined;
      await clock.advance(fileLeaseMs + 1);
      await split();
      expect(distinctBatches(world.sent), `killed at step ${dieAt}`).toEqual(whole);
      expect(account(), `killed at step ${dieAt}`).toMatchObject({ state: 'split', totalRecords: 60 });
    }
  });
});

describe('a file too large for one invocation', () => {
  /** Draws in after that many looks. */
  const looks = (count: number): Deadline => {
    let left = count;
    // So little time that the hash must be one that can be put down.
    return { remainingMs: () => 300, isDrawingIn: () => left-- <= 0 };
  };

  it('is split by continuations, with the same batches', async () => {
    // Larger than what is kept in memory after hashing, so that pass 2 reads it again.
    const bytes = fileOf(140_000);
    begin(bytes, 1024 * 1024);
    const roomy = { ...create(), limits: { maxBatchRecords: 500, maxBatchBytes: 64 * 1024, maxRecordBytes: 8 * 1024 } };
    await splitFile(fileId, roomy, world.ports, looks(12));
    let continuations = 0;
    for (let next = world.intake.shift(); next; next = world.intake.shift()) {
      continuations++;
      await goOn(looks(12));
    }
    expect(continuations).toBeGreaterThan(2);
    const batches = distinctBatches(world.sent);
    expect(coverage(batches, bytes)).toEqual({ records: 140_000, batches: account()?.totalBatches });
    expect(account()).toMatchObject({ state: 'split', sha256: sha256Of(bytes) });
  });
});

describe('an object that is replaced while it is read', () => {
  it('ends as superseded; the sent records stay in the account', async () => {
    begin(fileOf(140_000), 1024 * 1024);
    const roomy = { ...create(), limits: { maxBatchRecords: 500, maxBatchBytes: 64 * 1024, maxRecordBytes: 8 * 1024 } };
    world.onStep = (step) => {
      if (step === 'before batches.sendBatches' && world.sent.length > 50) world.object.etag = '"2"';
    };
    await splitFile(fileId, roomy, world.ports, noDeadline);
    expect(account()).toMatchObject({ state: 'superseded', failure: { code: 'source_replaced' } });
    expect(account()?.totalBatches).toBe(distinctBatches(world.sent).length);
    expect(account()?.totalRecords).toBe(coverage(distinctBatches(world.sent), world.object.bytes).records);
  });
});
