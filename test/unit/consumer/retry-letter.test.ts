import { beforeEach, describe, expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import type { LetterMessage, LetterPorts } from '../../../lambdas/consumer/retry-letter.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import type { Letter } from '../../../lambdas/messages.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

let clock: SimulatedClock;
let world: ConsumerWorld;
let ports: LetterPorts;
let letter: Letter;
/** How often the letter was noted. */
let noted: number;

beforeEach(async () => {
  clock = new SimulatedClock();
  const fixture = fixtureOf([rowOf(1)]);
  world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  world.api.fault = (_, nth) => (nth === 1 ? { kind: 'refused', status: 422, answer: 'no' } : undefined);
  await clock.run(deliverBatch(fixture.message, world.ports, deadline));
  [letter] = world.letters as [Letter];
  noted = 0;
  const adopt = world.ledger.adoptLetter.bind(world.ledger);
  world.ledger.adoptLetter = (...given) => (noted++, adopt(...given));
  ports = { ...world.ports, inTurn: (work) => work() };
});

const receive = (message: LetterMessage) => clock.run(handleLetter(letter, message, ports, deadline));
const first: LetterMessage = { id: 'm1', sentAt: 100, receives: 1 };

describe('a letter on its way to the DLQ', () => {
  it('is noted at its first receive and read at those that follow, and goes back each time', async () => {
    for (const receives of [1, 2, 3]) {
      expect(await receive({ ...first, receives })).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    }
    expect(noted).toBe(1);
    expect(world.api.requests).toHaveLength(1);
  });

  it('is noted at a later receive where the first was killed before', async () => {
    expect(await receive({ ...first, receives: 2 })).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
    expect(await world.ledger.getDead(letter.file_id, letter.record)).toMatchObject({ messageId: 'm1' });
  });

  it('is tried again when it is redriven, however often its message was received', async () => {
    await receive(first);
    expect(await receive({ ...first, sentAt: 200, receives: 4 })).toEqual({ kind: 'done' });
    expect(world.api.stored.size).toBe(1);
    expect(await world.ledger.getDead(letter.file_id, letter.record)).toMatchObject({ state: 'resolved' });
  });

  it('is surplus beside the one that stands for the record, at every receive', async () => {
    await receive(first);
    letter = { ...letter, letter_id: 'another' };
    for (const receives of [1, 2]) expect(await receive({ ...first, receives })).toEqual({ kind: 'done' });
    expect(world.api.requests).toHaveLength(1);
  });

  it('of a record that has come through meanwhile is done, noted or not', async () => {
    await receive(first);
    await receive({ id: 'm2', sentAt: 200, receives: 1 });
    expect(await receive({ id: 'm2', sentAt: 200, receives: 2 })).toEqual({ kind: 'done' });
    expect(world.api.requests).toHaveLength(2);
  });
});
