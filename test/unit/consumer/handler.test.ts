import type { Context, SQSEvent } from 'aws-lambda';
import { expect, it } from 'vitest';
import { createConsumerHandler } from '../../../lambdas/consumer/handler.ts';
import { Shutdown } from '../../../lambdas/runtime/shutdown.ts';
import { fixtureOf } from '../../support/feed-fixture.ts';
import { consumerWorld, silentLog, waitingOn } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

/** What an invocation warns of, where the clock needs that correction. */
async function warningsAt(correctionMs: number): Promise<unknown[]> {
  const warnings: unknown[] = [];
  const clock = new SimulatedClock();
  const { ports, metrics } = consumerWorld(clock, fixtureOf([]));
  const inFlight = { changeVisibility: () => Promise.resolve(), putBack: () => Promise.resolve() };
  const handler = createConsumerHandler({
    ...ports,
    shutdown: new Shutdown(() => undefined),
    log: { ...silentLog, warn: (_, fields) => void warnings.push(fields) },
    letterSink: ports.sink,
    lettersQueueArn: 'letters',
    batchMessages: inFlight,
    letterMessages: inFlight,
    waiting: waitingOn(clock),
    skew: { correctionMs: () => correctionMs },
  });
  const event: SQSEvent = { Records: [] };
  await handler(event, { getRemainingTimeInMillis: () => 900_000 } as Context);
  return [...warnings, ...metrics.filter(({ name }) => name === 'ClockSkew')];
}

it('tells a wrong clock once an invocation, by what it is wrong', async () => {
  expect(await warningsAt(-1_234)).toEqual([{ skew_ms: 1_234 }, { name: 'ClockSkew', value: 1_234 }]);
  expect(await warningsAt(0)).toEqual([]);
});
