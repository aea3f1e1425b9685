import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { feedNamed } from '../../feeds/index.ts';
import { withoutKeys } from '../../lambdas/core/ledger/stored-item.ts';
import { createConsumerHandler } from '../../lambdas/consumer/handler.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import type { BatchAccount, DeadRecord, FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { createFinalizerHandler } from '../../lambdas/finalizer/handler.ts';
import {
  batchMessage,
  continueMessage,
  correctionMessage,
  finalizeMessage,
  letter,
  readMessage,
  reemitMessage,
} from '../../lambdas/messages.ts';
import { Shutdown } from '../../lambdas/runtime/shutdown.ts';
import { createSplitterHandler } from '../../lambdas/splitter/handler.ts';
import type { FeedFixture } from '../support/feed-fixture.ts';
import type { MemoryLedger } from '../support/memory-ledger.ts';
import { inMemoryArchive, partsInMemory } from '../support/in-memory-archive.ts';
import type { ConsumerWorld } from '../support/in-memory-ports.ts';
import { consumerWorld, silentLog, waitingOn, unheardNotices } from '../support/in-memory-ports.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import type { SplitterWorld } from '../support/splitter-world.ts';
import { splitterWorld } from '../support/splitter-world.ts';

/**
 * The contents of queues and ledger while a new version is deployed: written by the version that the folder is named after,
 * and never changed since. A test that fails here means that an upgrade would lose work: make the code understand
 * both. When a version changes what it writes, it gets a folder of its own beside these.
 */
const folder = resolve(import.meta.dirname, '../fixtures/messages/v0.1');
const read = (name: string): string => readFileSync(resolve(folder, `${name}.json`), 'utf8');
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the tests are what says what is in them
const frozen = <T = Record<string, unknown>>(name: string): T => JSON.parse(read(name)) as T;

const log = readFileSync(resolve(folder, 'log.csv'));
const file = frozen<FileAccount>('item-file-split');
const { fileId } = file;
/** As the version before computed them: with others an upgrade midway would send records twice. */
const requestIds = {
  1: '0b4311d320a6949aeda8edda989dbac95f39a03beec1676ba8bc48bf604a8cf6',
  2: 'a683b10b25afa587a197a18c35d4bd6c497bc83755ab7567f55f7b3e8cdeb53a',
  4: '580b5c43ab9241e7327394c61b01a651ff70dbd2935ca489042c75a80b6dfe6a',
};

const batchOf = (item: Record<string, unknown>): BatchAccount => {
  const { base64 } = (item['progress'] ?? {}) as { base64?: string };
  return { ...withoutKeys<BatchAccount>(item), ...(base64 && { progress: Buffer.from(base64, 'base64') }) };
};

let clock: SimulatedClock;
let ledger: MemoryLedger;
let splitter: SplitterWorld;
let consumer: ConsumerWorld;
let archived: Map<string, Buffer>;
let faults: string[];
let invoke: Record<'splitter' | 'records' | 'letters' | 'finalizer', (body: string) => Promise<SQSBatchResponse>>;

beforeEach(() => {
  clock = new SimulatedClock(Date.UTC(2026, 0, 6));
  faults = [];
  splitter = splitterWorld(clock, log);
  consumer = consumerWorld(clock, { feed: feedNamed('traffic') } as FeedFixture);
  archived = new Map();
  ledger = consumer.ledger;
  const shared = {
    shutdown: new Shutdown(() => undefined),
    log: {
      ...silentLog,
      error: (_: string, fields?: Record<string, unknown>) => void faults.push((fields?.['error'] as Error).message),
    },
    inFlight: { changeVisibility: () => Promise.resolve(), putBack: () => Promise.resolve() },
    waiting: waitingOn(clock),
  };
  const handlers = {
    splitter: createSplitterHandler({ ...splitter.ports, ...shared, ledger, lane: 'main', limits: file.limits }),
    consumer: createConsumerHandler({
      ...consumer.ports,
      ...shared,
      letterSink: consumer.api,
      lettersQueueArn: 'letters',
      batchMessages: shared.inFlight,
      letterMessages: shared.inFlight,
      skew: { correctionMs: () => 0 },
    }),
    finalizer: createFinalizerHandler({
      ...shared,
      ledger,
      receipts: consumer.ports.receipts,
      archive: inMemoryArchive(archived),
      ...partsInMemory(archived),
      archiveBucket: 'archive',
      reported: () => undefined,
      feedDecisions: async () => [],
      finalize: consumer.ports.finalize,
      desk: { notify: async () => undefined },
      ...unheardNotices,
      events: { publish: async () => undefined },
      clock,
      version: '1.2.3',
      stackName: 'station',
    }),
  };
  const context = { getRemainingTimeInMillis: () => 900_000 } as Context;
  const eventOf = (body: string, eventSourceARN: string) =>
    ({
      Records: [
        {
          messageId: 'm',
          receiptHandle: 'r',
          body,
          eventSourceARN,
          attributes: { SentTimestamp: String(clock.now()), ApproximateReceiveCount: '1' },
        },
      ],
    }) as unknown as SQSEvent;
  invoke = {
    records: (body) => clock.run(handlers.consumer(eventOf(body, 'records'), context)),
    letters: (body) => clock.run(handlers.consumer(eventOf(body, 'letters'), context)),
    // They wait for zlib and WebAssembly, which the simulated clock can't.
    splitter: (body) => handlers.splitter(eventOf(body, 'intake'), context),
    finalizer: (body) => handlers.finalizer(eventOf(body, 'finalize'), context),
  };
});

const know = (name: string) => ledger.files.set(fileId, frozen<FileAccount>(name));
const knowBatches = (items: Record<string, unknown>[]) => {
  for (const item of items) ledger.batches.set(`${fileId}#${String(item['batch'])}`, batchOf(item));
};
const knowDead = () => ledger.dead.set(`${fileId}#2`, frozen<DeadRecord>('item-dead'));
const sentIds = () => consumer.api.requests.map(({ requestId }) => requestId);
const acknowledged = { batchItemFailures: [] };

it.each<[string, z.ZodType]>([
  ['continue', continueMessage],
  ['reemit', reemitMessage],
  ['slice', batchMessage],
  ['slice-base64', batchMessage],
  ['oversize', batchMessage],
  ['successor', batchMessage],
  ['letter', letter],
  ['letter-rejected', letter],
  ['correction', correctionMessage],
  ['finalize', finalizeMessage],
])('a message %s is read without loss', (name, schema) => {
  expect(readMessage(schema, frozen(name))).toEqual(frozen(name));
});

describe('the current splitter', () => {
  it('splits files announced by an earlier version into the same batches', async () => {
    expect(await invoke.splitter(read('dropped'))).toEqual(acknowledged);
    const batches = [frozen('slice'), frozen('oversize'), frozen('slice-base64')];
    const [created] = [...ledger.files.keys()];
    // A file id is of bucket, key and S3's number of the event.
    expect(created).toBe(
      fileIdOf('traffic', { bucket: 'intake', key: 'traffic/log.csv', sequencer: '00660A5F9D5C2B1A3E' }),
    );
    // All that is new in them is the MAC.
    const mac = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
    expect(splitter.sent).toEqual(batches.map((batch) => ({ ...batch, fileId: created, mac })));
    expect(await invoke.splitter(read('s3-test-event'))).toEqual(acknowledged);
  });

  it('continues at a checkpoint of an earlier version', async () => {
    know('item-file-splitting');
    expect(await invoke.splitter(read('continue'))).toEqual(acknowledged);
    expect(splitter.sent).toEqual([frozen('oversize'), frozen('slice-base64')]);
    expect(ledger.files.get(fileId)).toMatchObject({ state: 'split', totalRecords: 5, totalBatches: 3 });
  });

  it('continues with a hash of an earlier version', async () => {
    know('item-file-hashing');
    expect(await invoke.splitter(read('continue'))).toEqual(acknowledged);
    const sha256 = createHash('sha256').update(log).digest('hex');
    expect(ledger.files.get(fileId)).toMatchObject({ state: 'split', sha256, dialect: file.dialect });
    expect(splitter.sent).toEqual([frozen('slice'), frozen('oversize'), frozen('slice-base64')]);
  });

  it('resends lost batches, with the next attempt if one was begun', async () => {
    know('item-file-split');
    knowBatches([frozen('item-batch-open')]);
    expect(await invoke.splitter(read('reemit'))).toEqual(acknowledged);
    expect(splitter.sent).toEqual([{ ...frozen('slice'), attempt: 2 }, frozen('oversize'), frozen('slice-base64')]);
  });
});

describe('the current consumer', () => {
  it('delivers batches of an earlier version, with its request ids', async () => {
    know('item-file-split');
    for (const name of ['slice', 'oversize', 'slice-base64']) {
      expect(await invoke.records(read(name))).toEqual(acknowledged);
    }
    expect(sentIds().sort()).toEqual(Object.values(requestIds).sort());
    expect(ledger.files.get(fileId)).toMatchObject({ settledBatches: 3, settled: { uploaded: 3, rejected: 2 } });
    expect(consumer.letters).toHaveLength(2);
  });

  it('continues a batch that an attempt of an earlier version had begun: what is done is not sent again', async () => {
    know('item-file-split');
    knowBatches([frozen('item-batch-open')]);
    expect(await invoke.records(read('successor'))).toEqual(acknowledged);
    expect(sentIds()).toEqual([requestIds[2]]);
    expect(ledger.files.get(fileId)).toMatchObject({ settledBatches: 1, settled: { uploaded: 2 } });
  });

  it('retries a letter of an earlier version when it is redriven', async () => {
    know('item-file-settled');
    knowDead();
    expect(await invoke.letters(read('letter'))).toEqual(acknowledged);
    expect(sentIds()).toEqual([requestIds[2]]);
    expect(ledger.dead.get(`${fileId}#2`)).toMatchObject({ state: 'resolved', resolution: 'uploaded' });
  });

  it('adopts a letter of an earlier version that was never received, and lets it pass to the DLQ', async () => {
    know('item-file-settled');
    expect(await invoke.letters(read('letter-rejected'))).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] });
    expect(ledger.dead.get(`${fileId}#3`)).toMatchObject({ state: 'dead', outcome: 'rejected' });
    expect({ faults, sent: sentIds() }).toEqual({ faults: [], sent: [] });
  });

  it('sends a corrected row of an earlier version', async () => {
    know('item-file-settled');
    knowDead();
    expect(await invoke.letters(read('correction'))).toEqual(acknowledged);
    expect(sentIds()).toEqual([requestIds[2]]);
    expect(consumer.api.stored.get(requestIds[2])).toMatchObject({ advertiser: 'Client Two' });
    expect(ledger.dead.get(`${fileId}#2`)).toMatchObject({ state: 'resolved' });
  });
});

describe('the current finalizer', () => {
  it('leaves a small file in the bundle that an earlier version put it into', async () => {
    know('item-file-split');
    const place = frozen<FileAccount>('item-small-file');
    ledger.files.set(place.fileId, place);
    const bundle = { ...place, fileId: 'traffic.0' };
    expect(await ledger.takePlaces(bundle, [place.source])).toEqual([{ kind: 'elsewhere', fileId }]);
    expect(ledger.files.get(place.fileId)).toMatchObject({ state: 'bundled', bundleId: fileId });
  });

  it('closes the account of a file that an earlier version delivered', async () => {
    know('item-file-settled');
    knowBatches(frozen<Record<string, unknown>[]>('item-batches-settled'));
    for (const [key, bytes] of Object.entries(frozen<Record<string, string>>('receipts'))) {
      consumer.receipts.set(key, Buffer.from(bytes, 'base64'));
    }
    expect(await invoke.finalizer(read('finalize'))).toEqual(acknowledged);
    const [key = ''] = [...archived.keys()].filter((each) => each.endsWith('manifest.json'));
    expect(JSON.parse(archived.get(key)?.toString() ?? '') as Manifest).toMatchObject({
      total_records: 5,
      uploaded_records: 2,
      refused_records: 1,
      rejected_records: 2,
      reconciled: true,
    });
    const receipts = [...archived].find(([each]) => each.endsWith('receipts.ndjson.gz'))?.[1] ?? '';
    expect(gunzipSync(receipts).toString().trim().split('\n')).toHaveLength(5);
  });
});

describe('messages of a later version, after a rollback', () => {
  it.each<[keyof typeof invoke, string]>([
    ['splitter', 'continue'],
    ['splitter', 'reemit'],
    ['records', 'slice'],
    ['records', 'oversize'],
    ['letters', 'letter'],
    ['letters', 'correction'],
    ['finalizer', 'finalize'],
  ])('are returned to the queue of the %s: %s, with an explanation, and nothing is done', async (who, name) => {
    know('item-file-split');
    const before = structuredClone([...ledger.files]);
    const later = JSON.stringify({ ...frozen(name), v: 4, feed: { name: 'traffic' } });
    expect(await invoke[who](later)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(
      /^The message is of version 4, and this version of Sluice understands up to 3\. .*redrive it/,
    );
    expect({ files: [...ledger.files], sent: sentIds(), archived: archived.size }).toEqual({
      files: before,
      sent: [],
      archived: 0,
    });
  });

  it('are not guessed from the ledger either', () => {
    const item = { pk: `FILE#${fileId}`, sk: 'FILE', ...frozen('item-file-split') };
    expect(withoutKeys(item)).toEqual(file);
    expect(withoutKeys({ ...item, v: 1 })).toEqual(file);
    expect(() => withoutKeys({ ...item, v: 3 })).toThrow(/item is of version 3, and .* understands up to 2/);
  });
});

it('every frozen message is read by a test', () => {
  const source = readFileSync(import.meta.filename, 'utf8');
  const names = readdirSync(folder).flatMap((name) => (name.endsWith('.json') ? name.slice(0, -5) : []));
  expect(names.filter((name) => !source.includes(`'${name}'`))).toEqual([]);
});
