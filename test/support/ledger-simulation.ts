import { LatestPlan } from '../../lambdas/splitter/latest-plan.ts';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { feedNamed } from '../../feeds/index.ts';
import { cancelFile } from '../../cli/operate/cancel-file.ts';
import { releaseFile } from '../../cli/operate/release-file.ts';
import type { StopPorts } from '../../cli/operate/stop-ports.ts';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import type { ConsumerPorts } from '../../lambdas/consumer/consumer-ports.ts';
import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { AwsFaultError } from '../../lambdas/core/errors.ts';
import { FailureRun } from '../../lambdas/core/limiter/breaker.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import type { FinalizerPorts } from '../../lambdas/finalizer/finalizer-ports.ts';
import { finalizeFile } from '../../lambdas/finalizer/finalize-file.ts';
import { openLedger } from '../../lambdas/ledger/open-ledger.ts';
import type { BatchMessage, ContinueMessage, FinalizeMessage, ReemitMessage } from '../../lambdas/messages.ts';
import type { IntakeQueue, ItemStore, Ledger, NewFile, SinkAnswer, SinkRequest } from '../../lambdas/ports.ts';
import { requeueStalled } from '../../lambdas/reconciler/requeue-stalled.ts';
import { reemitBatches } from '../../lambdas/splitter/reemit-batches.ts';
import { splitFile } from '../../lambdas/splitter/split-file.ts';
import type { SplitterPorts } from '../../lambdas/splitter/splitter-ports.ts';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import { fixtureOf } from './feed-fixture.ts';
import { InMemoryLimiterStore } from './in-memory-limiter-store.ts';
import { consumerWorld, silentLog, unheardNotices } from './in-memory-ports.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { InMemoryUploads, partsInMemory } from './in-memory-archive.ts';
import { noDeadline } from './splitter-world.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** Shares of calls, of the store, the queues, the archive and the API alike. */
export interface Faults {
  /** The caller is killed, half of the times before the call is made and half of the times after it. */
  killed: number;
  /** The call is made and its answer lost: the SDK repeats it, or gives up. */
  lost: number;
  /** The call takes minutes, before it is made or after it: by then another has the lease. */
  stalled: number;
  /** A message that is sent comes twice. */
  twice: number;
  /** An invocation's time is up when it checks the time. */
  late: number;
}

export interface FileResult {
  file: FileAccount;
  manifest: Manifest;
  receipts: Receipt[];
  /** The outcome that each record should have, in their order. */
  wanted: ('uploaded' | 'rejected')[];
}

export interface LedgerResult {
  files: FileResult[];
  /** Records by file and number that have a letter. */
  letters: Set<string>;
  /** How often each request id was stored. */
  stored: Map<string, number>;
  ledger: MemoryLedger;
  kills: number;
  lostAnswers: number;
}

type Message =
  | { queue: 'intake'; body: { kind: 'dropped'; create: NewFile } | ContinueMessage | ReemitMessage }
  | { queue: 'records'; body: BatchMessage }
  | { queue: 'finalize'; body: FinalizeMessage };

/** A function's environment, from its first invocation until it is killed. */
interface Life {
  isDead: boolean;
  kill: () => void;
  death: Promise<'dead'>;
  /** Calls that have not been answered. */
  calls: number;
  isAtWork: boolean;
  /** Nothing fails. */
  isReliable?: true;
}

const never = new Promise<never>(() => undefined);
/** After its function's time, and longer than a lease. Milliseconds. */
const visibleAfterKillMs = 65_000;
const visibleAfterFailureMs = 30_000;
const hourMs = 3_600_000;
const sdkRetryMs = 300;

/** Splitters, consumers, finalizers and the reconciler over one table, each killed at any of its calls. */
export class LedgerSimulation {
  readonly #dice: SeededDice;
  readonly #faults: Faults;
  readonly #lives = new Set<Life>();
  /** Consumers wait for the clock elsewhere, too; the others compute wherever they don't wait for a call. */
  readonly #clock = new SimulatedClock(undefined, 1, () =>
    [...this.#lives].some((life) => life.isAtWork && !life.isDead && life.calls === 0),
  );
  readonly #ledger = openMemoryLedger(this.#clock);
  readonly #queue: { message: Message; atMs: number }[] = [];
  readonly #sources = new Map<string, Buffer>();
  readonly #wanted = new Map<string, FileResult['wanted']>();
  readonly #archived = new Map<string, Buffer>();
  readonly #uploads = new InMemoryUploads(this.#archived);
  readonly #states = new Map<string, Buffer>();
  readonly #receipts = new Map<string, Buffer>();
  readonly #letters = new Set<string>();
  readonly #stored = new Map<string, number>();
  readonly #feed = feedNamed('traffic');
  readonly #isOperated: boolean;
  /** Files that a person still has decisions to make about. */
  #undecided = 0;
  #wake = new AbortController();
  #atWork = 0;
  #ids = 0;
  #kills = 0;
  #lostAnswers = 0;

  /** @param isOperated a person cancels files and releases them, at any moment */
  constructor(seed: number, faults: Faults, isOperated = false) {
    this.#dice = new SeededDice(seed);
    this.#faults = faults;
    this.#isOperated = isOperated;
  }

  async run(): Promise<LedgerResult> {
    const files = this.#between(1, 2);
    for (let file = 1; file <= files; file++) this.#drop(file, file > 1 && !this.#isOperated && this.#happens(0.3));
    const people = this.#isOperated ? [...this.#wanted.keys()].map((fileId) => this.#decide(fileId)) : [];
    const workers = (['intake', 'records', 'finalize'] as const).flatMap((queue) =>
      Array.from({ length: this.#between(1, 2) }, () => this.#employ(queue)),
    );
    await this.#clock.run(Promise.all([...workers, ...people, this.#reconcile()]));
    // Every late message has arrived: an account rebuilt from the current state must be the same.
    const recounting: Ledger = { ...this.#ledger, getCounted: async () => undefined };
    const inspector = {
      ...this.#finalizerPorts(recounting, { ...this.#newLife(), isReliable: true }),
      partSizes: partsInMemory().partSizes,
    };
    for (const fileId of this.#wanted.keys()) {
      const message = { v: 1, kind: 'finalize', feed: 'traffic', fileId, amend: true } as const;
      // Not on the clock: nothing in it sleeps, and the clock can't wait for zlib.
      await finalizeFile(message, inspector, noDeadline);
    }
    return {
      files: [...this.#wanted.keys()].map((fileId) => this.#resultOf(fileId)),
      letters: this.#letters,
      stored: this.#stored,
      ledger: this.#ledger,
      kills: this.#kills,
      lostAnswers: this.#lostAnswers,
    };
  }

  /** @param isCopy it has the bytes of the file before */
  #drop(number: number, isCopy: boolean): void {
    const before = [...this.#wanted.entries()].at(-1);
    const wanted: FileResult['wanted'] =
      isCopy && before
        ? before[1]
        : Array.from({ length: this.#between(1, 12) }, () => (this.#happens(0.1) ? 'rejected' : 'uploaded'));
    const prefix = isCopy ? number - 1 : number;
    const rows = wanted.map((end, row) =>
      end === 'rejected' ? 'no row' : `SP-${prefix}-${row},WABC,2026-01-05 06:00:00,30,Client`,
    );
    const bytes = Buffer.from(['SpotID,StationCode,AirDateTime,Duration,ClientName', ...rows, ''].join('\n'));
    const key = `traffic/${number}.csv`;
    const source = { bucket: 'intake', key, sequencer: String(number), etag: `"${number}"`, sizeBytes: bytes.length };
    const fileId = fileIdOf('traffic', source);
    const limits = { maxBatchRecords: this.#between(1, 5), maxBatchBytes: 64 * 1024, maxRecordBytes: 8 * 1024 };
    this.#sources.set(key, bytes);
    this.#wanted.set(fileId, wanted);
    const create = { fileId, feed: 'traffic', lane: 'main', source, limits, messageKey: '0f'.repeat(32) };
    this.#send({ queue: 'intake', body: { kind: 'dropped', create } });
  }

  #send(message: Message, delayMs = 0): void {
    const copies = this.#happens(this.#faults.twice) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#push(message, delayMs + copy * this.#between(0, 5_000));
    }
  }

  #push(message: Message, delayMs: number): void {
    this.#queue.push({ message, atMs: this.#clock.now() + delayMs });
    this.#wakeAll();
  }

  /** Whoever waits for a message looks again. */
  #wakeAll(): void {
    // An explicit reason: the default one captures a stack trace.
    this.#wake.abort('look again');
    this.#wake = new AbortController();
  }

  #isDone(): boolean {
    const isIdle = this.#queue.length === 0 && this.#atWork === 0 && this.#undecided === 0;
    return isIdle && this.#openFiles().length === 0;
  }

  #openFiles(): string[] {
    return [...this.#wanted.keys()].filter((fileId) => {
      const file = this.#ledger.files.get(fileId);
      return !file || isManifestOwed(file);
    });
  }

  /** Cancels a file, releases it once it is closed, and so on, each at any moment; the last decision is either of them. */
  async #decide(fileId: string): Promise<void> {
    this.#undecided++;
    for (let round = this.#between(0, 3); round > 0; round--) {
      await this.#clock.sleep(this.#between(0, this.#happens(0.7) ? 400 : 20_000));
      while (!this.#ledger.files.get(fileId)) await this.#clock.sleep(1_000);
      const cancelled = await this.#command((ports) => cancelFile(fileId, { by: 'ann', why: `no ${round}` }, ports));
      if (cancelled.kind === 'refused') break;
      // A killed splitter takes a minute to be replaced, and a lost message until the reconciler's next run.
      while (this.#ledger.files.get(fileId)?.state === 'splitting' || this.#openFiles().includes(fileId)) {
        await this.#clock.sleep(5_000);
      }
      if (this.#ledger.files.get(fileId)?.state !== 'quarantined' || this.#happens(0.3)) break;
      await this.#clock.sleep(this.#between(0, 60_000));
      await this.#command((ports) => releaseFile(fileId, { by: 'bob', why: `yes ${round}` }, ports));
    }
    this.#undecided--;
    this.#wakeAll();
  }

  /** A command on a machine that may die as well: then the person runs it again. */
  async #command<T>(run: (ports: StopPorts) => Promise<T>): Promise<T> {
    for (;;) {
      const life = this.#newLife();
      const ledger = openLedger(this.#unreliable(this.#ledger.store, life), this.#clock);
      const intake: IntakeQueue = {
        send: (body) => this.#call(life, () => this.#send({ queue: 'intake', body })),
      };
      this.#lives.add(life);
      life.isAtWork = true;
      const work = run({ ledger, intakeOf: () => intake, finalize: this.#finalizeQueue(life) }).catch(
        () => 'dead' as const,
      );
      const end = await Promise.race([work, life.death]);
      this.#lives.delete(life);
      if (end !== 'dead') return end;
      await this.#clock.sleep(this.#between(0, 30_000));
    }
  }

  #newLife(): Life {
    const life: Life = { isDead: false, kill: () => undefined, death: never, calls: 0, isAtWork: false };
    life.death = new Promise((resolve) => {
      life.kill = () => {
        life.isDead = true;
        this.#kills++;
        resolve('dead');
      };
    });
    return life;
  }

  /** One environment after the other, each until it is killed. */
  async #employ(queue: Message['queue']): Promise<void> {
    while (!this.#isDone()) {
      const life = this.#newLife();
      if (queue !== 'records') this.#lives.add(life);
      const handle = this.#handlerOf(life);
      while (!life.isDead && !this.#isDone()) await this.#invoke(queue, life, handle);
      this.#lives.delete(life);
    }
  }

  async #invoke(queue: Message['queue'], life: Life, handle: (message: Message) => Promise<void>): Promise<void> {
    const now = this.#clock.now();
    const due = this.#queue.findIndex(({ message, atMs }) => message.queue === queue && atMs <= now);
    if (due < 0) {
      const times = this.#queue.flatMap(({ message, atMs }) => (message.queue === queue ? [atMs - now] : []));
      return this.#clock.sleep(Math.min(hourMs, ...times), this.#wake.signal);
    }
    const [taken] = this.#queue.splice(due, 1);
    const message = taken?.message as Message;
    this.#atWork++;
    life.isAtWork = true;
    const work = handle(message).then(
      () => 'done' as const,
      () => 'failed' as const,
    );
    const end = await Promise.race([work, life.death]);
    life.isAtWork = false;
    this.#atWork--;
    if (end !== 'done') this.#push(message, end === 'dead' ? visibleAfterKillMs : visibleAfterFailureMs);
    if (this.#isDone()) this.#wakeAll();
  }

  async #reconcile(): Promise<void> {
    const metrics = { add: () => undefined, flush: () => undefined };
    const end = this.#clock.now() + 48 * hourMs;
    while (!this.#isDone()) {
      await this.#clock.sleep(hourMs / 12, this.#wake.signal);
      if (this.#clock.now() > end) throw new Error(`Not closed after two days: ${this.#openFiles().join(', ')}`);
      if (this.#queue.length > 0 || this.#atWork > 0) continue;
      await requeueStalled({
        ...{ ledger: this.#ledger, clock: this.#clock, log: silentLog, stalledAfterMs: 900_000 },
        metricsOf: () => metrics,
        feed: { api: 'api' },
        limiterOf: () => new InMemoryLimiterStore(),
        lanes: [
          {
            ...{ feed: 'traffic', lane: 'main', records: { messages: async () => 0 } },
            intake: { send: async (body) => this.#send({ queue: 'intake', body }) },
          },
        ],
        finalize: { send: async (body) => this.#send({ queue: 'finalize', body }) },
      });
    }
  }

  #handlerOf(life: Life): (message: Message) => Promise<void> {
    const ledger = openLedger(this.#unreliable(this.#ledger.store, life), this.#clock);
    const deadline = { remainingMs: () => 900_000, isDrawingIn: () => this.#happens(this.#faults.late) };
    const [splitter, consumer] = [this.#splitterPorts(ledger, life), this.#consumerPorts(ledger, life)];
    const finalizer = this.#finalizerPorts(ledger, life);
    return (message) => {
      if (message.queue === 'records') return deliverBatch(message.body, consumer, deadline);
      if (message.queue === 'finalize') return finalizeFile(message.body, finalizer, deadline);
      const { body } = message;
      if (body.kind === 'reemit') return reemitBatches(body, { ...splitter, ledger }, deadline);
      if (body.kind === 'continue') return splitFile(body.fileId, undefined, splitter, deadline);
      return splitFile(body.create.fileId, body.create, splitter, deadline);
    };
  }

  /** One call out of the function: it is killed, the answer is lost, or it is answered. */
  async #call<T>(life: Life, make: () => Promise<T> | T, again = make): Promise<T> {
    if (life.isReliable) return make();
    if (life.isDead) return never;
    life.calls++;
    await this.#clock.sleep(this.#between(1, 20) + this.#stall());
    const isKilled = this.#happens(this.#faults.killed);
    if (isKilled && this.#happens(0.5)) return this.#die(life);
    let answer = await this.#answered(life, make);
    if (isKilled) return this.#die(life);
    const stallMs = this.#stall();
    if (stallMs > 0) await this.#clock.sleep(stallMs);
    if (this.#happens(this.#faults.lost)) {
      this.#lostAnswers++;
      await this.#clock.sleep(sdkRetryMs);
      if (this.#happens(0.3)) {
        life.calls--;
        throw new AwsFaultError('TimeoutError', 'no answer');
      }
      answer = await this.#answered(life, again);
    }
    if (life.isDead) return never;
    life.calls--;
    return answer;
  }

  /** A call that is refused is answered, too. */
  async #answered<T>(life: Life, make: () => Promise<T> | T): Promise<T> {
    try {
      return await make();
    } catch (error) {
      life.calls--;
      throw error;
    }
  }

  #stall(): number {
    return this.#happens(this.#faults.stalled / 2) ? this.#between(50_000, 300_000) : 0;
  }

  #die(life: Life): Promise<never> {
    if (!life.isDead) life.kill();
    return never;
  }

  #unreliable(store: ItemStore, life: Life): ItemStore {
    const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);
    const each = async function* <T>(page: Promise<T[]>): AsyncGenerator<T> {
      yield* await page;
    };
    return {
      read: (key) => this.#call(life, () => store.read(key)),
      readAll: (keys) => this.#call(life, () => store.readAll(keys)),
      update: (key, change) => this.#call(life, () => store.update(key, change)),
      put: (key, item) => this.#call(life, () => store.put(key, item)),
      // Its token keeps a transaction from being made twice.
      updateAll: (writes) => {
        let made: Promise<boolean> | undefined;
        return this.#call(life, () => (made ??= store.updateAll(writes)));
      },
      query: (...place) => each(this.#call(life, () => all(store.query(...place)))),
      list: (listPk, order, about, before) =>
        each(this.#call(life, () => all(store.list(listPk, order, about, before)))),
    };
  }

  #splitterPorts(ledger: Ledger, life: Life): SplitterPorts {
    const horizon = { records: this.#happens(0.5) ? 4 : 1e9, recordsPerSecond: 10 };
    const bytesOf = (key: string) => this.#sources.get(key) ?? Buffer.alloc(0);
    return {
      ...{ feed: this.#feed, ledger, horizon, clock: this.#clock, log: silentLog },
      gzip: { maxContentBytes: 1e9, maxRatio: 200, roomMs: 60_000 },
      plans: new LatestPlan(),
      sources: {
        head: async ({ key }) => ({ etag: '"1"', sizeBytes: bytesOf(key).length }),
        async *read({ key }, offset) {
          for (let at = offset; at < bytesOf(key).length; at += 500) yield bytesOf(key).subarray(at, at + 500);
        },
      },
      batches: {
        sendBatches: (bodies) =>
          this.#call(life, () => bodies.forEach((body) => this.#send({ queue: 'records', body }))),
        sendSuccessor: () => Promise.reject(new Error('a splitter sends no successors')),
      },
      intake: {
        send: (body, seconds) => this.#call(life, () => this.#send({ queue: 'intake', body }, seconds * 1000)),
      },
      finalize: this.#finalizeQueue(life),
      newOwner: () => `splitter-${++this.#ids}`,
      metrics: { add: () => undefined },
      newMessageKey: () => '0f'.repeat(32),
    };
  }

  #finalizeQueue(life: Life): SplitterPorts['finalize'] {
    return {
      send: (body, seconds) => this.#call(life, () => this.#send({ queue: 'finalize', body }, seconds * 1000)),
    };
  }

  #consumerPorts(ledger: Ledger, life: Life): ConsumerPorts {
    const limit = { requests: 60_000, windowSeconds: 60 };
    const { ports, limiter } = consumerWorld(this.#clock, fixtureOf([]), limit);
    const newId = () => `consumer-${++this.#ids}`;
    const paces = { feed: ports.feed.name, newId, random: this.#random, correctionMs: () => 0 };
    return {
      ...ports,
      ...{ ledger, newId, random: this.#random, run: new FailureRun(), finalize: this.#finalizeQueue(life) },
      limiter: new SharedLimiter({ store: limiter, clock: this.#clock, limit: { ...limit, isPaced: false }, ...paces }),
      sink: {
        deliver: (request) =>
          this.#call(
            life,
            () => this.#answer(request),
            () => noAnswer,
          ).catch(() => noAnswer),
      },
      batches: {
        sendBatches: () => Promise.reject(new Error('a consumer sends no first attempts')),
        sendSuccessor: (body, seconds) =>
          this.#call(life, () => this.#send({ queue: 'records', body }, Math.ceil(seconds) * 1000)),
      },
      letters: {
        sendLetters: (letters) =>
          this.#call(life, () => {
            for (const { file_id: fileId, record } of letters) this.#letters.add(`${fileId}#${record}`);
          }),
        sendBack: () => Promise.reject(new Error('no letter is tried')),
      },
      receipts: {
        putReceipts: (key, bytes) => this.#call(life, () => void this.#receipts.set(key, bytes)),
        getReceipts: () => Promise.reject(new Error('a consumer reads no receipts')),
      },
    };
  }

  #answer({ requestId }: SinkRequest): SinkAnswer {
    const isNew = !this.#stored.has(requestId);
    if (isNew) this.#stored.set(requestId, 1);
    return isNew ? { kind: 'uploaded', status: 201 } : { kind: 'duplicate', status: 409 };
  }

  #finalizerPorts(ledger: Ledger, life: Life): FinalizerPorts {
    const archived = this.#archived;
    const call = <T>(make: () => Promise<T> | T) => this.#call(life, make);
    return {
      ...{ ledger, finalize: this.#finalizeQueue(life), clock: this.#clock, log: silentLog },
      receipts: {
        putReceipts: () => Promise.reject(new Error('a finalizer writes no receipts')),
        getReceipts: async (key) => this.#receipts.get(key) ?? Buffer.alloc(0),
      },
      archive: {
        copySource: (_, key) => call(() => ({ key })),
        has: (key) => call(() => archived.has(key)),
        putStream: async (key, body: Readable) => {
          const bytes = Buffer.concat(await body.toArray());
          await call(() => {
            if (!archived.has(key)) archived.set(key, bytes);
          });
        },
        putOnce: (key, body) =>
          call(() => {
            if (archived.has(key)) return 'exists' as const;
            archived.set(key, Buffer.from(body));
            return 'stored' as const;
          }),
        getText: (key) => call(() => archived.get(key)?.toString()),
        getStream: async (key) => (archived.has(key) ? Readable.from([archived.get(key)]) : undefined),
      },
      archiveBucket: 'archive',
      uploads: {
        begin: (key) => call(() => this.#uploads.begin(key)),
        putPart: (...all) => call(() => this.#uploads.putPart(...all)),
        copyPart: (...all) => call(() => this.#uploads.copyPart(...all)),
        complete: (...all) => call(() => this.#uploads.complete(...all)),
        abort: (...all) => call(() => this.#uploads.abort(...all)),
        isMadeOf: (...all) => call(() => this.#uploads.isMadeOf(...all)),
      },
      // A part for every batch or two: an account takes several, and each of them may be where a finalizer is killed.
      partSizes: { receipts: () => 1_000, least: 0, wholeCopy: Infinity, copy: () => Infinity },
      states: {
        putPayload: (key, bytes) => call(() => void this.#states.set(key, bytes)),
        getPayload: (key) => call(() => this.#states.get(key)),
      },
      newId: () => `finalizer-${++this.#ids}`,
      reported: () => undefined,
      feedDecisions: async () => [],
      desk: { notify: async () => undefined },
      ...unheardNotices,
      events: { publish: () => call(() => undefined) },
      version: '1.2.3',
    };
  }

  #resultOf(fileId: string): FileResult {
    const file = this.#ledger.files.get(fileId) as FileAccount;
    const manifest = JSON.parse(this.#archived.get(file.manifest?.key ?? '')?.toString() ?? 'null') as Manifest;
    const bytes = this.#archived.get(manifest.archive.receipts_key ?? '');
    const lines = bytes ? gunzipSync(bytes).toString().trim().split('\n') : [];
    const receipts = lines.map((line) => JSON.parse(line) as Receipt);
    return { file, manifest, receipts, wanted: this.#wanted.get(fileId) ?? [] };
  }

  #happens(share: number): boolean {
    return this.#dice.next() < share;
  }

  /** A whole number, both ends included. */
  #between(from: number, to: number): number {
    return from + Math.floor(this.#dice.next() * (to - from + 1));
  }

  readonly #random = (): number => this.#dice.next();
}

const noAnswer: SinkAnswer = { kind: 'failed', status: null, reason: 'econnreset', ambiguous: true };
