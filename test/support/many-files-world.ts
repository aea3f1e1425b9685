import { Readable } from 'node:stream';
import { SnapshotReader } from '../../cli/live/read-snapshot.ts';
import type { Snapshot } from '../../cli/live/snapshot.ts';
import { feedNamed } from '../../feeds/index.ts';
import type { ConsumerPorts } from '../../lambdas/consumer/consumer-ports.ts';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import { KnownFiles } from '../../lambdas/consumer/known-files.ts';
import { SharedLimiter } from '../../lambdas/consumer/shared-limiter.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { FailureRun } from '../../lambdas/core/limiter/breaker.ts';
import type { RateLimit } from '../../lambdas/core/limiter/limiter.ts';
import { SendRate } from '../../lambdas/core/limiter/send-rate.ts';
import { finalizeFile } from '../../lambdas/finalizer/finalize-file.ts';
import type { BatchMessage, ContinueMessage, FinalizeMessage, ReemitMessage } from '../../lambdas/messages.ts';
import { sendNotices } from '../../lambdas/notices/send-notices.ts';
import type { ReconcilePorts } from '../../lambdas/reconciler/reconcile.ts';
import { reconcile } from '../../lambdas/reconciler/reconcile.ts';
import { reemitBatches } from '../../lambdas/splitter/reemit-batches.ts';
import { splitFile } from '../../lambdas/splitter/split-file.ts';
import type { SplitterPorts } from '../../lambdas/splitter/splitter-ports.ts';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import { CountingItemStore } from './counting-item-store.ts';
import { fixtureOf } from './feed-fixture.ts';
import { inMemoryArchive, partsInMemory } from './in-memory-archive.ts';
import type { ConsumerWorld } from './in-memory-ports.ts';
import { consumerWorld, silentLog } from './in-memory-ports.ts';
import { liveOutputs } from './live-stack.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { noDeadline, splitterWorld } from './splitter-world.ts';

type LaneName = 'main' | 'express';

export interface DroppedFile {
  rows: number;
  lane?: LaneName;
  /** When it is dropped. Milliseconds from the beginning. */
  atMs?: number;
}

export interface ManyFilesScenario {
  files: readonly DroppedFile[];
  limit: RateLimit;
  batchRecords: number;
  /** `any`: SQS promises no order. `fair`: it serves the files in turn, as fair queues do. */
  order: 'any' | 'fair';
  /** Records of one file that the queue may hold. */
  horizonRecords?: number;
  /** One row in so many is not valid. */
  brokenEvery?: number;
  seed: number;
}

/** How a file ended. Times in milliseconds from the beginning. */
export interface FileEnd extends Required<DroppedFile> {
  fileId: string;
  firstRecordMs: number;
  endMs: number;
  manifest: Manifest;
}

/** What looking at the open files takes: calls to AWS. */
export interface LookCost {
  openFiles: number;
  calls: number;
}

interface Queued<T> {
  message: T;
  lane: LaneName;
  atMs: number;
}

type IntakeTask = ContinueMessage | ReemitMessage | { kind: 'drop'; fileId: string };

/** Per lane, as the stage `prod` has them. */
const consumers = 2;
const functionMs = 900_000;
const idleMs = 500;
const reconcileEveryMs = 15 * 60_000;

/** Splitter, consumers of both lanes, finalizer and reconciler, over one ledger and many files, on a simulated clock. */
export class ManyFilesWorld {
  readonly store = new CountingItemStore();
  readonly ledger: MemoryLedger;
  readonly clock: SimulatedClock;
  readonly archived = new Map<string, Buffer>();
  /** Subjects of the mails to the desk. */
  readonly mails: string[] = [];
  /** What each run of the reconciler took. */
  readonly reconciliations: LookCost[] = [];
  readonly #scenario: ManyFilesScenario;
  readonly #dice: SeededDice;
  readonly #consumer: ConsumerWorld;
  readonly #splitter: SplitterPorts;
  readonly #files = new Map<string, Required<DroppedFile> & { firstRecordMs?: number; endMs?: number }>();
  readonly #intake: Queued<IntakeTask>[] = [];
  readonly #records: Queued<BatchMessage>[] = [];
  readonly #finalize: Queued<FinalizeMessage>[] = [];
  readonly #notices: Queued<string>[] = [];
  /** By file, when a batch of it was received last. */
  readonly #served = new Map<string, number>();
  readonly #startMs: number;
  #sqsCalls = 0;
  #ends = 0;
  /** Work that waits for threads, and not for the clock. */
  #computing = 0;

  constructor(scenario: ManyFilesScenario) {
    this.#scenario = scenario;
    this.#dice = new SeededDice(scenario.seed);
    this.clock = new SimulatedClock(undefined, 2, () => this.#computing > 0);
    this.#startMs = this.clock.now();
    this.ledger = openMemoryLedger(this.clock, this.store);
    this.#consumer = consumerWorld(this.clock, fixtureOf([]), scenario.limit);
    this.#splitter = this.#splitterPorts();
    scenario.files.forEach(({ rows, lane = 'main', atMs = 0 }, nth) => {
      const fileId = `traffic.${String(nth + 1).padStart(5, '0')}`;
      this.#files.set(fileId, { rows, lane, atMs });
      this.#put(this.#intake, { kind: 'drop', fileId }, lane, atMs);
    });
  }

  /** Runs until every file has its manifest. */
  async run(): Promise<FileEnd[]> {
    const lanes: LaneName[] = ['main', 'express'];
    const workers = [
      ...lanes.flatMap((lane) => Array.from({ length: consumers }, () => this.#consume(lane))),
      this.#work(this.#intake, (task, lane) => this.#split(task, lane)),
      this.#work(this.#finalize, (message) => this.#close(message)),
      this.#work(this.#notices, (feed) => this.#notify(feed)),
      this.#reconcileRegularly(),
    ];
    await this.clock.run(Promise.all(workers));
    return [...this.#files].map(([fileId, file]) => {
      const { firstRecordMs = NaN, endMs = NaN, ...dropped } = file;
      return { fileId, ...dropped, firstRecordMs, endMs, manifest: this.#manifestOf(fileId) };
    });
  }

  /** Requests for records that the API has stored. */
  get stored(): number {
    return this.#consumer.api.stored.size;
  }

  /** What `status` does, with its calls. */
  async look(): Promise<LookCost & { snapshot: Snapshot }> {
    const before = this.store.calls;
    let counts = 0;
    const reader = new SnapshotReader(
      { stack: 'sluice-test', cloud: 'AWS', feeds: ['traffic'], shownFiles: Infinity },
      {
        ledger: this.ledger,
        limiterOf: () => this.#consumer.limiter,
        outputs: liveOutputs(),
        count: async () => (counts++, 0),
        readSummary: async ({ fileId }) => this.#manifestOf(fileId),
        settingsTrouble: () => undefined,
        switchOf: async () => 'on' as const,
        clock: this.clock,
      },
    );
    const snapshot = await reader.look();
    return { openFiles: snapshot.files_under_way, calls: this.store.calls - before + counts, snapshot };
  }

  /** One run of the reconciler, with its calls. */
  async reconcile(): Promise<LookCost> {
    const openFiles = this.#files.size - this.#ends;
    const before = this.store.calls + this.#sqsCalls;
    await this.#computed(() => reconcile(false, this.#reconcilerPorts()));
    return { openFiles, calls: this.store.calls + this.#sqsCalls - before };
  }

  /** Called when all files have been cut as far as the horizon lets them. */
  onBacklog: () => Promise<void> = async () => undefined;

  get #isDone(): boolean {
    return this.#ends === this.#files.size;
  }

  get #elapsedMs(): number {
    return this.clock.now() - this.#startMs;
  }

  #put<T>(queue: Queued<T>[], message: T, lane: LaneName, delayMs: number): void {
    queue.push({ message, lane, atMs: this.clock.now() + Math.ceil(delayMs) });
  }

  #take<T>(queue: Queued<T>[], choose: (due: readonly Queued<T>[]) => Queued<T> | undefined): Queued<T> | undefined {
    const now = this.clock.now();
    const chosen = choose(queue.filter(({ atMs }) => atMs <= now));
    if (chosen) queue.splice(queue.indexOf(chosen), 1);
    return chosen;
  }

  async #work<T>(queue: Queued<T>[], handle: (message: T, lane: LaneName) => Promise<void>): Promise<void> {
    while (!this.#isDone) {
      const next = this.#take(queue, ([first]) => first);
      if (next) await this.#computed(() => handle(next.message, next.lane));
      else await this.clock.sleep(idleMs);
    }
  }

  async #computed<T>(work: () => Promise<T>): Promise<T> {
    this.#computing++;
    try {
      return await work();
    } finally {
      this.#computing--;
    }
  }

  async #split(task: IntakeTask, lane: LaneName): Promise<void> {
    const ports = { ...this.#splitter, batches: this.#batchesOf(lane), intake: this.#intakeOf(lane) };
    if (task.kind === 'reemit') return reemitBatches(task, { ...ports, ledger: this.ledger }, noDeadline);
    if (task.kind === 'continue') return splitFile(task.fileId, undefined, ports, noDeadline);
    const limits = { maxBatchRecords: this.#scenario.batchRecords, maxBatchBytes: 96_000, maxRecordBytes: 8 * 1024 };
    const { rows } = this.#files.get(task.fileId) ?? { rows: 0 };
    const key = `traffic/${task.fileId}`;
    const source = { bucket: 'intake', key, etag: '"1"', sizeBytes: this.#bytesOf(task.fileId, rows).length };
    await splitFile(task.fileId, { fileId: task.fileId, feed: 'traffic', lane, source, limits }, ports, noDeadline);
    if (!this.#intake.some(({ message }) => message.kind === 'drop')) await this.onBacklog();
  }

  /** A function's environment, with its state between invocations. */
  async #consume(lane: LaneName): Promise<void> {
    const ports = this.#consumerPorts(lane);
    while (!this.#isDone) {
      const next = this.#take(this.#records, (due) => this.#choose(due.filter((each) => each.lane === lane)));
      if (!next) {
        await this.clock.sleep(idleMs);
        continue;
      }
      this.#served.set(next.message.fileId, this.clock.now());
      const end = this.clock.now() + functionMs;
      const remainingMs = () => end - this.clock.now();
      await deliverBatch(next.message, ports, { remainingMs, isDrawingIn: () => remainingMs() <= 20_000 });
    }
  }

  #choose(due: readonly Queued<BatchMessage>[]): Queued<BatchMessage> | undefined {
    if (this.#scenario.order === 'any') return due[Math.floor(this.#dice.next() * due.length)];
    const servedAt = ({ message }: Queued<BatchMessage>) => this.#served.get(message.fileId) ?? 0;
    return due.reduce<Queued<BatchMessage> | undefined>(
      (first, each) => (first === undefined || servedAt(each) < servedAt(first) ? each : first),
      undefined,
    );
  }

  async #close(message: FinalizeMessage): Promise<void> {
    const { archived, ledger, clock } = this;
    await finalizeFile(
      message,
      {
        ...{ ledger, desk: this.#desk, clock, log: silentLog, version: '1.2.3' },
        mails: { askForMail: async (feed, seconds) => this.#put(this.#notices, feed, 'main', seconds * 1000) },
        receipts: this.#consumer.ports.receipts,
        archive: inMemoryArchive(archived),
        archiveBucket: 'archive',
        ...partsInMemory(archived),
        reported: () => undefined,
        feedDecisions: async () => [],
        finalize: this.#finalizeOf('main'),
        metrics: this.#consumer.ports.metrics,
        events: { publish: async () => undefined },
      },
      noDeadline,
    );
    const file = this.#files.get(message.fileId);
    if (!file || file.endMs !== undefined || !ledger.files.get(message.fileId)?.manifest) return;
    file.endMs = this.#elapsedMs;
    this.#ends++;
  }

  readonly #desk = { notify: async (subject: string) => void this.mails.push(subject) };

  #notify(feed: string): Promise<void> {
    return sendNotices(feed, {
      ledger: this.ledger,
      desk: this.#desk,
      clock: this.clock,
      log: silentLog,
      stackName: 'sluice-test',
    });
  }

  async #reconcileRegularly(): Promise<void> {
    while (!this.#isDone) {
      // In small steps, so that the end of the last file is the end.
      const next = this.clock.now() + reconcileEveryMs;
      while (this.clock.now() < next && !this.#isDone) await this.clock.sleep(10_000);
      if (!this.#isDone) this.reconciliations.push(await this.reconcile());
    }
  }

  #splitterPorts(): SplitterPorts {
    const { horizonRecords = 1e9, limit } = this.#scenario;
    const bytesOf = (key: string) => {
      const fileId = key.slice('traffic/'.length);
      return this.#bytesOf(fileId, this.#files.get(fileId)?.rows ?? 0);
    };
    return {
      ...splitterWorld(this.clock, Buffer.of()).ports,
      ledger: this.ledger,
      horizon: { records: horizonRecords, recordsPerSecond: limit.requests / limit.windowSeconds },
      sources: {
        head: async () => undefined,
        async *read({ key }, offset) {
          yield bytesOf(key).subarray(offset);
        },
      },
      finalize: this.#finalizeOf('main'),
    };
  }

  #bytesOf(fileId: string, rows: number): Buffer {
    const { brokenEvery = Infinity } = this.#scenario;
    const row = (n: number) =>
      `${fileId}-${n},WABC,2026-01-05 06:00:00,${n % brokenEvery === 0 ? '30s' : '30'},Client ${n}`;
    const lines = Array.from({ length: rows }, (_, index) => row(index + 1));
    return Buffer.from(['SpotID,StationCode,AirDateTime,Duration,ClientName', ...lines, ''].join('\n'));
  }

  #batchesOf(lane: LaneName): SplitterPorts['batches'] {
    const put = (message: BatchMessage, delaySeconds = 0): void => {
      this.#put(this.#records, message, lane, delaySeconds * 1000);
    };
    return {
      sendBatches: async (messages) => messages.forEach((message) => put(message)),
      sendSuccessor: async (message, delaySeconds) => put(message, delaySeconds),
    };
  }

  #intakeOf(lane: LaneName): SplitterPorts['intake'] {
    return { send: async (message, delaySeconds) => this.#put(this.#intake, message, lane, delaySeconds * 1000) };
  }

  #finalizeOf(lane: LaneName): SplitterPorts['finalize'] {
    return { send: async (message, delaySeconds) => this.#put(this.#finalize, message, lane, delaySeconds * 1000) };
  }

  #consumerPorts(lane: LaneName): ConsumerPorts {
    const { ports, limiter: store, api } = this.#consumer;
    const sink: ConsumerPorts['sink'] = {
      deliver: async (request) => {
        const file = this.#files.get(request.origin.fileId);
        if (file) file.firstRecordMs ??= this.#elapsedMs;
        return api.deliver(request);
      },
    };
    return {
      ...ports,
      ledger: this.ledger,
      sink,
      batches: this.#batchesOf(lane),
      finalize: this.#finalizeOf(lane),
      limiter: new SharedLimiter({
        ...{ store, clock: this.clock, limit: this.#scenario.limit, feed: 'traffic', newId: ports.newId },
        random: () => this.#dice.next(),
        correctionMs: () => 0,
      }),
      run: new FailureRun(),
      rate: new SendRate(),
      files: new KnownFiles(),
      random: () => this.#dice.next(),
    };
  }

  #reconcilerPorts(): ReconcilePorts {
    const { ledger, clock, archived } = this;
    const counted =
      <T>(answer: () => T) =>
      async (): Promise<T> => (this.#sqsCalls++, answer());
    const deadQueue = () => ({
      messages: counted(() => 0),
      isBeingRedriven: counted(() => false),
      read: async () => {},
    });
    const lane = (name: LaneName) => ({ feed: 'traffic', lane: name });
    const waiting = (name: LaneName) => () => this.#records.filter((each) => each.lane === name).length;
    return {
      ...{ ledger, clock, log: silentLog, archiveBucket: 'archive', stackName: 'sluice-test', feedNamed },
      lanes: (['main', 'express'] as const).map((name) => ({
        ...lane(name),
        intake: this.#intakeOf(name),
        records: { messages: counted(waiting(name)) },
      })),
      dlqs: (['main', 'express'] as const).map((name) => ({
        ...lane(name),
        letters: deadQueue(),
        records: deadQueue(),
        intake: deadQueue(),
      })),
      finalize: this.#finalizeOf('main'),
      nights: { askForNight: async () => undefined },
      finalizeDlq: deadQueue(),
      receipts: this.#consumer.ports.receipts,
      payloads: this.#consumer.ports.payloads,
      archive: {
        getStream: async (key) => (archived.has(key) ? Readable.from([archived.get(key)]) : undefined),
        putStream: async (key, body) => void archived.set(key, Buffer.concat(await body.toArray())),
      },
      feed: { feed: 'traffic', api: 'avstar', limit: this.#scenario.limit },
      ...{ sharing: [], expected: [], hasControls: false },
      limiterOf: () => this.#consumer.limiter,
      desk: this.#desk,
      metricsOf: () => ({ add: () => undefined, flush: () => undefined }),
      newId: this.#consumer.ports.newId,
      stalledAfterMs: 1_800_000,
      leaseMs: 305_000,
    };
  }

  #manifestOf(fileId: string): Manifest {
    const key = this.ledger.files.get(fileId)?.manifest?.key ?? '';
    return JSON.parse(this.archived.get(key)?.toString() ?? 'null') as Manifest;
  }
}

/**
 * When a file of files that are dropped at once should be done if each gets the same share of the limit for as long as it
 * has records left: after every other file has sent as much as this one has. Milliseconds.
 */
export function fairEndMs(rows: number, all: readonly number[], { requests, windowSeconds }: RateLimit): number {
  const before = all.reduce((sum, other) => sum + Math.min(other, rows), 0);
  return (before * windowSeconds * 1000) / requests;
}
