import { gunzipSync } from 'node:zlib';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import type { ConsumerPorts } from '../../lambdas/consumer/consumer-ports.ts';
import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import { FailureRun } from '../../lambdas/core/limiter/breaker.ts';
import { SendRate } from '../../lambdas/core/limiter/send-rate.ts';
import { KnownFiles } from '../../lambdas/consumer/known-files.ts';
import type { RateLimit } from '../../lambdas/core/limiter/limiter.ts';
import { secondsToWait } from '../../lambdas/core/limiter/turn-of-batch.ts';
import { sumCounts } from '../../lambdas/core/account/outcome.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import type { BatchMessage } from '../../lambdas/messages.ts';
import type { SinkAnswer, SinkRequest } from '../../lambdas/ports.ts';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import { rowOf, fixtureOf, limits } from './feed-fixture.ts';
import { storeWith } from './in-memory-limiter-store.ts';
import type { ConsumerWorld } from './in-memory-ports.ts';
import { consumerWorld } from './in-memory-ports.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** What the API does with a request: takes it (or knows it already), or something else; `lost`: it takes it and no answer comes. */
export type ApiTurn = 'take' | 'lost' | SinkAnswer;

export interface ApiRequest {
  /** Number of the record, from 1 over all files. */
  number: number;
  request: SinkRequest;
  /** Milliseconds since the simulation began. */
  atMs: number;
  random: () => number;
}

export interface DeliveryScenario {
  /** Records of each file; all exist from the beginning. */
  files: number[];
  /** The second file and those after it come so much later. Milliseconds. */
  laterMs?: number;
  /** Between a file's creation and its first batch. Milliseconds. */
  splitMs?: number;
  /** The splitter sends more of a file when the API has taken half of what it takes in this time. Absent: all at once. */
  horizonSeconds?: number;
  batchRecords: number;
  consumers: number;
  connections?: number;
  limit?: RateLimit;
  api?: (request: ApiRequest) => ApiTurn;
  /** Consumers that are killed while they send, over the first minute. */
  kills?: number;
  /** Each invocation is a new process, which remembers nothing. */
  newProcesses?: boolean;
  seed: number;
}

export interface DeliveryResult {
  /** By record number, over all files. */
  receipts: Map<number, Receipt>;
  /** Record numbers that the API has, each with how often it was stored. */
  stored: Map<number, number>;
  requests: number;
  /** When the last record was stored. Milliseconds since the beginning. */
  lastStoredMs: number;
  openings: { reason: unknown; file_id?: unknown; record?: unknown }[];
  letters: ConsumerWorld['letters'];
  /** Files that were stopped. */
  stopped: number;
  /** Time of all invocations together. */
  awakeMs: number;
  /** Batches that were sent back, each time. */
  sentBack: number;
  /** Writes of the limiter's item; saves of progress, and DynamoDB's write units for them. */
  leases: number;
  saves: number;
  saveUnits: number;
}

interface Queued {
  message: BatchMessage;
  atMs: number;
}

/** What is left to be sent of a file. */
interface BatchSending {
  messages: BatchMessage[];
  readyMs: number;
  fileId: string;
}

const latencyMs: [number, number] = [20, 60];
const functionMs = 900_000;
/** Of a batch's item beside its progress. */
const restOfItemBytes = 350;
/** A killed consumer's message is visible again after its lease. Milliseconds. */
const visibleAfterMs = 65_000;

/** Whole consumers, many at once, at a simulated API: what becomes of each record, and when. */
export class DeliverySimulation {
  readonly #scenario: Required<DeliveryScenario>;
  readonly #clock = new SimulatedClock(undefined, 2);
  readonly #dice: SeededDice;
  readonly #world: ConsumerWorld;
  readonly #queue: Queued[] = [];
  readonly #senders: BatchSending[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #firstNumber = new Map<string, number>();
  readonly #fileIds: string[] = [];
  readonly #stored = new Map<number, number>();
  readonly #ids = new Set<string>();
  readonly #workers: { kill: () => void }[] = [];
  readonly #startMs: number;
  #requests = 0;
  #sentBack = 0;
  #calls = { leases: 0, saves: 0, saveUnits: 0 };
  #awakeMs = 0;
  #lastStoredMs = 0;
  #atWork = 0;

  constructor(scenario: DeliveryScenario) {
    this.#scenario = {
      connections: 4,
      limit: { requests: 600, windowSeconds: 60 },
      api: () => 'take',
      kills: 0,
      laterMs: 0,
      splitMs: 0,
      horizonSeconds: Infinity,
      newProcesses: false,
      ...scenario,
    };
    this.#dice = new SeededDice(scenario.seed);
    this.#startMs = this.#clock.now();
    this.#world = consumerWorld(this.#clock, fixtureOf([]), this.#scenario.limit);
  }

  async run(): Promise<DeliveryResult> {
    let first = 1;
    for (const records of this.#scenario.files) {
      await this.#addFile(first, records, first === 1 ? 0 : this.#scenario.laterMs);
      first += records;
    }
    const splitting = this.#senders.map((each) => this.#split(each));
    const workers = Array.from({ length: this.#scenario.consumers }, (_, place) => this.#employ(place));
    const kills = Array.from({ length: this.#scenario.kills }, async () => {
      await this.#clock.sleep(this.#random() * 60_000);
      const place = Math.floor(this.#random() * this.#workers.length);
      this.#workers[place]?.kill();
    });
    await this.#clock.run(Promise.all([...splitting, ...workers, ...kills]));
    return this.#result();
  }

  async #addFile(first: number, records: number, laterMs: number): Promise<void> {
    const { batchRecords, splitMs } = this.#scenario;
    const rows = Array.from({ length: records }, (_, index) => rowOf(first + index));
    const { fileId, sha256, dialect } = fixtureOf(rows);
    const { ledger } = this.#world;
    const source = { bucket: 'intake', key: `traffic/${fileId}.jsonl`, etag: '"e"', sizeBytes: 1 };
    await ledger.claimFile(fileId, { fileId, feed: 'traffic', lane: 'traffic', source, limits }, 'splitter', 1);
    await ledger.saveSplitProgress(fileId, 1, { sha256, dialect, leaseUntil: 0 });
    const batches = Math.ceil(records / batchRecords);
    await ledger.finishSplit(fileId, 1, { records, batches }, []);
    this.#fileIds.push(fileId);
    this.#firstNumber.set(fileId, first);
    let offset = 0;
    const sender: BatchSending = { messages: [], readyMs: this.#clock.now() + splitMs + laterMs, fileId };
    this.#senders.push(sender);
    for (let batch = 1; batch <= batches; batch++) {
      const from = (batch - 1) * batchRecords;
      const slice = fixtureOf(rows.slice(from, from + batchRecords)).message;
      const place = { fileId, batch, offset, firstRecord: from + 1, firstLine: from + 1 };
      sender.messages.push({ ...slice, ...place });
      offset += slice.body.length + 1;
    }
  }

  /** As the splitter does: up to the horizon, and each batch visible shortly before its turn. */
  async #split({ messages, readyMs, fileId }: BatchSending): Promise<void> {
    const { limit, horizonSeconds } = this.#scenario;
    const most = (horizonSeconds * limit.requests) / limit.windowSeconds;
    await this.#clock.sleep(readyMs - this.#clock.now());
    while (messages.length > 0) {
      const file = this.#world.ledger.files.get(fileId);
      if (!file) throw new Error('The file is gone.');
      const settled = sumCounts(file.settled);
      const isDue = (messages[0]?.firstRecord ?? 0) - settled <= most / 2;
      while (isDue && messages.length > 0 && (messages[0]?.firstRecord ?? 0) - settled <= most) {
        const message = messages.shift() as BatchMessage;
        const waitMs = secondsToWait(message, file, limit, this.#clock.now()) * 1000;
        this.#queue.push({ message, atMs: this.#clock.now() + waitMs });
      }
      await this.#clock.sleep(10_000);
    }
  }

  /** A function's environment, with its state between invocations; a kill replaces it. */
  async #employ(place: number): Promise<void> {
    while (!this.#isDone()) {
      const life = { isDead: false, died: () => {} };
      const death = new Promise<'dead'>((resolve) => (life.died = () => resolve('dead')));
      this.#workers[place] = {
        kill: () => {
          life.isDead = true;
          life.died();
        },
      };
      await this.#live(() => this.#portsOf(life), life, death);
    }
  }

  async #live(start: () => ConsumerPorts, life: { isDead: boolean }, death: Promise<'dead'>): Promise<void> {
    let ports = start();
    while (!life.isDead && !this.#isDone()) {
      const next = this.#receive();
      if (!next) {
        await this.#clock.sleep(500);
        continue;
      }
      this.#atWork++;
      if (this.#scenario.newProcesses) ports = start();
      const end = this.#clock.now() + functionMs;
      const deadline = {
        remainingMs: () => end - this.#clock.now(),
        isDrawingIn: () => end - this.#clock.now() <= 20_000,
      };
      const work = deliverBatch(next, ports, deadline).then(
        () => 'done' as const,
        () => 'failed' as const,
      );
      const begunAt = this.#clock.now();
      const how = await Promise.race([work, death]);
      this.#awakeMs += this.#clock.now() - begunAt;
      const backAfterMs = how === 'dead' ? visibleAfterMs : 30_000;
      if (how !== 'done') this.#queue.push({ message: next, atMs: this.#clock.now() + backAfterMs });
      this.#atWork--;
    }
  }

  #receive(): BatchMessage | undefined {
    const due = this.#queue.findIndex(({ atMs }) => atMs <= this.#clock.now());
    return due < 0 ? undefined : this.#queue.splice(due, 1)[0]?.message;
  }

  #isDone(): boolean {
    const isAllSent = this.#senders.every(({ messages }) => messages.length === 0);
    return isAllSent && this.#queue.length === 0 && this.#atWork === 0;
  }

  #portsOf(life: { isDead: boolean }): ConsumerPorts {
    const { ports, limiter: store } = this.#world;
    const never = new Promise<never>(() => undefined);
    const mortal = <T extends object>(port: T): T =>
      new Proxy(port, {
        get: (target, name) => {
          const value = Reflect.get(target, name) as unknown;
          if (typeof value !== 'function') return value;
          return (...all: unknown[]) =>
            life.isDead ? never : (value as (...all: unknown[]) => unknown).apply(target, all);
        },
      });
    const limiter = new SharedLimiter({
      store: mortal(storeWith(store, { update: (change) => (this.#calls.leases++, store.update(change)) })),
      clock: this.#clock,
      limit: this.#scenario.limit,
      feed: ports.feed.name,
      newId: ports.newId,
      random: this.#random,
      correctionMs: () => 0,
    });
    return {
      ...ports,
      limiter,
      connections: this.#scenario.connections,
      run: new FailureRun(),
      rate: new SendRate(),
      files: new KnownFiles(),
      random: this.#random,
      ledger: mortal(
        new Proxy(ports.ledger, {
          get: (target, name) =>
            name === 'saveProgress'
              ? (...save: Parameters<typeof target.saveProgress>) => {
                  this.#calls.saves++;
                  this.#calls.saveUnits += Math.ceil((save[3].length + restOfItemBytes) / 1024);
                  return target.saveProgress(...save);
                }
              : (Reflect.get(target, name) as unknown),
        }),
      ),
      letters: mortal(ports.letters),
      receipts: mortal(ports.receipts),
      sink: mortal({ deliver: (request: SinkRequest) => this.#answer(request) }),
      batches: mortal({
        sendBatches: () => Promise.reject(new Error('a consumer sends no first attempts')),
        sendSuccessor: async (message: BatchMessage, delaySeconds: number) => {
          this.#sentBack++;
          this.#queue.push({ message, atMs: this.#clock.now() + Math.ceil(delaySeconds) * 1000 });
        },
      }),
    };
  }

  async #answer(request: SinkRequest): Promise<SinkAnswer> {
    this.#requests++;
    const { fileId, record } = request.origin;
    const number = (this.#firstNumber.get(fileId) ?? 0) + record - 1;
    this.#numbers.set(request.requestId, number);
    await this.#clock.sleep(this.#between(latencyMs) / 2);
    const atMs = this.#clock.now() - this.#startMs;
    const turn = this.#scenario.api({ number, request, atMs, random: this.#random });
    const answer = this.#take(turn, request.requestId, number, atMs);
    await this.#clock.sleep(this.#between(latencyMs) / 2);
    return answer;
  }

  #take(turn: ApiTurn, requestId: string, number: number, atMs: number): SinkAnswer {
    if (typeof turn !== 'string') return turn;
    const isNew = !this.#ids.has(requestId);
    if (isNew) {
      this.#ids.add(requestId);
      this.#stored.set(number, (this.#stored.get(number) ?? 0) + 1);
      this.#lastStoredMs = atMs;
    }
    if (turn === 'lost') return { kind: 'failed', status: null, reason: 'econnreset', ambiguous: true };
    return isNew ? { kind: 'uploaded', status: 201 } : { kind: 'duplicate', status: 409 };
  }

  #result(): DeliveryResult {
    const { ledger, events, letters } = this.#world;
    const receipts = new Map<number, Receipt>();
    for (const { fileId, receiptsKey = '' } of ledger.batches.values()) {
      const bytes = this.#world.receipts.get(receiptsKey);
      if (!bytes) throw new Error('A batch was never settled.');
      for (const line of gunzipSync(bytes).toString('utf8').trim().split('\n')) {
        const receipt = JSON.parse(line) as Receipt;
        receipts.set((this.#firstNumber.get(fileId) ?? 0) + receipt.record - 1, receipt);
      }
    }
    return {
      receipts,
      stored: this.#stored,
      requests: this.#requests,
      lastStoredMs: this.#lastStoredMs,
      openings: events
        .filter(({ type }) => type === 'breaker opened')
        .map(({ detail }) => detail as { reason: unknown }),
      letters,
      awakeMs: this.#awakeMs,
      sentBack: this.#sentBack,
      ...this.#calls,
      stopped: this.#fileIds.filter((id) => ledger.files.get(id)?.quarantine).length,
    };
  }

  #between([from, to]: [number, number]): number {
    return from + (to - from) * this.#random();
  }

  readonly #random = (): number => this.#dice.next();
}
