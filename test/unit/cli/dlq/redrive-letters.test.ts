import { beforeEach, expect, it } from 'vitest';
import type { RedriveEnd } from '../../../../cli/dlq/redrive-letters.ts';
import { redriveLetters } from '../../../../cli/dlq/redrive-letters.ts';
import { recordKey } from '../../../../cli/dlq/select-dead.ts';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import { letterOf } from '../../../../lambdas/core/dead-letters/letter-of.ts';
import { noCounts } from '../../../../lambdas/core/account/outcome.ts';
import type { Receipt } from '../../../../lambdas/core/account/receipt.ts';
import type { OpenDead } from '../../../../lambdas/core/dead-letters/reconciliation-csv.ts';
import type { Letter } from '../../../../lambdas/messages.ts';
import { letter as letterSchema } from '../../../../lambdas/messages.ts';
import type { FeedFixture } from '../../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../../support/feed-fixture.ts';
import type { MemoryLedger } from '../../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../../support/memory-ledger.ts';
import { InMemoryQueues, Killed } from '../../../support/in-memory-queues.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const records = 12;
const never = new AbortController().signal;

let clock: SimulatedClock;
let ledger: MemoryLedger;
let queues: InMemoryQueues;
let fixture: FeedFixture;
/** Records that the API takes when they are tried again. */
let curable: Set<number>;
let tried: number[];
let notes: string[];

const reasonOf = (record: number) => (record % 2 === 0 ? 'http_422' : 'blank');

function receiptOf(record: number): Receipt {
  const place = { record, line: record, offset: record * 100, length: 20, sha256: 'a'.repeat(64) };
  const end = { outcome: 'refused', request_id: `id-${record}`, status: 422, attempts: 1 } as const;
  const raw = { raw_encoding: 'text', raw_payload: `payload ${record}` } as const;
  const at = '2026-01-05T02:00:00.000Z';
  return { ...place, ...end, at, reason: reasonOf(record), error: 'it said no', field: null, ...raw };
}

function letterFor(record: number): Letter {
  const fault = {
    outcome: 'refused' as const,
    reason: reasonOf(record),
    error: 'it said no',
    field: null,
    status: 422,
  };
  const { fileId, limits } = fixture;
  const file = { fileId, limits, feed: 'traffic', source: { bucket: 'intake', key: 'traffic/log.jsonl' } };
  const raw = { raw_encoding: 'text' as const, raw_payload: `payload ${record}` };
  const place = { ...receiptOf(record), batch: 1, raw };
  const made = letterOf(file, place, { ...fault, answer: null, requestId: `id-${record}`, attempts: 1 }, clock.now());
  return { ...made, letter_id: `letter-${record}` };
}

/** As a consumer: retried if it was sent after its last failure. */
async function consume(body: string, messageId: string): Promise<void> {
  const letter = letterSchema.parse(JSON.parse(body));
  const sentAt = clock.now();
  const adoption = await ledger.adoptLetter(letter, { id: messageId, sentAt });
  if (adoption.kind === 'surplus' || adoption.dead.state === 'resolved') return;
  const { record } = letter;
  if (sentAt > adoption.dead.failedMessageSentAt) {
    tried.push(record);
    if (curable.has(record)) {
      await ledger.resolveDead(fixture.fileId, record, { kind: 'uploaded', requestId: `id-${record}` });
      return;
    }
    const failure = { at: sentAt, outcome: 'refused' as const, reason: reasonOf(record), error: 'no', status: 422 };
    await ledger.addFailure(fixture.fileId, record, failure, sentAt);
  }
  queues.put('dlq', body);
}

beforeEach(() => begin());

async function begin(): Promise<void> {
  clock = new SimulatedClock();
  ledger = openMemoryLedger(clock);
  queues = new InMemoryQueues(clock);
  fixture = fixtureOf(Array.from({ length: records }, (_, index) => rowOf(index + 1)));
  curable = new Set([1, 2, 3, 4]);
  tried = [];
  notes = [];
  await putSplitFile(ledger, fixture);
  await ledger.claimBatch({ fileId: fixture.fileId, batch: 1, attempt: 1, records, firstRecord: 1 }, 'c', 60_000);
  const settlement = { counts: { ...noCounts(), refused: records }, receiptsKey: 'r', receiptsSha256: 's' };
  await ledger.settleBatch(fixture.fileId, 1, 'c', settlement);
  for (let record = 1; record <= records; record++) await consume(JSON.stringify(letterFor(record)), `m-${record}`);
  await clock.advance(60_000);
  expect(tried).toEqual([]);
}

async function* readDead(file: FileAccount): AsyncGenerator<OpenDead> {
  for (let record = 1; record <= records; record++) {
    const dead = await ledger.getDead(file.fileId, record);
    if (dead?.state !== 'resolved') yield { file, receipt: receiptOf(record), dead };
  }
}

/** All that is in the letters queue is consumed at each look at it. */
async function consumeAll(): Promise<void> {
  for (const body of queues.take('letters')) await consume(body, 'moved');
}

function redrive(narrowed: { fileId?: string; reason?: string } = {}): Promise<RedriveEnd> {
  const looked = Object.assign(Object.create(queues) as InMemoryQueues, {
    count: async (url: string) => {
      if (url === 'letters') await consumeAll();
      return queues.count(url);
    },
    receive: queues.receive.bind(queues),
    send: queues.send.bind(queues),
    remove: queues.remove.bind(queues),
    release: queues.release.bind(queues),
  });
  const ports = {
    ledger,
    queues: looked,
    clock,
    random: () => 0,
    terminal: { progress: () => undefined, note: (text: string) => void notes.push(text) },
    paths: [{ dlqUrl: 'dlq', queueUrl: 'letters' }],
    runTask: async () => undefined,
    readDead,
    lettersOf: () => ({
      sendLetters: async (letters: Letter[]) => {
        for (const each of letters) queues.put('letters', JSON.stringify(each));
      },
    }),
  };
  return clock.run(redriveLetters({ feed: 'traffic', ...narrowed }, ports, never));
}

it('retries each letter once, and reports the outcomes', async () => {
  const end = await redrive();
  expect(end).toMatchObject({ moved: 12, movedBy: 'sluice', remade: 0, untried: 0, isOver: true });
  expect(end.counts).toMatchObject({ met: 12, resolved: 4, atRest: 12 });
  expect(end.counts.failed).toEqual(
    new Map([
      ['blank', 4],
      ['http_422', 4],
    ]),
  );
  expect(end.resolvedFileIds).toEqual([fixture.fileId]);
  expect(tried.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  expect(queues.visible('dlq')).toBe(8);
});

it('leaves letters with another reason where they are', async () => {
  const end = await redrive({ reason: 'blank' });
  expect(end).toMatchObject({ moved: 6, untried: 0, counts: { resolved: 2 } });
  expect(tried.every((record) => record % 2 === 1)).toBe(true);
  expect(queues.visible('dlq')).toBe(10);
});

it('recreates letters whose messages are missing, with their previous ids, and retries them', async () => {
  queues.take('dlq');
  const end = await redrive();
  expect(end).toMatchObject({ moved: 0, remade: 12, untried: 0, counts: { resolved: 4 } });
  expect(tried).toHaveLength(12);
  const back = queues.bodies('dlq').map((body) => letterSchema.parse(JSON.parse(body)));
  expect(back.map(({ letter_id }) => letter_id).sort()).toEqual(
    [5, 6, 7, 8, 9, 10, 11, 12].map((record) => `letter-${record}`).sort(),
  );
  expect(back.find(({ record }) => record === 5)).toMatchObject({
    ...letterFor(5),
    timestamp: expect.any(String) as string,
  });
});

it('retries a record whose letter no consumer has received', async () => {
  ledger.dead.delete(`${fixture.fileId}#2`);
  queues.take('dlq');
  expect(await redrive({ reason: 'http_422' })).toMatchObject({ remade: 6 });
  expect(await ledger.getDead(fixture.fileId, 2)).toMatchObject({ state: 'resolved' });
});

it('recreates no letter while another process holds messages of the DLQ', async () => {
  await queues.receive('dlq', 600);
  const end = await redrive();
  expect(end).toMatchObject({ moved: 2, remade: 0, untried: 10 });
  expect(notes).toEqual([expect.stringMatching(/10 dead letters were not received/)]);
});

it('killed at any call loses nothing: the next redrive settles every record, each resolved once', async () => {
  await redrive();
  const { calls } = queues;
  for (let call = 1; call <= calls; call++) {
    for (const when of ['before', 'after'] as const) {
      await begin();
      queues.calls = 0;
      queues.killAt = { call, when };
      await redrive().catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
      queues.killAt = undefined;
      await clock.advance(120_000);
      await consumeAll();
      await clock.advance(1_000);
      expect(await redrive()).toMatchObject({ untried: 0, isOver: true });
      for (let record = 1; record <= records; record++) {
        const state = curable.has(record) ? 'resolved' : 'dead';
        expect(await ledger.getDead(fixture.fileId, record)).toMatchObject({ state });
        // Every one that is still dead has its message in the DLQ.
        const isThere = queues.bodies('dlq').some((body) => body.includes(`"letter-${record}"`));
        expect(isThere || state === 'resolved', recordKey(fixture.fileId, record)).toBe(true);
      }
    }
  }
});
