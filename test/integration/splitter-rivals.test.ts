import { createHash } from 'node:crypto';
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

beforeAll(async () => {
  stack = new DeployedStack();
  splitter = new RelayedSplitter(stack);
  await splitter.start(120);
});

afterAll(() => splitter.stop());

/** Repeats S3's event about a dropped file. */
const eventOf = ({ key, versionId }: Dropped, { bytes }: WideExport) => {
  const bucket = { name: stack.output('IntakeBucketName') };
  const eTag = createHash('md5').update(bytes).digest('hex');
  const object = { key, versionId, eTag, size: bytes.length, sequencer: '0' };
  return JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket, object } }] });
};

const isEndOfSplitting = ({ when, call }: RelayEvent) =>
  when === 'answered' && call.name === 'UpdateItem' && call.body.includes('"#totalRecords"');

describe.skipIf(lacks('loopback'))('two splitters of one file', () => {
  it('announced many times at once: one holds the lease and the others leave the file alone', async () => {
    const truth = wideExport(1_000, 4_000);
    const before = await duplicatesSeen(stack);
    // The first one is kept running until another has started and ended.
    let claims = 0;
    const { dropped, watched: first } = await splitter.drop(truth, (file) =>
      splitter.holdAt(
        file,
        ({ when, call }) => when === 'asked' && call.name === 'SendMessageBatch',
        ({ when, call }) => {
          if (when === 'answered' && call.name === 'SendMessage') claims++;
        },
      ),
    );
    await Promise.all(Array.from({ length: 5 }, () => stack.send('TrafficIntakeQueueUrl', eventOf(dropped, truth))));
    await first.held;
    // Each of the others asks for another look at the file, later.
    await waitFor('the others to make way', () => Promise.resolve(claims >= 5 ? true : undefined));
    first.letGo();
    await expectUploadedOnce(stack, dropped.fileId, truth);
    expect((await stack.ledger.getFile(dropped.fileId))?.epoch).toBe(1);
    expect(await duplicatesSeen(stack)).toBe(before);
  });

  it('with an expired lease: the second continues, and the first stops at its next write', async () => {
    const truth = wideExport(1_000, 4_000);
    const before = await duplicatesSeen(stack);
    const ends: number[] = [];
    const { dropped, watched: first } = await splitter.drop(truth, (file) =>
      splitter.holdAt(
        file,
        ({ when, call }) => when === 'asked' && call.name === 'SendMessageBatch',
        (event) => {
          if (isEndOfSplitting(event)) ends.push(event.status);
        },
      ),
    );
    await first.held;
    await splitter.letTimePass(dropped);
    await expectUploadedOnce(stack, dropped.fileId, truth);
    expect(ends).toEqual([200]);

    // The first sends what it held, and learns that it no longer owns the file.
    first.letGo();
    await waitFor('the first to be refused', () => Promise.resolve(ends.length > 1 ? true : undefined));
    expect(ends).toEqual([200, 400]);
    await waitFor('an empty records queue', async () =>
      (await stack.depth('TrafficRecordsQueueUrl')) === 0 ? true : undefined,
    );
    await expectUploadedOnce(stack, dropped.fileId, truth);
    expect(await duplicatesSeen(stack)).toBe(before);
    expect(await stack.ledger.getFile(dropped.fileId)).toMatchObject({
      state: 'completed',
      epoch: 2,
      manifest: { number: 1 },
    });
  });
});

describe.skipIf(lacks('loopback'))('a file that is replaced while it is split', () => {
  it('is read to its end as it was, and the new version is processed separately', async () => {
    // Too large to be kept in memory: it is read again to be split.
    const [old, replacement] = [wideExport(600, 16_000), wideExport(300, 1_000)];
    let isHashed = false;
    const { dropped, watched: reading } = await splitter.drop(old, (file) =>
      splitter.holdAt(
        file,
        ({ when, call }) => isHashed && when === 'asked' && call.name === 'GetObject' && call.from > 0,
        ({ call }) => {
          isHashed ||= call.body.includes('"#sha256"');
        },
      ),
    );
    await reading.held;
    const next = await stack.drop(dropped.key, replacement.bytes);
    expect(next.fileId).not.toBe(dropped.fileId);
    await expectUploadedOnce(stack, next.fileId, replacement);

    reading.letGo();
    const manifest = await expectUploadedOnce(stack, dropped.fileId, old);
    expect((await stack.archived(manifest.archive.source_key ?? '')).equals(old.bytes)).toBe(true);
  });
});
