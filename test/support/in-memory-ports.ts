import type { FeedFixture } from './feed-fixture.ts';
import { InMemoryLedger } from './in-memory-ledger.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import { breakerPauseMs, FailureRun, probeLeaseMs } from '../../lambdas/core/breaker.ts';
import type { BreakerReason } from '../../lambdas/core/breaker.ts';
import type { RateLimit } from '../../lambdas/core/limiter.ts';
import { maxLeaseAheadMs, slotSpacingMs } from '../../lambdas/core/limiter.ts';
import type { ConsumerPorts } from '../../lambdas/consumer/deliver-batch.ts';
import type { BatchMessage, FinalizeMessage, Letter } from '../../lambdas/messages.ts';
import type { AuditLog, Limiter, Sink, SinkAnswer, SinkRequest, SlotLease } from '../../lambdas/ports.ts';

/** A log that keeps quiet; what is logged is nobody's contract. */
export const silentLog: AuditLog = { debug() {}, info() {}, warn() {}, error() {} };

/** The limiter's line, in memory. */
export class InMemoryLimiter implements Limiter {
  tat = 0;
  breaker: 'closed' | 'open' = 'closed';
  openUntil = 0;
  failedProbes = 0;
  #probeUntil = 0;
  readonly opened: BreakerReason[] = [];
  readonly #clock: SimulatedClock;
  readonly #spacingMs: number;

  constructor(clock: SimulatedClock, limit: RateLimit) {
    this.#clock = clock;
    this.#spacingMs = slotSpacingMs(limit);
  }

  async leaseSlots(count: number): Promise<SlotLease> {
    const now = this.#clock.now();
    if (this.breaker === 'open') {
      const freeAt = Math.max(this.openUntil, this.#probeUntil, this.tat);
      if (now < freeAt) return { kind: 'wait', untilMs: freeAt, paused: true };
      this.#probeUntil = now + probeLeaseMs;
      this.tat = now + this.#spacingMs;
      return { kind: 'probe' };
    }
    if (this.tat > now + maxLeaseAheadMs) {
      const paused = this.tat > now + 2 * maxLeaseAheadMs;
      return { kind: 'wait', untilMs: this.tat - maxLeaseAheadMs / 2, paused };
    }
    const firstSlotMs = Math.max(now, this.tat);
    this.tat = firstSlotMs + count * this.#spacingMs;
    return { kind: 'leased', firstSlotMs, spacingMs: this.#spacingMs, count };
  }

  async pauseUntil(timeMs: number): Promise<void> {
    this.tat = Math.max(this.tat, timeMs);
  }

  async shift(ms: number): Promise<void> {
    if (this.tat >= this.#clock.now()) this.tat += ms;
  }

  async openBreaker(reason: BreakerReason): Promise<void> {
    if (this.breaker === 'open') return;
    this.opened.push(reason);
    this.breaker = 'open';
    this.failedProbes = 0;
    this.openUntil = this.#clock.now() + breakerPauseMs;
  }

  async endProbe(success: boolean): Promise<number> {
    this.#probeUntil = 0;
    if (success) {
      this.breaker = 'closed';
      return 0;
    }
    this.openUntil = this.#clock.now() + breakerPauseMs;
    return ++this.failedProbes;
  }
}

/** An API that keeps what it was given, and fails as it is told to. */
export class InMemoryApi implements Sink {
  readonly stored = new Map<string, Record<string, unknown>>();
  readonly requests: { requestId: string; at: number }[] = [];
  latencyMs = 20;
  /** Asked before each request; an answer other than undefined is given instead of storing. */
  fault: (request: SinkRequest, nth: number) => SinkAnswer | 'store-and-fail' | undefined = () => undefined;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  async deliver(request: SinkRequest): Promise<SinkAnswer> {
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

export interface ConsumerWorld {
  ports: ConsumerPorts;
  ledger: InMemoryLedger;
  limiter: InMemoryLimiter;
  api: InMemoryApi;
  successors: { message: BatchMessage; delaySeconds: number }[];
  letters: Letter[];
  sentBack: { letter: Letter; delaySeconds: number }[];
  finalize: { message: FinalizeMessage; delaySeconds: number }[];
  receipts: Map<string, Buffer>;
}

/** Everything a consumer works with, in memory. */
export function consumerWorld(
  clock: SimulatedClock,
  fixture: FeedFixture,
  limit: RateLimit = { requests: 600, windowSeconds: 60 },
): ConsumerWorld {
  const ledger = new InMemoryLedger(clock);
  const limiter = new InMemoryLimiter(clock, limit);
  const api = new InMemoryApi(clock);
  const world = {
    ledger,
    limiter,
    api,
    successors: [],
    letters: [],
    sentBack: [],
    finalize: [],
    receipts: new Map(),
  } as Omit<ConsumerWorld, 'ports'>;
  let ids = 0;
  const ports: ConsumerPorts = {
    feed: fixture.feed,
    limit,
    connections: 5,
    ledger,
    limiter,
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
    clock,
    log: silentLog,
    run: new FailureRun(),
    newId: () => `id-${++ids}`,
    random: () => 0.5,
  };
  return { ...world, ports };
}
