import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Context, SQSEvent } from 'aws-lambda';
import { expect, it, vi } from 'vitest';
import { HttpSink } from '../../../lambdas/adapters/http-sink.ts';
import { systemClock } from '../../../lambdas/adapters/system-clock.ts';
import type { ConsumerDeps } from '../../../lambdas/consumer/handler.ts';
import { createConsumerHandler } from '../../../lambdas/consumer/handler.ts';
import { SharedLimiter } from '../../../lambdas/consumer/shared-limiter.ts';
import { Shutdown } from '../../../lambdas/runtime/shutdown.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld, silentLog, waitingOn } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

/** A consumer whose invocations have no messages. */
function idleConsumer(changed: (ports: ConsumerWorld['ports']) => Partial<ConsumerDeps>) {
  const clock = new SimulatedClock();
  const { ports, metrics } = consumerWorld(clock, fixtureOf([]));
  const inFlight = { changeVisibility: () => Promise.resolve(), putBack: () => Promise.resolve() };
  const handler = createConsumerHandler({
    ...ports,
    shutdown: new Shutdown(() => undefined),
    letterSink: ports.sink,
    lettersQueueArn: 'letters',
    batchMessages: inFlight,
    letterMessages: inFlight,
    waiting: waitingOn(clock),
    skew: { correctionMs: () => 0 },
    ...changed(ports),
  });
  const event: SQSEvent = { Records: [] };
  return { metrics, invoke: () => handler(event, { getRemainingTimeInMillis: () => 900_000 } as Context) };
}

/** An invocation's warnings if the clock needs that correction. */
async function warningsAt(correctionMs: number): Promise<unknown[]> {
  const warnings: unknown[] = [];
  const { metrics, invoke } = idleConsumer((ports) => ({
    // Written once for the whole invocation, by runtime/report-memory.ts.
    metrics: { ...ports.metrics, flush: () => void warnings.push('metrics are written early') },
    log: { ...silentLog, warn: (_, fields) => void warnings.push(fields) },
    skew: { correctionMs: () => correctionMs },
  }));
  await invoke();
  return [...warnings, ...metrics.filter(({ name }) => name === 'ClockSkew')];
}

it('closes its connections before a shutdown ends the process, which would lose its answer and metrics', async () => {
  vi.useFakeTimers();
  try {
    const exit = vi.fn();
    const shutdown = new Shutdown(exit);
    const closing = Promise.withResolvers<void>();
    const { invoke } = idleConsumer(({ sink }) => ({
      shutdown,
      sink: { deliver: (...request) => sink.deliver(...request), close: () => closing.promise },
    }));
    const answer = invoke();
    shutdown.request();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(exit).not.toHaveBeenCalled();
    closing.resolve();
    expect(await answer).toEqual({ batchItemFailures: [] });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(exit).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});

it('reports a wrong clock once per invocation, with its error', async () => {
  expect(await warningsAt(-1_234)).toEqual([{ skew_ms: 1_234 }, { name: 'ClockSkew', value: 1_234 }]);
  expect(await warningsAt(0)).toEqual([]);
});

it('keeps no connection to the API after an invocation, so that frozen environments use none of its limit', async () => {
  const open = new Set<Socket>();
  let most = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{}'));
  });
  server.on('connection', (socket) => {
    most = Math.max(most, open.add(socket).size);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fixture = fixtureOf(Array.from({ length: 30 }, (_, index) => rowOf(index)));
  const limit = { requests: 3_000, windowSeconds: 1 };
  const world = consumerWorld(new SimulatedClock(), fixture, limit);
  await putSplitFile(world.ledger, fixture);
  const sinkWith = (connections: number) =>
    new HttpSink({ baseUrl, path: '/ingest', connections, tokens: world.ports.tokens, clock: systemClock });
  const inFlight = { changeVisibility: () => Promise.resolve(), putBack: () => Promise.resolve() };
  const store = world.limiter;
  const own = { store, clock: systemClock, limit, newId: randomUUID, random: () => 0, correctionMs: () => 0 };
  const handler = createConsumerHandler({
    ...world.ports,
    limiter: new SharedLimiter({ ...own, feed: world.ports.feed.name }),
    limit,
    clock: systemClock,
    shutdown: new Shutdown(() => undefined),
    connections: 3,
    sink: sinkWith(3),
    letterSink: sinkWith(1),
    lettersQueueArn: 'letters',
    batchMessages: inFlight,
    letterMessages: inFlight,
    skew: { correctionMs: () => 0 },
    waiting: waitingOn(systemClock),
  });
  const attributes = { ApproximateReceiveCount: '1', SentTimestamp: String(systemClock.now()) };
  const record = { messageId: 'm', body: JSON.stringify(fixture.message), attributes, eventSourceARN: 'records' };
  const event = { Records: [record] } as unknown as SQSEvent;
  await handler(event, { getRemainingTimeInMillis: () => 900_000 } as Context);
  expect(world.ledger.batches.get(`${fixture.fileId}#1`)?.counts?.uploaded).toBe(30);
  expect(most).toBe(3);
  // The server's end of a connection closes a moment after ours.
  await expect.poll(() => open.size).toBe(0);
  await new Promise((resolve) => server.close(resolve));
});
