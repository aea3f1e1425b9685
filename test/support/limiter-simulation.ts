import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import { SlotPacer } from '../../lambdas/consumer/slot-pacer.ts';
import type { DeployedLimit } from '../../lambdas/core/limiter/limit-policy.ts';
import { limitOf } from '../../lambdas/core/limiter/limit-policy.ts';
import type { PolicyChange, PolicyState } from '../../lambdas/core/limiter/policy-changes.ts';
import { jitterMarginMs, slotSpacingMs } from '../../lambdas/core/limiter/limiter.ts';
import { SendRate } from '../../lambdas/core/limiter/send-rate.ts';
import { ClockSkew } from '../../lambdas/core/limiter/clock-skew.ts';
import type { Clock, Limiter, LimiterStore } from '../../lambdas/ports.ts';
import { FaultDice } from '../../localstack/fake-avstar/faults.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { UnreliableLimiterStore } from './unreliable-limiter-store.ts';
import type { StoreFaults } from './unreliable-limiter-store.ts';

/** From and to: evenly spread between. Milliseconds. */
export type Spread = [number, number];

export interface Scenario {
  limit: DeployedLimit;
  consumers: number;
  /** Their feeds, by turns. */
  feeds?: string[];
  /** What operators decide, each at its time from the start on; refused if another decision comes first. */
  decisions?: { atMs: number; decide: (state: PolicyState, now: number) => PolicyChange }[];
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
  storeCallsASecond: number;
  /** When requests arrived, of each feed, in order. Milliseconds since 1970. */
  arrivals: ReadonlyMap<string, number[]>;
  /** The policies, each from its time on, with the paused feeds. The first is the deployed one. */
  policies: Policy[];
  startMs: number;
  endMs: number;
}

export interface Policy {
  fromMs: number;
  requests: number;
  paused: string[];
}

interface Consumer {
  feed: string;
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
  readonly #arrivals = new Map<string, number[]>();
  readonly #policies: Policy[];
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
      feeds: ['traffic'],
      decisions: [],
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
    this.#policies = [{ fromMs: -Infinity, requests: limit.requests, paused: [] }];
    this.#store.onDecided = (_, item) =>
      this.#policies.push({
        fromMs: this.#clock.now(),
        requests: limitOf(item, limit).requests,
        paused: Object.keys(item.pausedFeeds ?? {}),
      });
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
    works.push(...this.#scenario.decisions.map((each) => this.#decide(each)));
    await this.#clock.run(this.#clock.sleep(this.#endMs - this.#startMs));
    for (const consumer of this.#consumers) this.#noteWait(consumer);
    const result = this.#result();
    for (const { abort } of this.#consumers) abort.abort();
    await this.#clock.run(Promise.all(works));
    return result;
  }

  async #decide({ atMs, decide }: Required<Scenario>['decisions'][number]): Promise<void> {
    await this.#clock.sleep(atMs);
    const store = this.#store.connect(() => undefined);
    const state = { item: await store.read(), inForce: await store.readInForce() };
    await store.decide(decide(state, this.#clock.now()));
  }

  #createConsumer(place: number): Consumer {
    const { limit, connections, skewMs, feeds } = this.#scenario;
    const feed = feeds[place % feeds.length] as string;
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
      feed,
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
      latency: new SendRate().latency,
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
      feed,
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
      // Its messages go back to the queue for that long.
      if (turn.kind === 'paused') {
        await this.#clock.sleep(turn.untilMs - consumer.clock.now());
        continue;
      }
      if (turn.kind !== 'go') return;
      const sentAt = consumer.clock.now();
      consumer.sent++;
      this.#noteWait(consumer);
      const way = this.#between(wayMs);
      const arrivals = this.#arrivals.get(consumer.feed) ?? [];
      this.#arrivals.set(consumer.feed, arrivals);
      arrivals.push(this.#clock.now() + way);
      await this.#clock.sleep(way + this.#between(answerMs));
      consumer.pacer.answered(turn, sentAt, consumer.clock.now());
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
    const arrivals = [...this.#arrivals.values()].flat().sort((a, b) => a - b);
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
      storeCallsASecond: (this.#store.calls / (this.#endMs - this.#startMs)) * 1000,
      arrivals: new Map([...this.#arrivals].map(([feed, times]) => [feed, times.toSorted((a, b) => a - b)])),
      policies: this.#policies,
      startMs: this.#startMs,
      endMs: this.#endMs,
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
