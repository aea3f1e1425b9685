import type { Readable } from 'node:stream';
import { Readable as Stream } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { feedNamed } from '../../../feeds/index.ts';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { encodeProgress } from '../../../lambdas/core/account/progress.ts';
import type { Receipt } from '../../../lambdas/core/account/receipt.ts';
import { finalizeFile } from '../../../lambdas/finalizer/finalize-file.ts';
import type { Letter } from '../../../lambdas/messages.ts';
import type { DeadQueue, MetricName, QueuedMessage } from '../../../lambdas/ports.ts';
import type { ReconcilePorts } from '../../../lambdas/reconciler/reconcile.ts';
import { reconcile } from '../../../lambdas/reconciler/reconcile.ts';
import type { AuditedRecord } from '../../support/audit-to.ts';
import { auditTo } from '../../support/audit-to.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld, silentLog, unheardNotices } from '../../support/in-memory-ports.ts';
import { inMemoryArchive, partsInMemory } from '../../support/in-memory-archive.ts';
import { noDeadline } from '../../support/splitter-world.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

class InMemoryDeadQueue implements DeadQueue {
  readonly held: QueuedMessage[] = [];
  reads = 0;
  redriven = false;
  messages = async () => this.held.length;
  readonly isBeingRedriven = async () => this.redriven;
  read = async (look: (message: QueuedMessage) => Promise<void>, signal?: AbortSignal) => {
    this.reads++;
    for (const message of structuredClone(this.held)) if (!signal?.aborted) await look(message);
  };
  put(body: unknown, sentAt: number): void {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    this.held.push({ messageId: `m${this.held.length + 1}`, body: text, sentAt, receives: 6 });
  }
}

let clock: SimulatedClock;
let fixture: FeedFixture;
let world: ConsumerWorld;
let ports: ReconcilePorts;
let objects: Map<string, Buffer>;
let told: { subject: string; text: string }[];
let metrics: Record<string, number>[];
let asked: unknown[];
let dlqs: Record<'letters' | 'records' | 'intake' | 'finalize', InMemoryDeadQueue>;

const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

beforeEach(async () => {
  clock = new SimulatedClock();
  fixture = fixtureOf([rowOf(1), { ...rowOf(2), Duration: '30s' }, { ...rowOf(3), ClientName: '=1+1' }, '{"broken']);
  world = consumerWorld(clock, fixture);
  world.api.fault = (request) =>
    request.payload['spot_id'] === 'SP-000003' ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
  await putSplitFile(world.ledger, fixture);
  objects = new Map();
  told = [];
  metrics = [];
  asked = [];
  const queue = () => new InMemoryDeadQueue();
  dlqs = { letters: queue(), records: queue(), intake: queue(), finalize: queue() };
  const ask = { send: async (message: unknown) => void asked.push(message) };
  const lane = { feed: 'traffic', lane: 'traffic' };
  ports = {
    ledger: world.ledger,
    lanes: [{ ...lane, intake: ask, records: { messages: async () => 0 } }],
    dlqs: [{ ...lane, letters: dlqs.letters, records: dlqs.records, intake: dlqs.intake }],
    finalize: ask,
    nights: { askForNight: async () => undefined },
    finalizeDlq: dlqs.finalize,
    receipts: world.ports.receipts,
    payloads: world.ports.payloads,
    archive: {
      putStream: async (key, body: Readable) => void objects.set(key, Buffer.concat(await body.toArray())),
      getStream: async (key) => (objects.has(key) ? Stream.from([objects.get(key)]) : undefined),
    },
    archiveBucket: 'archive',
    stackName: 'sluice-test',
    feed: { feed: 'traffic', api: 'avstar' },
    sharing: [],
    expected: [],
    hasControls: false,
    limiterOf: () => world.limiter,
    desk: { notify: async (subject, text) => void told.push({ subject, text }) },
    metricsOf: () => {
      const told: Record<string, number> = {};
      return {
        add: (name, value) => void (told[name] = value),
        flush: () => {
          if ('OpenDeadLetters' in told) metrics.push(told);
        },
      };
    },
    feedNamed,
    clock,
    log: silentLog,
    newId: world.ports.newId,
    stalledAfterMs: 180_000,
    leaseMs: 65_000,
  };
});

/** Not on the simulated clock, which can't wait for zlib. */
const run = (isDeadline = false) => reconcile(isDeadline, ports);
const deliver = () => clock.run(deliverBatch(fixture.message, world.ports, deadline));
const adopt = async (sentAt: number) => {
  for (const letter of world.letters) await world.ledger.adoptLetter(letter, { id: `letter-${letter.record}`, sentAt });
};
const lists = () => [...objects].filter(([key]) => key.endsWith('.csv')).map(([, bytes]) => bytes.toString());

describe('the desk', () => {
  beforeEach(async () => {
    await deliver();
    await adopt(clock.now());
  });

  it('gets a list of what needs attention, and a message that states what to do', async () => {
    await run();
    expect(told).toHaveLength(1);
    expect(told[0]?.subject).toBe('Sluice traffic: 3 records to inspect');
    expect(told[0]?.text).toContain('3 records of 1 file');
    expect(told[0]?.text).toContain('1  http_422: the API refused the record with 422');
    expect(told[0]?.text).toMatch(/s3:\/\/archive\/reconciliation\/traffic\/2026\/01\/05\/\d{6}Z-[0-9a-f]{8}\.csv/);
    const [list = ''] = lists();
    // The last line has its break too. (A trim would take the byte-order mark.)
    const lines = list.split('\r\n').slice(0, -1);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^\uFEFFSpotID,StationCode,AirDateTime,Duration,ClientName,sluice_reason,/);
    expect(lines[1]).toContain('SP-000002,WABC,2026-01-05 06:00:00,30s,Client 2,not_an_integer,Duration,');
    expect(lines[2]).toContain(String.raw`,\=1+1,http_422,`);
    expect(lines[3]).toMatch(/^,,,,,not_json,.*"\{""broken"/);
  });

  it('gets no notification if nothing has changed, except at its deadline while something is open', async () => {
    await run();
    await clock.advance(900_000);
    await run();
    expect(told).toHaveLength(1);
    await run(true);
    expect(told).toHaveLength(2);
    expect(lists()).toHaveLength(1);
    expect(told[1]?.text).toContain('reconciliation/traffic/');
  });

  it('is notified of each change, including improvements, and of the end once', async () => {
    await run();
    await world.ledger.resolveDead(fixture.fileId, 2, { kind: 'handled', by: 'ann', why: 'by phone' });
    await clock.advance(900_000);
    await run();
    expect(told[1]?.text).toContain('2 records of 1 file');
    expect(told[1]?.text).toContain('(1 record fewer than in the last message)');
    const again = { at: clock.now(), outcome: 'refused', reason: 'http_404', error: 'gone', status: 404 } as const;
    await world.ledger.addFailure(fixture.fileId, 3, again, undefined);
    await clock.advance(900_000);
    await run();
    expect(told[2]?.text).toContain('1  http_404: gone');
    for (const record of [3, 4]) {
      await world.ledger.resolveDead(fixture.fileId, record, { kind: 'uploaded', requestId: 'r' });
    }
    await run(true);
    await run(true);
    expect(told).toHaveLength(4);
    expect(told[3]?.subject).toBe('Sluice traffic: nothing left to do');
  });

  it('is notified again by the next run if one died before it stored that', async () => {
    const { desk } = ports;
    ports.desk = { notify: () => Promise.reject(new Error('SNS is away')) };
    await expect(run()).rejects.toThrow('1 parts');
    ports.desk = desk;
    await run();
    expect(told).toHaveLength(1);
  });

  it('has figures of how many there are and how old the oldest message is', async () => {
    await clock.advance(3_600_000);
    dlqs.intake.put({ v: 1, kind: 'continue', feed: 'traffic', fileId: 'f9' }, clock.now() - 7_200_000);
    await run();
    expect(metrics).toEqual([{ OpenDeadLetters: 3, OldestDeadLetterAge: 7_200 }]);
  });

  it('is notified of messages that are not records: which file, in which DLQ', async () => {
    dlqs.intake.put({ Records: [{ s3: { object: { key: 'traffic/night\u001b[31m.csv' } } }] }, 1_000);
    dlqs.finalize.put({ v: 1, kind: 'finalize', feed: 'traffic', fileId: 'f8', amend: false }, 2_000);
    dlqs.records.put('garbage', 3_000);
    await run();
    expect(told[0]?.subject).toBe('Sluice traffic: 3 records to inspect, 3 messages stuck');
    expect(told[0]?.text).toContain('file traffic/night [31m.csv, in the DLQ of traffic intake');
    expect(told[0]?.text).toContain('file f8, in the DLQ of finalize');
    expect(told[0]?.text).toContain('an unreadable message, in the DLQ of traffic records');
  });

  it('is notified of a later version’s messages, which only that version can read', async () => {
    dlqs.records.put({ ...fixture.message, v: 4 }, 3_000);
    await run();
    expect(told[0]?.text).toContain('a message of version 4, sent by a later Sluice, in the DLQ of traffic records');
    expect(world.ledger.batches.get(`${fixture.fileId}#1`)?.buried).not.toBe(true);
  });
});

it('gets no notification if there is nothing to report', async () => {
  await run(true);
  expect(told).toEqual([]);
  expect(metrics).toEqual([{ OpenDeadLetters: 0, OldestDeadLetterAge: 0 }]);
});

it('has one run at a time', async () => {
  await world.ledger.claimReconciler('traffic', 'another', 65_000);
  await run();
  expect(metrics).toEqual([]);
  await clock.advance(65_001);
  await run();
  expect(metrics).toHaveLength(1);
});

describe('a run at the deadline that meets another one', () => {
  beforeEach(() => world.ledger.claimReconciler('traffic', 'another', 65_000));

  it('waits for the other to end, and is not skipped', async () => {
    const work = run(true);
    await clock.advance(20_000);
    expect(metrics).toEqual([]);
    await world.ledger.releaseReconciler('traffic', 'another');
    await clock.advance(5_000);
    await work;
    expect(metrics).toHaveLength(1);
  });

  it('fails if that takes too long, so that Lambda runs it again', async () => {
    const work = expect(run(true)).rejects.toThrow('met another one that took too long');
    await clock.advance(40_000);
    await work;
    expect(metrics).toEqual([]);
  });
});

describe('a run', () => {
  const steps: string[] = [];

  beforeEach(async () => {
    steps.length = 0;
    ports.feed = { feed: 'traffic', api: 'avstar', deadline: { hour: 5, minute: 0, timeZone: 'UTC' } };
    const { metricsOf } = ports;
    ports.metricsOf = (feed) => {
      const metrics = metricsOf(feed);
      const add = (name: MetricName, value: number) => (steps.push(name), metrics.add(name, value));
      return { add, flush: () => metrics.flush() };
    };
    dlqs.intake.read = async () => void steps.push('dlqs');
    dlqs.intake.put('x', 1);
    await deliver();
  });

  it('checks the deadline before anything else', async () => {
    const readInForce = async () => ({});
    ports.limiterOf = () => ({ read: async () => (steps.push('deadline'), {}), readInForce });
    await run();
    expect(steps[0]).toBe('deadline');
    expect(steps).toEqual(expect.arrayContaining(['deadline', 'dlqs', 'StalledFiles', 'OpenDeadLetters']));
    expect(steps.indexOf('OpenDeadLetters')).toBeGreaterThan(steps.indexOf('StalledFiles'));
  });

  const isAway = () => Promise.reject(new Error('away'));

  it.each([
    ['deadline', () => (ports.limiterOf = () => ({ read: isAway, readInForce: isAway })), 3],
    ['dlqs', () => (dlqs.intake.read = () => Promise.reject(new Error('SQS is away'))), 1],
    ['desk', () => (ports.desk = { notify: () => Promise.reject(new Error('SNS is away')) }), 3],
  ] as const)(
    'completes the other steps if the step %s fails, and then fails visibly',
    async (step, breakIt, others) => {
      breakIt();
      await expect(run()).rejects.toThrow(`1 parts of the reconciliation of traffic failed (${step}): see the log.`);
      const done = ['dlqs', 'StalledFiles', 'OpenDeadLetters'].filter((name) => steps.includes(name));
      expect(done).toHaveLength(others);
      // Whatever failed, the next run can begin at once.
      expect(await world.ledger.claimReconciler('traffic', 'next', 1)).toBe(true);
    },
  );
});

describe('a letter that was never received', () => {
  beforeEach(async () => {
    await deliver();
    for (const letter of world.letters) dlqs.letters.put(letter, 5_000);
  });

  it('is adopted; if the ledger has as many as there are, the DLQ is not read', async () => {
    await run();
    expect([...world.ledger.dead.keys()]).toHaveLength(3);
    await run();
    expect(dlqs.letters.reads).toBe(1);
  });

  it('is not looked for in a DLQ whose letters were all received, however many are new since the last run', async () => {
    await adopt(5_000);
    await run();
    expect(dlqs.letters.reads).toBe(0);
    expect(told[0]?.subject).toBe('Sluice traffic: 3 records to inspect');
  });

  it('is looked for during a part of the run only: the desk is notified nevertheless', async () => {
    const { held } = dlqs.letters;
    dlqs.letters.messages = async () => held.length + 100_000;
    const getDead = world.ledger.getDead.bind(world.ledger);
    // A read takes half a minute each.
    Object.assign(world.ledger, {
      getDead: async (...place: Parameters<typeof getDead>) => {
        await clock.advance(30_000);
        return getDead(...place);
      },
    });
    await run();
    expect(world.ledger.dead.size).toBe(2);
    expect(told[0]?.subject).toBe('Sluice traffic: 3 records to inspect');
  });

  it('is adopted even if the dead letters can not be surveyed', async () => {
    ports.receipts = { ...ports.receipts, getReceipts: () => Promise.reject(new Error('S3 is away')) };
    await expect(run()).rejects.toThrow('(survey)');
    expect(world.ledger.dead.size).toBe(3);
  });

  it('is left alone while it is redriven', async () => {
    dlqs.letters.redriven = true;
    await run();
    expect(world.ledger.dead.size).toBe(0);
  });
});

describe('a batch that killed each consumer that claimed it', () => {
  const manifest = async (): Promise<Manifest> => {
    const put = new Map<string, Buffer>();
    await finalizeFile(
      { v: 1, kind: 'finalize', feed: 'traffic', fileId: fixture.fileId, amend: false },
      {
        ...ports,
        ledger: world.ledger,
        archive: inMemoryArchive(put),
        events: { publish: async () => undefined },
        ...unheardNotices,
        reported: () => undefined,
        feedDecisions: async () => [],
        ...partsInMemory(),
        version: '1.2.3',
      },
      noDeadline,
    );
    return JSON.parse([...put].findLast(([key]) => key.endsWith('.json'))?.[1].toString() ?? 'null') as Manifest;
  };
  const receipts = (): Receipt[] => {
    const key = world.ledger.batches.get(`${fixture.fileId}#1`)?.receiptsKey ?? '';
    return gunzipSync(world.receipts.get(key) ?? Buffer.alloc(0))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Receipt);
  };

  /** A consumer claims it and is never heard of again. */
  const kill = async () => {
    await world.ledger.claimBatch(fixture.message, 'killed', 1);
    await clock.advance(10);
  };

  beforeEach(async () => {
    dlqs.records.put(fixture.message, 1_000);
    await kill();
    await kill();
  });

  it.each([
    ['was received in vain, by functions that did not start', async () => world.ledger.batches.clear()],
    [
      'ended one consumer, which may be an accident',
      async () => {
        world.ledger.batches.clear();
        await kill();
      },
    ],
    [
      'was released by the last consumer, which waited for AWS',
      async () => {
        await world.ledger.claimBatch(fixture.message, 'waits', 1);
        await world.ledger.releaseBatch(fixture.fileId, 1, 'waits');
      },
    ],
    [
      'was handed over by the last consumer',
      async () => {
        await world.ledger.claimBatch(fixture.message, 'hands-over', 1);
        await world.ledger.saveProgress(fixture.fileId, 1, 'hands-over', encodeProgress({ done: [], fence: 0 }), 0);
      },
    ],
  ])('is the only one that is buried; one that %s is spared, and reported to the desk', async (_, happen) => {
    await happen();
    await run();
    await run();
    expect(world.ledger.batches.get(`${fixture.fileId}#1`)?.state).not.toBe('settled');
    expect(world.ledger.dead.size).toBe(0);
    expect(told[0]?.text).toContain(`batch 1 of file ${fixture.fileId} (it ended no consumer: redrive it)`);
  });

  it('is buried for a defect as for a kill', async () => {
    world.ledger.batches.clear();
    for (const owner of ['one', 'two']) {
      await world.ledger.claimBatch(fixture.message, owner, 60_000);
      await world.ledger.releaseBatch(fixture.fileId, 1, owner, 'failed');
    }
    await run();
    expect(world.ledger.batches.get(`${fixture.fileId}#1`)).toMatchObject({ state: 'settled', buried: true });
  });

  it('is accounted for: its file can be closed, its records are dead letters', async () => {
    await run();
    expect(receipts().map(({ outcome, reason }) => [outcome, reason])).toEqual(
      Array(4).fill(['exhausted', 'buried_batch']),
    );
    expect(receipts().map(({ raw_payload }) => raw_payload)).toEqual(fixture.message.body.split('\n'));
    expect(asked).toContainEqual({ v: 1, kind: 'finalize', feed: 'traffic', fileId: fixture.fileId, amend: false });
    expect(await manifest()).toMatchObject({ exhausted_records: 4, total_records: 4, reconciled: true });
    expect(told[0]?.text).toContain('4  buried_batch');
  });

  it('is counted and audited as a batch that a consumer settles', async () => {
    const lines: AuditedRecord[][] = [];
    const counted: Record<string, number> = {};
    ports.feedNamed = (name) => ({ ...feedNamed(name), auditEachRecord: true });
    ports.log = auditTo(lines);
    ports.metricsOf = () => ({ add: (name, value) => void (counted[name] = value), flush: () => undefined });
    await run();
    expect(lines.flat().map(({ record, outcome, reason }) => [record, outcome, reason])).toEqual(
      [1, 2, 3, 4].map((record) => [record, 'exhausted', 'buried_batch']),
    );
    expect(counted).toMatchObject({
      ProcessedRecords: 4,
      FailedRecords: 4,
      RejectedRecords: 0,
      DeadLetteredRecords: 4,
    });
  });

  it('stops its file if too much of the file is rejected', async () => {
    const file = world.ledger.files.get(fixture.fileId);
    Object.assign(file?.settled ?? {}, { rejected: 5_000 });
    await run();
    expect((await world.ledger.getFile(fixture.fileId))?.quarantine).toMatchObject({ rejected: 5_000 });
  });

  it('has its long records stored, for letters that are recreated if its message is lost', async () => {
    const long = JSON.stringify({ ...rowOf(9), ClientName: 'x'.repeat(70_000) });
    fixture = { ...fixtureOf([rowOf(8), long]), limits: { ...fixture.limits, maxRecordBytes: 80_000 } };
    await putSplitFile(world.ledger, fixture);
    dlqs.records.put(fixture.message, 1_000);
    await kill();
    await kill();
    await run();
    const [, receipt] = receipts();
    expect(receipt).toMatchObject({ raw_encoding: 'head', length: long.length });
    expect([...world.payloads].map(([key, bytes]) => [key, bytes.toString()])).toEqual([
      [`payloads/${fixture.fileId}/${receipt?.sha256}`, long],
    ]);
    // The desk's list has the record's fields, not its head.
    expect(lists().at(-1)).toContain('x'.repeat(1_000));
    expect(lists().at(-1)).toContain('SP-000009');
  });

  it('keeps the outcomes that its consumers had saved', async () => {
    await world.ledger.claimBatch(fixture.message, 'killed', 1);
    const done = [
      { place: 0, outcome: 'uploaded' as const, status: 201, attempts: 1, at: clock.now() },
      { place: 1, outcome: 'rejected' as const, status: null, attempts: 0, at: clock.now() },
    ];
    await world.ledger.saveProgress(fixture.fileId, 1, 'killed', encodeProgress({ done, fence: 3 }), 1);
    await clock.advance(10);
    await run();
    expect(receipts()).toMatchObject([
      { outcome: 'uploaded', status: 201, request_id: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      { outcome: 'rejected', reason: 'not_an_integer' },
      // It may have been sent: the fence had passed it.
      { outcome: 'exhausted', attempts: 1 },
      { outcome: 'exhausted', attempts: 0 },
    ]);
  });

  it('is buried with the letters that its consumers owed', async () => {
    await world.ledger.claimBatch(fixture.message, 'killed', 1);
    const done = [{ place: 1, outcome: 'rejected' as const, status: null, attempts: 0, at: clock.now() }];
    await world.ledger.saveProgress(fixture.fileId, 1, 'killed', encodeProgress({ done, fence: 0, owed: 1 }), 1);
    await clock.advance(10);
    await run();
    expect(await manifest()).toMatchObject({ rejected_records: 1, exhausted_records: 3, dead_lettered_records: 4 });
    const dead = world.ledger.dead.values();
    expect(dead.map(({ record, outcome }) => [record, outcome])).toEqual([
      [1, 'exhausted'],
      [2, 'rejected'],
      [3, 'exhausted'],
      [4, 'exhausted'],
    ]);
  });

  it.each(['adoptLetter', 'putReceipts', 'settleBatch'] as const)(
    'is buried by the next run if one dies at %s',
    async (at) => {
      const target: object = at === 'putReceipts' ? ports.receipts : ports.ledger;
      const before = Object.getOwnPropertyDescriptor(target, at);
      Object.assign(target, { [at]: () => Promise.reject(new Error('killed')) });
      await run();
      // The class has the method again, or the plain object its own.
      Reflect.deleteProperty(target, at);
      if (before) Object.defineProperty(target, at, before);
      await clock.advance(60_001);
      await run();
      expect(world.ledger.batches.get(`${fixture.fileId}#1`)).toMatchObject({ state: 'settled', buried: true });
      expect(world.ledger.dead.size).toBe(4);
    },
  );

  it('is not accounted for from an altered message: the desk is notified, and the true batch is recreated', async () => {
    Object.assign(world.ledger.files.get(fixture.fileId) ?? {}, { messageKey: '00'.repeat(32) });
    await clock.advance(200_000);
    await run();
    expect(world.ledger.batches.get(`${fixture.fileId}#1`)?.state).toBe('open');
    expect(told[0]?.text).toContain(`altered batch 1 of file ${fixture.fileId}`);
    expect(asked).toMatchObject([{ kind: 'reemit', fileId: fixture.fileId }]);
  });

  it.each(['maintenance.0123456789abcdef01234567', 'traffic.0123456789abcdef01234567'])(
    'is not accounted for under the id of another file, %s: the desk is notified',
    async (fileId) => {
      dlqs.records.put({ ...fixture.message, fileId }, 1_000);
      await clock.advance(200_000);
      await run();
      expect(told[0]?.text).toContain(`altered batch 1 of file ${fileId}`);
      expect([...world.ledger.batches.keys()]).not.toContain(`${fileId}#1`);
    },
  );

  it('is left to a consumer that has it, and is left alone while it is redriven', async () => {
    dlqs.records.redriven = true;
    await clock.advance(200_000);
    await run();
    // Nor is it made again: it is not lost.
    expect(asked).toEqual([]);
    dlqs.records.redriven = false;
    await world.ledger.claimBatch(fixture.message, 'at-work', 60_000);
    await run();
    expect(world.ledger.batches.get(`${fixture.fileId}#1`)?.state).toBe('open');
  });

  it('dissolves into letters when it is redriven, and each is tried separately', async () => {
    await run();
    await deliver();
    expect(world.letters.map(({ record }) => record)).toEqual([1, 2, 3, 4]);
    // A second copy of the batch makes the same letters.
    await deliver();
    const ids = (letters: Letter[]) => letters.map(({ letter_id }) => letter_id);
    expect(ids(world.letters.slice(4))).toEqual(ids(world.letters.slice(0, 4)));
    for (const letter of world.letters) {
      const message = { id: 'again', sentAt: clock.now(), receives: 1 };
      await clock.run(handleLetter(letter, message, { ...world.ports, inTurn: (work) => work() }, deadline));
    }
    const states = [...world.ledger.dead.values()].map(({ record, state, outcome }) => [record, state, outcome]);
    expect(states).toEqual([
      [1, 'resolved', 'exhausted'],
      [2, 'dead', 'rejected'],
      [3, 'dead', 'refused'],
      [4, 'dead', 'rejected'],
    ]);
    expect([...world.api.stored.values()].map((spot) => spot['spot_id'])).toEqual(['SP-000001']);
    expect(await manifest()).toMatchObject({ uploaded_records: 1, exhausted_records: 3, reconciled: true });
  });
});

describe('an altered letter', () => {
  beforeEach(async () => {
    await deliver();
    await adopt(clock.now());
    await run();
    told.length = 0;
  });
  const altered = (change: Partial<Letter>) => ({ ...(world.letters[0] as Letter), ...change });
  const mails = () => told.filter(({ subject }) => subject.includes('altered'));

  it('that a consumer received is reported to the desk once, with what to do', async () => {
    const letter = altered({ raw_payload: 'x', sha256: 'y' });
    for (const sentAt of [1, 2]) {
      const message = { id: `m${sentAt}`, sentAt: clock.now() + sentAt, receives: 1 };
      await clock.run(handleLetter(letter, message, { ...world.ports, inTurn: (work) => work() }, deadline));
    }
    await run();
    await run();
    expect(mails().map(({ subject }) => subject)).toEqual(['Sluice traffic: 1 altered letter came back']);
    expect(mails()[0]?.text).toContain(`record ${letter.record} of the file ${letter.file_id}: message m1`);
    expect(mails()[0]?.text).toContain('dlq reingest');
  });

  it('that is unread in the DLQ creates no dead record, and is reported', async () => {
    world.ledger.dead.delete(`${fixture.fileId}#2`);
    const before = structuredClone([...world.ledger.dead]);
    const forged = [altered({ raw_payload: 'x', sha256: 'y' }), altered({ record: 99 }), altered({ file_id: 'none' })];
    for (const letter of [...world.letters.slice(1), ...forged]) dlqs.letters.put(letter, clock.now());
    // As the splitter claims a file.
    Object.assign(world.ledger.files.get(fixture.fileId) ?? {}, { messageKey: '00'.repeat(32) });
    await run();
    expect([...world.ledger.dead]).toEqual(before);
    expect(mails()[0]?.subject).toBe('Sluice traffic: 3 altered letters came back');
  });
});
