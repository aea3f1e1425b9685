import { beforeEach, describe, expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { dissolveBatch } from '../../../lambdas/consumer/dissolve-batch.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import type { BatchMessage, Letter } from '../../../lambdas/messages.ts';
import { letter as letterSchema } from '../../../lambdas/messages.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, limits, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };
const long = JSON.stringify({ ...rowOf(2), Note: 'x'.repeat(70_000) });
const sha256 = sha256Of(long);

let clock: SimulatedClock;
let world: ConsumerWorld;
let fixture: FeedFixture;
/** What was stored, noted and sent, in order. */
let steps: string[];

beforeEach(async () => {
  clock = new SimulatedClock();
  fixture = { ...fixtureOf([rowOf(1), long]), limits: { ...limits, maxRecordBytes: 80_000 } };
  world = consumerWorld(clock, fixture);
  world.api.fault = ({ payload }) =>
    payload['spot_id'] === 'SP-000002' ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
  await putSplitFile(world.ledger, fixture);
  steps = [];
  const { ledger, payloads, letters } = world.ports;
  const putPayload = payloads.putPayload.bind(payloads);
  payloads.putPayload = async (...given) => (steps.push('stored'), putPayload(...given));
  const noteLetters = ledger.noteLetters.bind(ledger);
  ledger.noteLetters = async (...given) => (steps.push('noted'), noteLetters(...given));
  const sendLetters = letters.sendLetters.bind(letters);
  letters.sendLetters = async (...given) => (steps.push('sent'), sendLetters(...given));
});

const key = () => `payloads/${fixture.fileId}/${sha256}`;
const deliver = (message: BatchMessage = fixture.message) => clock.run(deliverBatch(message, world.ports, deadline));
const theLetter = () => letterSchema.parse(JSON.parse(JSON.stringify(world.letters.at(-1))));
const receive = (sentAt: number, letter: Letter = theLetter()) =>
  clock.run(
    handleLetter(letter, { id: 'm', sentAt, receives: 1 }, { ...world.ports, inTurn: (work) => work() }, deadline),
  );
const dead = () => world.ledger.getDead(fixture.fileId, 2);

describe('a failed record that is too long for its letter', () => {
  it('is stored before the letter that points to it is recorded and sent', async () => {
    await deliver();
    expect(steps).toEqual(['stored', 'noted', 'sent']);
    expect(theLetter()).toMatchObject({ raw_encoding: 'head', payload_key: key(), sha256, length: long.length });
    expect([...world.payloads].map(([name, bytes]) => [name, bytes.toString()])).toEqual([[key(), long]]);
  });

  it('is stored once, even if consumers are killed between storing it and sending its letter', async () => {
    const { letters } = world.ports;
    const sendLetters = letters.sendLetters.bind(letters);
    letters.sendLetters = () => Promise.reject(new Error('killed'));
    await expect(deliver()).rejects.toThrow('killed');
    letters.sendLetters = sendLetters;
    await deliver({ ...fixture.message, attempt: 2 });
    expect([...world.payloads.keys()]).toEqual([key()]);
    expect(theLetter()).toMatchObject({ payload_key: key() });
  });

  it('is sent completely when its letter is redriven', async () => {
    await deliver();
    world.api.fault = () => undefined;
    expect(await receive(1_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(await receive(2_000)).toEqual({ kind: 'done' });
    expect([...world.api.stored.values()].at(-1)).toMatchObject({ spot_id: 'SP-000002' });
    expect(await dead()).toMatchObject({ state: 'resolved', resolution: 'uploaded' });
  });

  it('is not sent while its object is missing, which its history records, and is sent when the object is back', async () => {
    await deliver();
    world.api.fault = () => undefined;
    const requests = world.api.requests.length;
    await receive(1_000);
    const stored = world.payloads.get(key()) as Buffer;
    world.payloads.clear();
    expect(await receive(2_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(world.api.requests).toHaveLength(requests);
    expect((await dead())?.history.at(-1)).toMatchObject({ reason: 'payload_gone', outcome: 'rejected' });
    world.payloads.set(key(), stored);
    expect(await receive(3_000)).toEqual({ kind: 'done' });
  });

  it('is altered if its object has different bytes: not sent, and reported to the desk', async () => {
    await deliver();
    await receive(1_000);
    const requests = world.api.requests.length;
    world.payloads.set(key(), Buffer.from(JSON.stringify({ ...rowOf(2), Duration: '60' })));
    expect(await receive(2_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(world.api.requests).toHaveLength(requests);
    expect((await dead())?.history.at(-1)).toMatchObject({ reason: 'altered' });
    expect(await world.ledger.listAltered('traffic', 10)).toMatchObject([{ fileId: fixture.fileId, record: 2 }]);
  });

  it('is read only from the object that was recorded', async () => {
    await deliver();
    await receive(1_000);
    world.payloads.set('payloads/other', Buffer.from(long));
    expect(await receive(2_000, { ...theLetter(), payload_key: 'payloads/other' })).toMatchObject({ kind: 'back' });
    expect(await world.ledger.listAltered('traffic', 10)).toHaveLength(1);
  });

  it('is stored when a buried batch dissolves into letters', async () => {
    await deliver();
    await receive(1_000);
    world.payloads.clear();
    const file = (await world.ledger.getFile(fixture.fileId)) as FileAccount;
    await clock.run(dissolveBatch(fixture.message, file, world.ports));
    expect([...world.payloads.keys()]).toEqual([key()]);
    expect(theLetter()).toMatchObject({ payload_key: key() });
  });
});

it('a record that is too long for the feed has a head and is not stored', async () => {
  const { v, feed, fileId, batch, attempt, failures, offset, firstRecord, firstLine } = fixture.message;
  const head = Buffer.from(long.slice(0, 1_024)).toString('base64');
  const place = { v, feed, fileId, batch, attempt, failures, offset, firstRecord, firstLine };
  await deliver({ ...place, kind: 'oversize', records: 1, length: 90_000, sha256: 'f'.repeat(64), head });
  expect(theLetter()).toMatchObject({ raw_encoding: 'head', reason: 'too_long' });
  expect(theLetter().payload_key).toBeUndefined();
  expect(world.payloads.size).toBe(0);
  await receive(1_000);
  expect(await receive(2_000)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
  expect((await world.ledger.getDead(fileId, 1))?.history.at(-1)).toMatchObject({ reason: 'too_long' });
});
