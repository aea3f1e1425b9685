import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dropped } from '../support/deployed-stack.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { duplicatesSeen } from '../support/duplicates-seen.ts';
import type { RelayEvent } from '../support/endpoint-relay.ts';
import { lacks } from '../support/lacks.ts';
import { RelayedSplitter } from '../support/relayed-splitter.ts';
import type { WideExport } from '../support/wide-export.ts';
import { expectUploadedOnce, wideExport } from '../support/wide-export.ts';

let stack: DeployedStack;
let splitter: RelayedSplitter;

/** Killed early and left alone from then on, while the other tests run. */
const leftAlone: { dropped: Dropped; truth: WideExport }[] = [];

const isCall =
  (when: RelayEvent['when'], name: string, says = '') =>
  (event: RelayEvent) =>
    event.when === when && event.call.name === name && event.call.body.includes(says);
const isPieceBeyond = (offset: number) => (event: RelayEvent) => event.when === 'piece' && event.offset >= offset;

beforeAll(async () => {
  stack = new DeployedStack();
  splitter = new RelayedSplitter(stack);
  await splitter.start(4);
  // Before the ledger knows of the file, and in the middle of its first pass.
  for (const moment of [() => true, isPieceBeyond(2_000_000)]) {
    const truth = wideExport(400, 10_000);
    const { dropped, watched } = await splitter.drop(truth, (file) => splitter.killAt(file, moment));
    expect(await watched).toBeGreaterThan(0);
    leftAlone.push({ dropped, truth });
  }
});

afterAll(() => splitter.stop());

describe.skipIf(lacks('loopback'))('a splitter with little time', { timeout: 360_000 }, () => {
  it('hashes and splits a file in many continuations, with the same result', async () => {
    const truth = wideExport(1_000, 12_000);
    const before = await duplicatesSeen(stack);
    /** The position at which each pass resumed reading. */
    const wentOn: [Set<number>, Set<number>] = [new Set(), new Set()];
    let pass: 0 | 1 = 0;
    const tell = (event: RelayEvent) => {
      if (isCall('asked', 'UpdateItem', '"#sha256"')(event)) pass = 1;
      if (isCall('asked', 'GetObject')(event) && event.call.from > 1_000) wentOn[pass].add(event.call.from);
    };
    const { dropped } = await splitter.drop(truth, (file) => splitter.slowDown(file, 1_600_000, tell));
    await expectUploadedOnce(stack, dropped.fileId, truth);
    // The first invocation assumes that the file fits, wastes its hash, and leaves it to a hash that can be saved.
    // 12 MB take 7.5 s, and no new step begins after 2: each pass is continued at least twice.
    expect(wentOn[0].size).toBeGreaterThanOrEqual(2);
    expect(wentOn[1].size).toBeGreaterThanOrEqual(2);
    expect((await stack.ledger.getFile(dropped.fileId))?.epoch).toBeGreaterThanOrEqual(6);
    expect(await duplicatesSeen(stack)).toBe(before);
  });
});

describe.skipIf(lacks('loopback', 'killing'))('a splitter that is killed', { timeout: 360_000 }, () => {
  it('at every kind of moment loses nothing and sends nothing twice', async () => {
    const truth = wideExport(3_000, 3_000);
    const before = await duplicatesSeen(stack);
    let sends = 0;
    const moments: ((event: RelayEvent) => boolean)[] = [
      isPieceBeyond(3_000_000),
      isCall('asked', 'UpdateItem', '"#sha256"'),
      isCall('answered', 'UpdateItem', '"#sha256"'),
      isCall('asked', 'UpdateItem', '"#dialect"'),
      // Batches are in the queue, and the ledger knows of none.
      isCall('answered', 'SendMessageBatch'),
      isCall('asked', 'UpdateItem', '"#checkpoint"'),
      isCall('answered', 'UpdateItem', '"#checkpoint"'),
      // Batches beyond the checkpoint.
      (event) => isCall('answered', 'SendMessageBatch')(event) && ++sends >= 2,
      isCall('asked', 'UpdateItem', '"#totalRecords"'),
      isCall('answered', 'UpdateItem', '"#totalRecords"'),
    ];
    const [first, ...others] = moments as [(typeof moments)[0], ...typeof moments];
    const { dropped, watched } = await splitter.drop(truth, (file) => splitter.killAt(file, first));
    expect(await watched).toBeGreaterThan(0);
    for (const moment of others) {
      const killed = splitter.killAt(dropped, moment);
      await splitter.letTimePass(dropped);
      expect(await killed).toBeGreaterThan(0);
    }
    await splitter.letTimePass(dropped);
    await expectUploadedOnce(stack, dropped.fileId, truth);
    expect((await stack.ledger.getFile(dropped.fileId))?.epoch).toBeGreaterThanOrEqual(moments.length);
    expect(await duplicatesSeen(stack)).toBe(before);
  });

  it('at random moments loses nothing and sends nothing twice', async () => {
    const truth = wideExport(1_000, 4_000);
    const before = await duplicatesSeen(stack);
    // The first comes while the file is being read for the first time: it has more pieces than this. The ledger knows
    // of it by then: what was killed before that has no lease to expire, and only its own message brings it back.
    const first = randomInt(2, 15);
    const others = Array.from({ length: 4 }, () => randomInt(1, 15));
    let seen = 0;
    const killAfter = (file: Dropped, count: number) => {
      seen = 0;
      return splitter.killAt(file, () => ++seen >= count);
    };
    const { dropped, watched } = await splitter.drop(truth, (file) => killAfter(file, first));
    expect(await watched).toBeGreaterThan(0);
    for (const count of others) {
      const killed = killAfter(dropped, count);
      await splitter.letTimePass(dropped);
      const isSplit = waitFor('the end of splitting', async () => {
        const state = (await stack.ledger.getFile(dropped.fileId))?.state ?? 'splitting';
        return state === 'splitting' && seen < count ? undefined : 0;
      });
      const end = await Promise.race([killed, isSplit.then(() => (seen < count ? 0 : killed))]);
      if (end === 0) break;
    }
    await splitter.letTimePass(dropped);
    await expectUploadedOnce(stack, dropped.fileId, truth);
    const { epoch } = (await stack.ledger.getFile(dropped.fileId)) ?? {};
    expect(epoch, `killed at ${[first, ...others].join()}`).toBeGreaterThan(1);
    expect(await duplicatesSeen(stack)).toBe(before);
  });

  it('and not restarted is replaced when its message is redelivered', async () => {
    const epochs: (number | undefined)[] = [];
    for (const { dropped, truth } of leftAlone) {
      await expectUploadedOnce(stack, dropped.fileId, truth);
      epochs.push((await stack.ledger.getFile(dropped.fileId))?.epoch);
    }
    expect(epochs[1]).toBeGreaterThan(1);
    expect(await stack.depth('TrafficIntakeDlqUrl')).toBe(0);
  });
});
