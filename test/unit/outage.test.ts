import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { createConsumerHandler } from '../../lambdas/consumer/handler.ts';
import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import { AwsFaultError } from '../../lambdas/core/errors.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { createFinalizerHandler } from '../../lambdas/finalizer/handler.ts';
import type { InFlightMessages } from '../../lambdas/ports.ts';
import { requeueStalled } from '../../lambdas/reconciler/requeue-stalled.ts';
import { Shutdown } from '../../lambdas/runtime/shutdown.ts';
import { createSplitterHandler } from '../../lambdas/splitter/handler.ts';
import { InMemoryLimiterStore } from '../support/in-memory-limiter-store.ts';
import { fixtureOf, rowOf } from '../support/feed-fixture.ts';
import { InMemorySqs } from '../support/in-memory-sqs.ts';
import { consumerWorld, silentLog, waitingOn, unheardNotices } from '../support/in-memory-ports.ts';
import { inMemoryArchive, partsInMemory } from '../support/in-memory-archive.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { splitterWorld } from '../support/splitter-world.ts';

const minutes = 60_000;
const outageMs = 10 * minutes;
/** What waits comes back within a quarter of an hour; a letter is tried again within a minute, and so on. */
const patienceMs = 2 * 60 * minutes;

const queues = ['intake', 'records', 'letters', 'finalize'] as const;
/** Of each service: its ports by the names below. */
const services: Record<string, readonly string[]> = {
  dynamodb: ['ledger', 'limiter'],
  s3: ['sources', 'receipts', 'archive'],
  kms: ['signer'],
  sns: ['desk'],
  events: ['events'],
  sending: ['batches', 'letters', 'intake', 'finalize', 'visibility'],
};
/** These give an iterable and no promise. */
const iterables = ['ledger.listBatches', 'ledger.listDead', 'ledger.eachFile', 'ledger.eachFileId', 'sources.read'];

interface Outage {
  /** `ledger.claimBatch`, or a whole service. */
  of: string;
  /** It begins with that call, counted from 1 over all affected calls. */
  from: number;
}

/** No work is stalled in it that this would have to queue. */
const lane = {
  feed: 'traffic',
  lane: 'main',
  intake: { send: () => Promise.reject(new Error('the splitter had stalled')) },
  records: { messages: async () => 0 },
};

/** Splitter, consumer and finalizer at their queues, and AWS behind them, which fails for ten minutes. */
class World {
  readonly clock = new SimulatedClock();
  readonly calls = new Map<string, number>();
  readonly sqs = new InMemorySqs(this.clock, { intake: 5, records: 5, letters: 3, finalize: 5 });
  readonly objects = new Map<string, Buffer>();
  readonly consumer;
  /** Requests for letters. */
  letterRequests = 0;
  outage: Outage | undefined;
  #downUntil = 0;
  readonly #splitter;
  readonly #handlers: Record<(typeof queues)[number], (event: SQSEvent) => Promise<SQSBatchResponse>>;
  /** What was logged as an error: shown if a run fails. */
  readonly errors: unknown[] = [];

  constructor(rows: (Record<string, unknown> | string)[], outage?: Outage) {
    this.outage = outage;
    const { clock, sqs, objects } = this;
    const fixture = fixtureOf(rows);
    const bytes = Buffer.from(`${fixture.message.body}\n`);
    this.#splitter = splitterWorld(clock, bytes);
    this.#splitter.source.key = 'traffic/log.jsonl';
    this.consumer = consumerWorld(clock, fixture);
    const { ports, ledger } = this.consumer;
    const limit = { requests: 600, windowSeconds: 60 };
    const store = this.#failing('limiter', this.consumer.limiter);
    let ids = 0;
    const newId = () => `id${++ids}`;
    const metrics = { add: () => undefined, flush: () => undefined };
    const receipts = this.#failing('receipts', ports.receipts);
    const shared = {
      shutdown: new Shutdown(() => undefined),
      log: { ...silentLog, error: (text: string, more = {}) => void this.errors.push(text, more) },
      waiting: waitingOn(clock, metrics),
      ledger: this.#failing('ledger', ledger),
      finalize: this.#failing('finalize', { send: async (m: unknown, s: number) => sqs.send('finalize', m, s) }),
      clock,
    };
    const inFlight = (queue: string): InFlightMessages => {
      const messages = sqs.inFlight(queue);
      // Putting back works, or else the message waits in its queue: test/unit/runtime/partial-batch.test.ts.
      return { ...this.#failing('visibility', messages), putBack: (...all) => messages.putBack(...all) };
    };
    const batches = this.#failing('batches', {
      sendBatches: async (all: object[]) => all.forEach((message) => sqs.send('records', message)),
      sendSuccessor: async (message: object, seconds: number) => sqs.send('records', message, seconds),
    });
    const context = () => {
      const end = clock.now() + 900_000;
      return { getRemainingTimeInMillis: () => end - clock.now() } as Context;
    };
    const splitter = createSplitterHandler({
      ...this.#splitter.ports,
      ...shared,
      sources: this.#failing('sources', this.#splitter.ports.sources),
      batches,
      intake: this.#failing('intake', { send: async (message: unknown, s: number) => sqs.send('intake', message, s) }),
      lane: 'main',
      limits: { maxBatchRecords: 4, maxBatchBytes: 4_000, maxRecordBytes: 2_000 },
      inFlight: inFlight('intake'),
    });
    const consumer = createConsumerHandler({
      ...ports,
      ...shared,
      receipts,
      batches,
      letters: this.#failing('letters', {
        sendLetters: async (all: object[]) => all.forEach((letter) => sqs.send('letters', letter)),
        sendBack: async (letter: object, seconds: number) => sqs.send('letters', letter, seconds),
      }),
      limiter: new SharedLimiter({
        store,
        clock,
        limit,
        feed: ports.feed.name,
        newId,
        random: () => 0.5,
        correctionMs: () => 0,
      }),
      limit,
      newId,
      letterSink: {
        deliver: (request, signal) => {
          this.letterRequests++;
          return ports.sink.deliver(request, signal);
        },
      },
      lettersQueueArn: 'letters',
      batchMessages: inFlight('records'),
      letterMessages: inFlight('letters'),
      skew: { correctionMs: () => 0 },
    });
    const archive = {
      ...inMemoryArchive(objects),
      copySource: async (_: unknown, key: string) => (objects.set(key, bytes), { key }),
    };
    const finalizer = createFinalizerHandler({
      ...shared,
      receipts,
      archive: this.#failing('archive', archive),
      archiveBucket: 'archive',
      ...partsInMemory(objects),
      reported: () => undefined,
      feedDecisions: async () => [],
      signer: this.#failing('signer', {
        publicKey: async () => ({ arn: 'arn', pem: 'pem', sha256: '0f'.repeat(32) }),
        sign: async () => Buffer.from('signature'),
      }),
      desk: this.#failing('desk', { tell: async () => undefined, notify: async () => undefined }),
      ...unheardNotices,
      events: this.#failing('events', { publish: async () => undefined }),
      inFlight: inFlight('finalize'),
      version: '1.2.3',
      stackName: 'station',
    });
    this.#handlers = {
      // These wait for zlib and WebAssembly, which the simulated clock can't.
      intake: (event) => splitter(event, context()),
      finalize: (event) => finalizer(event, context()),
      records: (event) => clock.run(consumer(event, context())),
      letters: (event) => clock.run(consumer(event, context())),
    };
  }

  /** As S3 announces it. */
  announce(): void {
    const { bucket, key, etag, sizeBytes } = this.#splitter.source;
    const object = { key, size: sizeBytes, eTag: etag };
    const s3 = { bucket: { name: bucket }, object };
    this.sqs.send('intake', { Records: [{ eventName: 'ObjectCreated:Put', s3 }] });
  }

  /** Handles message after message until every queue is empty. @throws if that takes too long */
  async settle(): Promise<void> {
    const end = this.clock.now() + patienceMs;
    for (let next = this.sqs.next(queues); next; next = this.sqs.next(queues)) {
      await this.clock.advance(Math.max(50, next.at - this.clock.now()));
      if (this.clock.now() > end) throw new Error(`A message is still in the queue ${next.queue}.`);
      const { queue } = next as { queue: (typeof queues)[number] };
      await this.sqs.handOne(queue, (event) => this.#handlers[queue](event));
    }
  }

  /** What the reconciler does for work that has not changed for half an hour. */
  async reconcile(): Promise<void> {
    const stalledAfterMs = 30 * minutes;
    await this.clock.advance(stalledAfterMs + 1);
    const { ledger } = this.consumer;
    const send = async (message: unknown, seconds: number) => this.sqs.send('finalize', message, seconds);
    const metricsOf = () => ({ add: () => undefined, flush: () => undefined });
    await requeueStalled({
      ledger,
      feed: { api: 'api' },
      limiterOf: () => new InMemoryLimiterStore(),
      lanes: [lane],
      finalize: { send },
      clock: this.clock,
      log: silentLog,
      stalledAfterMs,
      metricsOf,
    });
    await this.settle();
  }

  /** The newest manifest. */
  manifest(): Manifest {
    const [file] = [...this.consumer.ledger.files.values()];
    return JSON.parse(this.objects.get(file?.manifest?.key ?? '')?.toString() ?? 'null') as Manifest;
  }

  #failing<T extends object>(name: string, port: T): T {
    return new Proxy(port, {
      get: (target, method) => {
        const value = Reflect.get(target, method) as unknown;
        if (typeof value !== 'function') return value;
        const call = `${name}.${String(method)}`;
        const isDown = () => this.#isDown(name, call);
        return (...parameters: unknown[]) => {
          if (!isDown()) return (value as (...all: unknown[]) => unknown).apply(target, parameters);
          const error = new AwsFaultError('InternalServerError', `${call} failed`);
          if (!iterables.includes(call)) return Promise.reject(error);
          // eslint-disable-next-line require-yield
          return (async function* () {
            throw error;
          })();
        };
      },
    });
  }

  #isDown(name: string, call: string): boolean {
    for (const each of [call, ...Object.keys(services).filter((service) => services[service]?.includes(name))]) {
      const count = (this.calls.get(each) ?? 0) + 1;
      this.calls.set(each, count);
      if (this.outage?.of !== each) continue;
      if (count === this.outage.from) this.#downUntil = this.clock.now() + outageMs;
      if (count >= this.outage.from && this.clock.now() < this.#downUntil) return true;
    }
    return false;
  }
}

/** Seven valid rows, one that the API refuses, two that are not records. */
const rows = [
  ...Array.from({ length: 8 }, (_, index) => rowOf(index + 1)),
  { ...rowOf(9), Duration: '30s' },
  '{"broken',
];
const refused = 'SP-000003';

/** A file from its announcement to its account, and its dead letters from their redrive to the amended one. */
async function runThrough(outage?: Outage): Promise<World> {
  const world = new World(rows, outage);
  const { api, ledger } = world.consumer;
  api.fault = ({ payload }) =>
    payload['spot_id'] === refused ? { kind: 'refused', status: 422, answer: 'no contract' } : undefined;
  world.announce();
  await world.settle();
  for (const queue of ['intake', 'records', 'finalize']) expect(world.sqs.deadOf(queue), queue).toEqual([]);
  expect([...ledger.batches.values()].map(({ state, buried }) => [state, buried])).toEqual(
    Array(3).fill(['settled', false]),
  );
  const account = { total_records: 10, rejected_records: 2, reconciled: true, duplicate_records: 0 };
  expect(world.manifest()).toMatchObject({ ...account, uploaded_records: 7, refused_records: 1, exhausted_records: 0 });

  // A letter that waited on its way to the DLQ was not treated as a redriven one.
  expect(world.letterRequests).toBe(0);
  api.fault = () => undefined;
  await world.clock.advance(minutes);
  world.sqs.redrive('letters');
  await world.settle();
  await world.reconcile();
  for (const queue of ['intake', 'records', 'finalize']) expect(world.sqs.deadOf(queue), queue).toEqual([]);
  expect(world.manifest()).toMatchObject({ ...account, uploaded_records: 8, refused_records: 0, resolved_records: 1 });
  expect([...ledger.dead.values()].map(({ state }) => state).sort()).toEqual(['dead', 'dead', 'resolved']);
  expect([...api.stored.values()].map((spot) => spot['spot_id']).sort()).toEqual(
    Array.from({ length: 8 }, (_, index) => `SP-${String(index + 1).padStart(6, '0')}`),
  );
  return world;
}

/** Every call that such a run makes, so that none is forgotten here. */
const { calls } = await runThrough();

describe('ten minutes without AWS move no message to a DLQ, and change no record’s outcome, if', () => {
  const single = [...calls].filter(([call]) => call.includes('.')).sort();
  it.each(single.flatMap(([call, times]) => [...new Set([1, 2, times])].map((from) => [call, from] as const)))(
    '%s fails from call %i on',
    async (of, from) => {
      await runThrough({ of, from });
    },
  );

  const whole = [...calls].filter(([call]) => call in services);
  const places = [0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9];
  it.each(whole.flatMap(([name, times]) => places.map((place) => [name, 1 + Math.floor(place * times)] as const)))(
    'all of %s fails from call %i on',
    async (of, from) => {
      await runThrough({ of, from });
    },
  );
});
