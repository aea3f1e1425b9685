import { describe, expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import type { LetterEnd } from '../../../lambdas/consumer/retry-letter.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import { FailureRun } from '../../../lambdas/core/limiter/breaker.ts';
import type { SinkAnswer } from '../../../lambdas/ports.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const records = 200;
/** Twelve records in a row that the API always answers so. */
const poisoned = Array.from({ length: 12 }, (_, index) => 31 + index);
const spotOf = (number: number) => `SP-${String(number).padStart(6, '0')}`;

const answers: [string, 'refused' | 'exhausted', SinkAnswer][] = [
  ['http_500', 'exhausted', { kind: 'failed', status: 500, reason: 'http_500', ambiguous: true }],
  ['http_429', 'exhausted', { kind: 'throttled', status: 429, retryAfterMs: 2_000 }],
  ['http_403', 'refused', { kind: 'unauthorised', status: 403, answer: 'blocked' }],
];

function deadlineOf(clock: SimulatedClock) {
  const end = clock.now() + 900_000;
  return { remainingMs: () => end - clock.now(), isDrawingIn: () => end - clock.now() <= 20_000 };
}

async function deliverAll(clock: SimulatedClock, answer: SinkAnswer): Promise<ConsumerWorld> {
  const fixture = fixtureOf(Array.from({ length: records }, (_, index) => rowOf(index + 1)));
  const world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  const poison = new Set(poisoned.map(spotOf));
  world.api.fault = ({ payload }) => (poison.has(String(payload['spot_id'])) ? answer : undefined);
  world.successors.push({ message: fixture.message, delaySeconds: 0 });
  for (let next = world.successors.shift(); next; next = world.successors.shift()) {
    await clock.advance(next.delaySeconds * 1000);
    await clock.run(deliverBatch(next.message, world.ports, deadlineOf(clock)));
  }
  return world;
}

describe.each(answers)('records answered %s each time', (reason, outcome, answer) => {
  it('go to the DLQ for that, and return to it when they are redriven, without affecting the breaker', async () => {
    const clock = new SimulatedClock();
    const world = await deliverAll(clock, answer);
    expect(world.api.stored.size).toBe(records - poisoned.length);
    expect(world.letters.map(({ record }) => record).sort((a, b) => a - b)).toEqual(poisoned);
    expect(new Set(world.letters.map((letter) => `${letter.outcome} ${letter.reason}`))).toEqual(
      new Set([`${outcome} ${reason}`]),
    );

    // Another environment, which has seen nothing of them.
    const ports = { ...world.ports, run: new FailureRun(), inTurn: <T>(work: () => Promise<T>) => work() };
    const before = world.api.requests.length;
    for (const [index, letter] of world.letters.entries()) {
      const receive = (sentAt: number, receives: number): Promise<LetterEnd> =>
        clock.run(handleLetter(letter, { id: `m${index}`, sentAt, receives }, ports, deadlineOf(clock)));
      expect(await receive(100, 1)).toEqual({ kind: 'back', visibleAfterSeconds: 0 });
      for (const receives of [1, 2, 3]) expect(await receive(200, receives)).toMatchObject({ kind: 'back' });
      expect(await world.ledger.getDead(letter.file_id, letter.record)).toMatchObject({ state: 'dead', outcome });
      const { history = [] } = (await world.ledger.getDead(letter.file_id, letter.record)) ?? {};
      expect(new Set(history.map((each) => each.reason))).toEqual(new Set([reason]));
    }
    expect(world.sentBack).toEqual([]);
    expect(world.events.filter(({ type }) => type === 'breaker opened')).toEqual([]);
    expect(world.limiter.item.breaker ?? 'closed').toBe('closed');
    // At most seven for each of three receives: three 429s in a row show that they are the record's own.
    expect(world.api.requests.length - before).toBeLessThanOrEqual(7 * 3 * poisoned.length);
  });
});
