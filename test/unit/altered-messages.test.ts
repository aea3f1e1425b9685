import { Buffer } from 'node:buffer';
import { beforeEach, describe, expect, it } from 'vitest';
import { sendCorrections } from '../../cli/reingest/send-corrections.ts';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import { tryCorrection } from '../../lambdas/consumer/try-correction.ts';
import { isGenuine, signed } from '../../lambdas/core/authenticity.ts';
import { AlteredMessageError } from '../../lambdas/core/errors.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { batchJson } from '../../lambdas/core/records/slice-body.ts';
import type { CorrectionMessage, ReemitMessage, SliceMessage } from '../../lambdas/messages.ts';
import { batchMessage, readMessage, reemitMessage } from '../../lambdas/messages.ts';
import { reemitBatches } from '../../lambdas/splitter/reemit-batches.ts';
import { splitFile } from '../../lambdas/splitter/split-file.ts';
import type { FeedFixture } from '../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../support/feed-fixture.ts';
import type { ConsumerWorld } from '../support/in-memory-ports.ts';
import { consumerWorld } from '../support/in-memory-ports.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { noDeadline, smallLimits, splitterWorld } from '../support/splitter-world.ts';

const messageKey = 'ab'.repeat(32);
const key = { feed: 'traffic', messageKey };

let clock: SimulatedClock;
let fixture: FeedFixture;
let world: ConsumerWorld;

beforeEach(async () => {
  clock = new SimulatedClock();
  fixture = fixtureOf([rowOf(1), rowOf(2), { ...rowOf(3), Duration: '30s' }]);
  world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture, messageKey);
});

describe('a batch', () => {
  const deliver = (message: SliceMessage) => clock.run(deliverBatch(message, world.ports, noDeadline));

  it('as the splitter made it is delivered, however the queue encodes its bytes', async () => {
    const message = signed(fixture.message, key);
    const base64 = { ...message, encoding: 'base64' as const, body: Buffer.from(message.body).toString('base64') };
    for (const each of [message, base64]) {
      expect(isGenuine(batchMessage.parse(JSON.parse(batchJson(each))), key)).toBe(true);
    }
    await deliver(base64);
    expect(world.api.stored.size).toBe(2);
  });

  it.each<[string, Partial<SliceMessage>]>([
    ['a record', { body: fixtureOf([rowOf(1), { ...rowOf(2), Duration: '60' }, rowOf(3)]).message.body }],
    ['its bytes, as base64', { encoding: 'base64', body: Buffer.from('{}').toString('base64') }],
    ['the number of records', { records: 2 }],
    ['the offset', { offset: 5 }],
    ['the first record', { firstRecord: 2 }],
    ['the first line', { firstLine: 2 }],
    ['the batch', { batch: 2 }],
    ['the attempt, so that true ones are leftovers', { attempt: 99 }],
    ['the failures, so that it is given up', { failures: 4 }],
    ['the feed', { feed: 'maintenance' }],
    ['the MAC', { mac: 'f'.repeat(64) }],
    ['the MAC, away', { mac: undefined }],
    ['the MAC, to something short', { mac: '' }],
  ])('with %s changed is not sent, and the original can still be sent', async (_, change) => {
    await expect(deliver({ ...signed(fixture.message, key), ...change })).rejects.toThrow(AlteredMessageError);
    expect({ requests: world.api.requests, batches: world.ledger.batches.size, letters: world.letters }).toEqual({
      requests: [],
      batches: 0,
      letters: [],
    });
    await deliver(signed(fixture.message, key));
    expect(world.ledger.files.get(fixture.fileId)).toMatchObject({ settledBatches: 1, settled: { uploaded: 2 } });
  });

  it('that is handed over continues as a message signed by Sluice', async () => {
    world.api.fault = () => ({ kind: 'failed', status: 503, reason: 'http_503', ambiguous: true });
    await deliver(signed(fixture.message, key));
    const [successor] = world.successors;
    world.api.fault = () => undefined;
    await clock.advance((successor?.delaySeconds ?? 0) * 1000);
    expect(successor?.message).toMatchObject({ attempt: 2, failures: 1 });
    await deliver(successor?.message as SliceMessage);
    expect(world.api.stored.size).toBe(2);
  });

  it('of another feed’s file is not sent', async () => {
    Object.assign(world.ledger.files.get(fixture.fileId) ?? {}, { feed: 'maintenance' });
    await expect(deliver(signed(fixture.message, key))).rejects.toThrow(AlteredMessageError);
  });
});

describe('a position to resend a file from', () => {
  const bytes = Buffer.from(
    ['SpotID,StationCode,AirDateTime,Duration,ClientName']
      .concat(Array.from({ length: 30 }, (_, index) => `SP-${index},WABC,2026-01-05 06:00:00,30,C`))
      .join('\n'),
  );
  const fileId = 'file-1';
  const reemit = (from?: ReemitMessage['from']): ReemitMessage => ({
    ...{ v: 1, kind: 'reemit', feed: 'traffic', fileId },
    ...(from ? { from } : {}),
  });

  it('is accepted only from a continuation that Sluice signed', async () => {
    const splitter = splitterWorld(clock, bytes);
    const create = { fileId, feed: 'traffic', lane: 'main', source: splitter.source, limits: smallLimits, messageKey };
    await splitFile(fileId, create, splitter.ports, noDeadline);
    const batches = splitter.sent.splice(0);
    const again = (message: ReemitMessage) => reemitBatches(message, splitter.ports, noDeadline);
    const shifted = { offset: 60, line: 2, record: 0, batch: 0 };
    await expect(again(reemit(shifted))).rejects.toThrow(AlteredMessageError);
    await expect(again({ ...signed(reemit(shifted), key), from: { ...shifted, batch: 1 } })).rejects.toThrow(
      AlteredMessageError,
    );
    expect(splitter.sent).toEqual([]);
    // Nothing but the file's name is trusted of one without.
    await again(reemit());
    expect(splitter.sent).toEqual(batches);

    // Out of time after the first step, it continues with its own message.
    splitter.sent.length = 0;
    const drawingIn = { remainingMs: () => 1, isDrawingIn: () => true };
    await reemitBatches(reemit(), splitter.ports, drawingIn);
    const [continuation] = splitter.intake as ReemitMessage[];
    expect(continuation?.from).toBeDefined();
    await again(continuation as ReemitMessage);
    expect(splitter.sent).toEqual(batches);
  });

  it('is accepted as the queue carries it, also after a repeated header', async () => {
    const [header = '', ...rows] = bytes.toString().split('\n');
    const combined = Buffer.from([header, ...rows.slice(0, 4), header, ...rows.slice(4)].join('\n'));
    const splitter = splitterWorld(clock, combined);
    const create = { fileId, feed: 'traffic', lane: 'main', source: splitter.source, limits: smallLimits, messageKey };
    await splitFile(fileId, create, splitter.ports, noDeadline);
    const batches = splitter.sent.splice(0);
    await reemitBatches(reemit(), splitter.ports, { remainingMs: () => 1, isDrawingIn: () => true });
    const [continuation] = splitter.intake;
    const carried = readMessage(reemitMessage, JSON.parse(JSON.stringify(continuation)));
    await reemitBatches(carried, splitter.ports, noDeadline);
    expect(splitter.sent).toEqual(batches);
  });
});

describe('a correction', () => {
  let correction: CorrectionMessage;
  const row = { ...rowOf(3), Duration: '30' };

  beforeEach(async () => {
    await clock.run(deliverBatch(signed(fixture.message, key), world.ports, noDeadline));
    const [letter] = world.letters;
    if (!letter) throw new Error('There is no letter.');
    await world.ledger.adoptLetter(letter, { id: 'm1', sentAt: 1 });
    const planned = {
      file: world.ledger.files.get(fixture.fileId) as FileAccount,
      ...{ line: 2, record: 3, sha256: letter.sha256, correctionId: 'c1', row, field: null, fault: undefined },
      changes: [{ column: 'Duration', before: '30s', after: '30' }],
    };
    const sent: CorrectionMessage[] = [];
    const lettersOf = () => ({
      sendBack: async (message: unknown) => void sent.push(JSON.parse(JSON.stringify(message)) as CorrectionMessage),
    });
    const ports = { lettersOf, clock, onProgress: () => undefined };
    await sendCorrections([planned] as never, { by: 'Ann', why: 'no units' }, ports, new AbortController().signal);
    [correction] = sent as [CorrectionMessage];
    world.api.requests.length = 0;
  });

  const handIn = (message: CorrectionMessage) =>
    clock.run(tryCorrection(message, { ...world.ports, inTurn: (work) => work() }, noDeadline));

  it('as it was submitted is sent', async () => {
    await handIn(correction);
    expect(world.ledger.dead.get(`${fixture.fileId}#3`)).toMatchObject({
      state: 'resolved',
      resolvedCorrectionId: 'c1',
      correction: { by: 'Ann', why: 'no units' },
    });
  });

  it('that the API fails on is returned as a message signed by Sluice', async () => {
    world.api.fault = () => ({ kind: 'failed', status: 503, reason: 'http_503', ambiguous: false });
    await handIn(correction);
    world.api.fault = () => undefined;
    await handIn(world.sentBack[0]?.letter as CorrectionMessage);
    expect(world.ledger.dead.get(`${fixture.fileId}#3`)).toMatchObject({ state: 'resolved' });
  });

  it.each<[string, Partial<CorrectionMessage>]>([
    ['the row', { row: { ...row, ClientName: 'Other' } }],
    ['who sent it', { by: 'Eve' }],
    ['when', { at: '2020-01-01T00:00:00.000Z' }],
    ['what was changed', { changed: [] }],
    ['the record', { record: 1 }],
    ['the record’s hash', { sha256: 'e'.repeat(64) }],
    ['its id', { correction_id: 'c2' }],
    ['its failures', { failures: 2 }],
    ['the feed', { feed: 'maintenance' }],
    ['the MAC', { mac: undefined }],
  ])('with %s changed is not sent and changes no account', async (_, change) => {
    const before = structuredClone([...world.ledger.dead]);
    await expect(handIn({ ...correction, ...change })).rejects.toThrow(AlteredMessageError);
    expect(world.api.requests).toEqual([]);
    expect([...world.ledger.dead]).toEqual(before);
  });

  it('of another record is not sent, although it is genuine', async () => {
    const other = signed({ ...correction, sha256: 'e'.repeat(64) }, key);
    await expect(handIn(other)).rejects.toThrow(AlteredMessageError);
    expect(world.api.requests).toEqual([]);
  });
});
