import { beforeEach, expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { dissolveBatch } from '../../../lambdas/consumer/dissolve-batch.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import type { Letter } from '../../../lambdas/messages.ts';
import { letter as letterSchema } from '../../../lambdas/messages.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

let clock: SimulatedClock;
let world: ConsumerWorld;
let fixture: FeedFixture;
let file: FileAccount;

const rows = [rowOf(1), rowOf(2), '{"SpotID":', rowOf(4)];

/** A batch of four that ended its consumers: the first record had been uploaded before, the others are buried. */
beforeEach(async () => {
  clock = new SimulatedClock();
  fixture = fixtureOf(rows);
  world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  const { fileId } = fixture;
  for (const record of [2, 3, 4]) {
    const why = {
      outcome: 'exhausted',
      reason: 'buried_batch',
      error: 'its batch killed every consumer',
      http_status: null,
    };
    const letter = { file_id: fileId, record, letter_id: `buried-${fileId}-${record}`, request_id: null };
    const buried = { ...letter, ...why, timestamp: '2026-01-05T02:00:00.000Z' } as Letter;
    await world.ledger.adoptLetter(buried, { id: 'm', sentAt: 0 });
  }
  await world.ledger.claimBatch({ fileId, batch: 1, attempt: 1, records: 4, firstRecord: 1 }, 'reconciler', 60_000);
  const counts = { ...noCounts(), uploaded: 1, exhausted: 3 };
  const settlement = { counts, receiptsKey: 'r', receiptsSha256: 's', buried: true };
  await world.ledger.settleBatch(fileId, 1, 'reconciler', settlement);
  file = (await world.ledger.getFile(fileId)) as FileAccount;
});

const never = { remainingMs: () => 900_000, isDrawingIn: () => false };
const dissolve = () => clock.run(dissolveBatch(fixture.message, file, world.ports));

it('a redriven buried batch becomes one letter for each record that is dead, under its existing id', async () => {
  await dissolve();
  expect(world.letters.map(({ record, letter_id }) => [record, letter_id])).toEqual(
    [2, 3, 4].map((record) => [record, `buried-${fixture.fileId}-${record}`]),
  );
  for (const letter of world.letters) {
    expect(letterSchema.parse(letter)).toEqual(letter);
    expect(letter).toMatchObject({ reason: 'buried_batch', outcome: 'exhausted', raw_encoding: 'text', batch: 1 });
    // The record as written in the file: exactly that is sent.
    expect(sha256Of(Buffer.from(letter.raw_payload))).toBe(letter.sha256);
    const bytes = Buffer.from(fixture.message.body).subarray(letter.offset, letter.offset + letter.length);
    expect(bytes.toString()).toBe(letter.raw_payload);
  }
});

it('its consumer sends no request for the batch, and makes sure that the file is finalized', async () => {
  await clock.run(deliverBatch(fixture.message, world.ports, never));
  expect(world.letters).toHaveLength(3);
  expect(world.api.requests).toEqual([]);
  expect(world.finalize).toMatchObject([{ message: { fileId: fixture.fileId, amend: false } }]);
});

it('a settled batch that is not buried sends no letters', async () => {
  const batch = world.ledger.batches.get(`${fixture.fileId}#1`);
  if (batch) batch.buried = false;
  await clock.run(deliverBatch(fixture.message, world.ports, never));
  expect(world.letters).toEqual([]);
});

it('records that were settled meanwhile get no letter', async () => {
  await world.ledger.resolveDead(fixture.fileId, 4, { kind: 'handled', by: 'Ann', why: 'by telephone' });
  await dissolve();
  expect(world.letters.map(({ record }) => record)).toEqual([2, 3]);
});

it('the last failure in the ledger is in the letter', async () => {
  const attempt = { at: clock.now(), outcome: 'refused' as const, reason: 'http_422', error: 'no', status: 422 };
  await world.ledger.addFailure(fixture.fileId, 2, attempt, 5);
  await dissolve();
  expect(world.letters[0]).toMatchObject({ outcome: 'refused', reason: 'http_422', error: 'no', http_status: 422 });
});

it('its letters are tried separately; dissolving it twice sends nothing twice in effect', async () => {
  await dissolve();
  await dissolve();
  const ports = { ...world.ports, inTurn: <T>(work: () => Promise<T>) => work() };
  for (const [index, letter] of world.letters.entries()) {
    await clock.advance(1_000);
    await clock.run(handleLetter(letter, { id: `m${index}`, sentAt: clock.now(), receives: 1 }, ports, never));
  }
  expect(world.letters).toHaveLength(6);
  expect([...world.api.stored.values()].map(({ spot_id }) => spot_id)).toEqual(['SP-000002', 'SP-000004']);
  expect(world.api.requests).toHaveLength(2);
  expect(await world.ledger.getDead(fixture.fileId, 2)).toMatchObject({ state: 'resolved', resolution: 'uploaded' });
  expect((await world.ledger.getDead(fixture.fileId, 3))?.history.at(-1)).toMatchObject({ reason: 'not_json' });
});

it('after a kill while sending its letters, it is dissolved again by the next receive', async () => {
  const sendLetters = world.ports.letters.sendLetters.bind(world.ports.letters);
  world.ports.letters.sendLetters = async (letters) => {
    await sendLetters(letters.slice(0, 1));
    throw new Error('killed');
  };
  await expect(clock.run(deliverBatch(fixture.message, world.ports, never))).rejects.toThrow('killed');
  world.ports.letters.sendLetters = sendLetters;
  await clock.run(deliverBatch(fixture.message, world.ports, never));
  expect(new Set(world.letters.map(({ letter_id }) => letter_id)).size).toBe(3);
});
