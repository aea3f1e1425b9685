import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import { SlotPacer } from '../../lambdas/consumer/slot-pacer.ts';
import type { RateLimit } from '../../lambdas/core/limiter/limiter.ts';
import { jitterMarginMs, slotSpacingMs } from '../../lambdas/core/limiter/limiter.ts';
import { ClockSkew } from '../../lambdas/core/limiter/clock-skew.ts';
import type { Clock, Limiter, LimiterStore } from '../../lambdas/ports.ts';
import { FaultDice } from '../../localstack/fake-avstar/faults.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { UnreliableLimiterStore } from './unreliable-limiter-store.ts';
import type { StoreFaults } from './unreliable-limiter-store.ts';

/** From and to: evenly spread between. Milliseconds. */
export type Spread = [number, number];

export interface Scenario {
  limit: RateLimit;
  consumers: number;
  /** Of each consumer. */
  connections?: number;
  /** How long a request is on its way to the API, and how long the API takes from there to the answer's arrival. */
  wayMs?: Spread;
  answerMs?: Spread;
  /** What each consumer's clock is ahead of the true time. */
  skewMs?: (consumer: number, random: () => number) => number;
  store?: Partial<StoreFaults>;
  /** Consumers that are killed with the slots in hand, others in their places, over all of the time. */
  deaths?: number;
  /** Windows before the steady state, and of it. */
  warmUp?: number;
  windows?: number;
  seed?: number;
}

export interface SimulationResult {
  /** Requests that were sent and windows that were looked at: one from each request on. */
  requests: number;
  /** The most requests in any window. */
  most: number;
  /** The share of the limit that was used in the steady state. */
  use: number;
  /** The same with the slots that went down with a dead consumer or a lost answer. */
  useWithLost: number;
  /** Fewest and most requests of a consumer that was there all the time, and its longest wait. */
  fewest: number;
  mostOfOne: number;
  longestWaitMs: number;
  missed: number;
  storeCallsASecond: number;
}

interface Consumer {
  abort: AbortController;
  clock: Clock;
  store: LimiterStore;
  limiter: Limiter;
  pacer: SlotPacer;
  leased: number;
  sent: number;
  sentAt: number;
  longestWaitMs: number;
}

/** The real limiter and pacer, many times, before an API that only writes down when requests arrive. */
export class LimiterSimulation {
  readonly #scenario: Required<Omit<Scenario, 'store'>>;
  readonly #clock = new SimulatedClock(undefined, 1);
  readonly #dice: FaultDice;
  readonly #store: UnreliableLimiterStore;
  readonly #arrivals: number[] = [];
  readonly #consumers: Consumer[] = [];
  readonly #dead: Consumer[] = [];
  readonly #startMs: number;
  readonly #endMs: number;
  #ids = 0;

  constructor(scenario: Scenario) {
    this.#scenario = {
      connections: 1,
      wayMs: [5, 5],
      answerMs: [15, 45],
      skewMs: () => 0,
      deaths: 0,
      warmUp: 1,
      windows: 3,
      seed: 1,
      ...scenario,
    };
    const { seed, warmUp, windows, limit } = this.#scenario;
    this.#dice = new FaultDice(seed);
    this.#startMs = this.#clock.now();
    this.#endMs = this.#startMs + (warmUp + windows) * limit.windowSeconds * 1000;
    this.#store = new UnreliableLimiterStore(this.#clock, this.#random, slotSpacingMs(limit), scenario.store ?? {});
  }

  async run(): Promise<SimulationResult> {
    const { consumers, deaths } = this.#scenario;
    const works: Promise<unknown>[] = [];
    const employ = (place: number) => {
      const consumer = this.#createConsumer(place);
      this.#consumers[place] = consumer;
      works.push(this.#work(consumer));
    };
    for (let place = 0; place < consumers; place++) employ(place);
    works.push(
      ...Array.from({ length: deaths }, async () => {
        await this.#clock.sleep(this.#between([0, this.#endMs - this.#startMs]));
        const place = Math.floor(this.#random() * consumers);
        const consumer = this.#consumers[place] as Consumer;
        this.#dead.push(consumer);
        consumer.abort.abort();
        employ(place);
      }),
    );
    await this.#clock.run(this.#clock.sleep(this.#endMs - this.#startMs));
    for (const consumer of this.#consumers) this.#noteWait(consumer);
    const result = this.#result();
    for (const { abort } of this.#consumers) abort.abort();
    await this.#clock.run(Promise.all(works));
    return result;
  }

  #createConsumer(place: number): Consumer {
    const { limit, connections, skewMs } = this.#scenario;
    const skew = skewMs(place, this.#random);
    // Whoever dies notices it when the time comes: a thousand signals take their time.
    const clock: Clock = { now: () => this.#clock.now() + skew, sleep: (ms) => this.#clock.sleep(ms) };
    const gauge = new ClockSkew(jitterMarginMs(limit));
    const store = this.#store.connect((dateMs, ...times) => {
      const [sentAt, answeredAt] = times.map((time) => time + skew) as [number, number];
      gauge.observe(dateMs, sentAt, answeredAt);
    });
    const limiter = new SharedLimiter({
      store,
      clock,
      limit,
      newId: () => `probe-${++this.#ids}`,
      random: this.#random,
      correctionMs: () => gauge.correctionMs(),
    });
    const abort = new AbortController();
    const lease = limiter.leaseSlots.bind(limiter);
    limiter.leaseSlots = async (count, waitedMs) => {
      const answer = await lease(count, waitedMs);
      if (answer.kind === 'leased') consumer.leased += answer.count;
      return answer;
    };
    const pacer = new SlotPacer({
      limiter,
      clock,
      connections,
      spacingMs: slotSpacingMs(limit),
      marginMs: jitterMarginMs(limit),
      windowMs: limit.windowSeconds * 1000,
      demand: () => 1_000,
      onWait: () => undefined,
      deadline: { isDrawingIn: () => false },
      signal: abort.signal,
    });
    const now = this.#clock.now();
    const consumer: Consumer = {
      abort,
      clock,
      store,
      limiter,
      pacer,
      leased: 0,
      sent: 0,
      sentAt: now,
      longestWaitMs: 0,
    };
    return consumer;
  }

  async #work(consumer: Consumer): Promise<void> {
    const { connections } = this.#scenario;
    // Not all at the same instant. Before it sends anything, a consumer has called the table more than once.
    await this.#clock.sleep(this.#between([0, 50]));
    for (let call = 0; call < 2; call++) await consumer.store.read().catch(() => undefined);
    await Promise.all(Array.from({ length: connections }, () => this.#connection(consumer)));
  }

  async #connection(consumer: Consumer): Promise<void> {
    const { wayMs, answerMs } = this.#scenario;
    for (;;) {
      const turn = await consumer.pacer.next();
      if (turn.kind !== 'go') return;
      const sentAt = consumer.clock.now();
      consumer.sent++;
      this.#noteWait(consumer);
      const way = this.#between(wayMs);
      this.#arrivals.push(this.#clock.now() + way);
      await this.#clock.sleep(way + this.#between(answerMs));
      consumer.pacer.answered(turn, sentAt);
      consumer.limiter.noteSuccess();
    }
  }

  #noteWait(consumer: Consumer): void {
    const now = this.#clock.now();
    consumer.longestWaitMs = Math.max(consumer.longestWaitMs, now - consumer.sentAt);
    consumer.sentAt = now;
  }

  #result(): SimulationResult {
    const { limit, windows } = this.#scenario;
    const windowMs = limit.windowSeconds * 1000;
    const steadyFrom = this.#endMs - windows * windowMs;
    const arrivals = this.#arrivals.toSorted((a, b) => a - b);
    const steady = arrivals.filter((at) => at >= steadyFrom && at < this.#endMs).length;
    const lost = this.#dead.reduce((sum, { leased, sent }) => sum + leased - sent, 0) + this.#store.lostSlots;
    const veterans = this.#consumers.filter(({ abort }) => !abort.signal.aborted);
    return {
      requests: arrivals.length,
      most: mostInAWindow(arrivals, windowMs),
      use: steady / (limit.requests * windows),
      useWithLost: (steady + lost) / (limit.requests * windows),
      fewest: Math.min(...veterans.map(({ sent }) => sent)),
      mostOfOne: Math.max(...veterans.map(({ sent }) => sent)),
      longestWaitMs: Math.max(...veterans.map(({ longestWaitMs }) => longestWaitMs)),
      missed: this.#consumers.reduce((sum, { pacer }) => sum + pacer.missed, 0),
      storeCallsASecond: (this.#store.calls / (this.#endMs - this.#startMs)) * 1000,
    };
  }

  #between([from, to]: Spread): number {
    return from + (to - from) * this.#random();
  }

  readonly #random = (): number => this.#dice.next();
}

/** Of windows that begin with each request. Half-open: what comes a whole window later is in the next. */
export function mostInAWindow(sorted: number[], windowMs: number): number {
  let [first, most] = [0, 0];
  sorted.forEach((at, index) => {
    while (at - (sorted[first] as number) >= windowMs - 1e-6) first++;
    most = Math.max(most, index - first + 1);
  });
  return most;
}
