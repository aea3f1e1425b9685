import type { FeedFixture } from './feed-fixture.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { ConsumerPorts } from '../../lambdas/consumer/consumer-ports.ts';
import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import { FailureRun } from '../../lambdas/core/limiter/breaker.ts';
import { SendRate } from '../../lambdas/core/limiter/send-rate.ts';
import { KnownFiles } from '../../lambdas/consumer/known-files.ts';
import type { RateLimit } from '../../lambdas/core/limiter/limiter.ts';
import type { BatchMessage, CorrectionMessage, FinalizeMessage, Letter } from '../../lambdas/messages.ts';
import type { AuditLog, Clock, LimiterStore, MetricName, Sink, SinkAnswer, SinkRequest } from '../../lambdas/ports.ts';
import type { Waiting } from '../../lambdas/runtime/put-back.ts';
import { InMemoryLimiterStore } from './in-memory-limiter-store.ts';
import type { ReadRequest } from './sink-request.ts';
import { readRequest } from './sink-request.ts';

/** A log that writes nothing: log text is not a contract. */
export const silentLog: AuditLog = { debug() {}, info() {}, warn() {}, error() {} };

/** An API that stores what it receives, and fails as configured. */
export class InMemoryApi implements Sink {
  readonly stored = new Map<string, Record<string, unknown>>();
  readonly requests: { requestId: string; at: number }[] = [];
  latencyMs = 20;
  /** Asked before each request; an answer other than undefined is given instead of storing. */
  fault: (request: ReadRequest, nth: number) => SinkAnswer | 'store-and-fail' | undefined = () => undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async deliver(sent: SinkRequest): Promise<SinkAnswer> {
    const request = readRequest(sent);
    this.requests.push({ requestId: request.requestId, at: this.#clock.now() });
    const fault = this.fault(request, this.requests.length);
    await this.#clock.sleep(this.latencyMs);
    if (fault && fault !== 'store-and-fail') return fault;
    const isNew = !this.stored.has(request.requestId);
    if (isNew) this.stored.set(request.requestId, request.payload);
    if (fault === 'store-and-fail') return { kind: 'failed', status: null, reason: 'econnreset', ambiguous: true };
    return isNew ? { kind: 'uploaded', status: 201 } : { kind: 'duplicate', status: 409 };
  }
}

/** Delays without chance in them. */
export function waitingOn(clock: Pick<Clock, 'now'>, metrics: Waiting['metrics'] = noMetrics): Waiting {
  return { times: { firstSeconds: 30, longestSeconds: 900 }, clock, random: () => 0, metrics };
}

const noMetrics: Waiting['metrics'] = { add() {}, flush() {} };

/** For a finalizer whose notices are not tested. */
export const unheardNotices = {
  mails: { askForMail: async () => undefined },
  nights: { askForNight: async () => undefined },
  metrics: noMetrics,
};

export interface ConsumerWorld {
  ports: ConsumerPorts;
  ledger: MemoryLedger;
  /** The item that the limiter works on. */
  limiter: InMemoryLimiterStore;
  events: { type: string; detail: Record<string, unknown> }[];
  api: InMemoryApi;
  successors: { message: BatchMessage; delaySeconds: number }[];
  letters: Letter[];
  sentBack: { letter: Letter | CorrectionMessage; delaySeconds: number }[];
  finalize: { message: FinalizeMessage; delaySeconds: number }[];
  receipts: Map<string, Buffer>;
  payloads: Map<string, Buffer>;
  metrics: { name: MetricName; value: number }[];
}

/** Everything a consumer works with, in memory. @param connect what the limiter reaches its item through */
export function consumerWorld(
  clock: SimulatedClock,
  fixture: FeedFixture,
  limit: RateLimit = { requests: 600, windowSeconds: 60 },
  connect = (store: LimiterStore) => store,
): ConsumerWorld {
  const ledger = openMemoryLedger(clock);
  const limiter = new InMemoryLimiterStore();
  const api = new InMemoryApi(clock);
  const world = {
    ledger,
    limiter,
    events: [],
    api,
    successors: [],
    letters: [],
    sentBack: [],
    finalize: [],
    receipts: new Map(),
    payloads: new Map(),
    metrics: [],
  } as Omit<ConsumerWorld, 'ports'>;
  let ids = 0;
  const ports: ConsumerPorts = {
    feed: fixture.feed,
    api: 'api.example',
    limit,
    connections: 5,
    ledger,
    limiter: new SharedLimiter({
      store: connect(limiter),
      clock,
      limit,
      feed: fixture.feed.name,
      newId: () => `probe-${++ids}`,
      random: () => 0.5,
      correctionMs: () => 0,
    }),
    events: { publish: async (type, detail) => void world.events.push({ type, detail }) },
    sink: api,
    tokens: { token: async () => 'token', refresh: async () => 'token' },
    batches: {
      sendBatches: () => Promise.reject(new Error('a consumer sends no first attempts')),
      sendSuccessor: async (message, delaySeconds) => void world.successors.push({ message, delaySeconds }),
    },
    letters: {
      sendLetters: async (letters) => void world.letters.push(...letters),
      sendBack: async (letter, delaySeconds) => void world.sentBack.push({ letter, delaySeconds }),
    },
    finalize: { send: async (message, delaySeconds) => void world.finalize.push({ message, delaySeconds }) },
    receipts: {
      putReceipts: async (key, bytes) => void world.receipts.set(key, bytes),
      getReceipts: async (key) => world.receipts.get(key) ?? Buffer.alloc(0),
    },
    payloads: {
      putPayload: async (key, bytes) => void world.payloads.set(key, bytes),
      getPayload: async (key) => world.payloads.get(key),
    },
    clock,
    log: silentLog,
    metrics: { add: (name, value) => void world.metrics.push({ name, value }), flush: () => undefined },
    run: new FailureRun(),
    rate: new SendRate(),
    files: new KnownFiles(),
    newId: () => `id-${++ids}`,
    random: () => 0.5,
  };
  return { ...world, ports };
}
