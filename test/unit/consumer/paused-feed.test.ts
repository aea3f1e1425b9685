import { beforeEach, describe, expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import type { LetterPorts } from '../../../lambdas/consumer/retry-letter.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import { tryCorrection } from '../../../lambdas/consumer/try-correction.ts';
import { pauseFeed, resumeFeed } from '../../../lambdas/core/limiter/policy-changes.ts';
import type { BatchMessage, CorrectionMessage } from '../../../lambdas/messages.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

let clock: SimulatedClock;
let fixture: FeedFixture;
let world: ConsumerWorld;

beforeEach(async () => {
  clock = new SimulatedClock();
  fixture = fixtureOf(Array.from({ length: 200 }, (_, index) => rowOf(index + 1)));
  world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
});

const deadline = () => {
  const end = clock.now() + 900_000;
  return { remainingMs: () => end - clock.now(), isDrawingIn: () => end - clock.now() <= 20_000 };
};
const deliver = (message: BatchMessage = fixture.message) => deliverBatch(message, world.ports, deadline());

async function decide(make: typeof pauseFeed): Promise<void> {
  const state = { item: await world.limiter.read(), inForce: await world.limiter.readInForce() };
  const who = { feed: fixture.feed.name, by: 'anna', why: 'a wrong file' };
  expect(await world.limiter.decide(make(state, who, clock.now()))).toBe(true);
}

async function deliverToTheEnd(): Promise<void> {
  for (let next = world.successors.shift(); next; next = world.successors.shift()) {
    await clock.advance(next.delaySeconds * 1000);
    await clock.run(deliver(next.message));
  }
}

const batch = () => world.ledger.batches.get(`${fixture.fileId}#1`);

describe('a batch of a paused feed', () => {
  it('is returned unclaimed and unchanged, and waits longer the longer the pause is', async () => {
    await decide(pauseFeed);
    for (const [pausedMs, delaySeconds] of [
      [0, 30],
      [400_000, 100],
      [36_000_000, 900],
    ] as const) {
      await clock.advance(pausedMs);
      await clock.run(deliver());
      const waiting = world.successors.pop();
      expect(waiting?.message).toEqual(fixture.message);
      expect(waiting?.delaySeconds).toBeGreaterThanOrEqual(delaySeconds);
    }
    expect(batch()).toBeUndefined();
    expect(world.api.requests).toEqual([]);
  });

  it('that is being sent stops within 30 s without a failure; after a resume each of its records is uploaded once', async () => {
    const sending = deliver();
    await clock.run(clock.sleep(5_000));
    await decide(pauseFeed);
    const pausedAt = clock.now();
    await clock.run(sending);
    expect(clock.now() - pausedAt).toBeLessThanOrEqual(30_000);
    const sent = world.api.requests.length;
    expect(sent).toBeGreaterThan(20);
    expect(sent).toBeLessThan(150);
    expect(Math.max(...world.api.requests.map(({ at }) => at)) - pausedAt).toBeLessThanOrEqual(5_000);
    for (let round = 0; round < 20; round++) {
      const next = world.successors.shift();
      expect(next?.message).toMatchObject({ failures: 0, attempt: 2 });
      await clock.advance((next?.delaySeconds ?? 0) * 1000);
      await clock.run(deliver(next?.message));
    }
    expect(world.api.requests).toHaveLength(sent);
    await decide(resumeFeed);
    await deliverToTheEnd();
    expect(world.api.requests).toHaveLength(200);
    expect(batch()?.counts).toMatchObject({ uploaded: 200 });
    expect(world.letters).toEqual([]);
  });

  it('is still held if its file is stopped', async () => {
    await decide(pauseFeed);
    const quarantine = { at: clock.now(), rejected: 9, seen: 10, message: 'a wrong file' };
    await world.ledger.quarantineFile(fixture.fileId, quarantine);
    await clock.run(deliver());
    expect(batch()).toMatchObject({ state: 'settled', counts: { held: 200 } });
    expect(world.api.requests).toEqual([]);
  });
});

it('a redriven letter of a paused feed waits as a new message, and counts as not sent', async () => {
  world.api.fault = (_, nth) => (nth === 1 ? { kind: 'refused', status: 422, answer: 'no' } : undefined);
  await clock.run(deliver());
  const [letter] = world.letters;
  if (!letter) throw new Error('There is no letter.');
  const ports: LetterPorts = { ...world.ports, inTurn: (work) => work() };
  const message = { id: 'm1', sentAt: 100, receives: 1 };
  await clock.run(handleLetter(letter, message, ports, deadline()));
  await decide(pauseFeed);
  const sent = world.api.requests.length;
  const redriven = { ...message, sentAt: 200 };
  expect(await clock.run(handleLetter(letter, redriven, ports, deadline()))).toEqual({ kind: 'done' });
  expect(world.sentBack).toEqual([{ letter, delaySeconds: 30 }]);
  expect(world.api.requests).toHaveLength(sent);
  const dead = await world.ledger.getDead(letter.file_id, letter.record);
  expect(dead).toMatchObject({ state: 'dead' });
  expect(dead).not.toHaveProperty('sentSince');
  expect(dead?.history).toHaveLength(1);
});

it('a correction of a paused feed waits as a new message, and is not begun', async () => {
  const row = rowOf(1);
  const dead = { file_id: fixture.fileId, record: 1, letter_id: 'l1', timestamp: '2026-01-05T02:00:00.000Z' };
  const why = { outcome: 'rejected', reason: 'not_an_integer', error: '…', http_status: null, request_id: null };
  await world.ledger.adoptLetter({ ...dead, ...why } as never, { id: 'm1', sentAt: 1 });
  const correction: CorrectionMessage = {
    ...{ v: 1, kind: 'correction', correction_id: 'c1', feed: 'traffic', file_id: fixture.fileId, record: 1 },
    ...{ sha256: fixture.sha256, row, by: 'Ann', at: '2026-01-05T08:00:00.000Z', changed: ['Duration'], failures: 0 },
  };
  await decide(pauseFeed);
  await clock.run(tryCorrection(correction, { ...world.ports, inTurn: (work) => work() }, deadline()));
  expect(world.sentBack).toEqual([{ letter: correction, delaySeconds: 30 }]);
  expect((await world.ledger.getDead(fixture.fileId, 1))?.correction).toBeUndefined();
  await decide(resumeFeed);
  await clock.run(tryCorrection(correction, { ...world.ports, inTurn: (work) => work() }, deadline()));
  expect(await world.ledger.getDead(fixture.fileId, 1)).toMatchObject({ state: 'resolved' });
});
