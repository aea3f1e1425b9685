import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import type { Feed } from '../../feeds/feed.ts';
import { feedNamed } from '../../feeds/index.ts';
import type { WithoutResult } from '../../cli/operate/go-without.ts';
import { goWithout } from '../../cli/operate/go-without.ts';
import type { StopPorts } from '../../cli/operate/stop-ports.ts';
import type { Who } from '../../cli/operate/who.ts';
import type { ReleaseResult } from '../../cli/operate/release-file.ts';
import { releaseFile } from '../../cli/operate/release-file.ts';
import type { ReleasedRecords } from '../../lambdas/core/account/stops.ts';
import { parseSeriesPattern } from '../../feeds/series-pattern.ts';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import { handleLetter } from '../../lambdas/consumer/retry-letter.ts';
import { tryCorrection } from '../../lambdas/consumer/try-correction.ts';
import { signed } from '../../lambdas/core/authenticity.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { FinalizerPorts } from '../../lambdas/finalizer/finalizer-ports.ts';
import { finalizeFile } from '../../lambdas/finalizer/finalize-file.ts';
import type { RevisionRules } from '../../lambdas/core/series/revision-guard.ts';
import type { BatchMessage, CorrectionMessage, FinalizeMessage, Letter } from '../../lambdas/messages.ts';
import type { Archive, FinalizeQueue, IntakeQueue, Ledger, SinkRequest, SourceObjects } from '../../lambdas/ports.ts';
import type { RateLimit } from '../../lambdas/core/limiter/limiter.ts';
import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import { awsFaultOf } from '../../lambdas/core/aws-fault.ts';
import { LeaseLostError } from '../../lambdas/core/errors.ts';
import { openLedger } from '../../lambdas/ledger/open-ledger.ts';
import { requeueStalled } from '../../lambdas/reconciler/requeue-stalled.ts';
import { LatestPlan } from '../../lambdas/splitter/latest-plan.ts';
import { reemitBatches } from '../../lambdas/splitter/reemit-batches.ts';
import type { SplitterPorts } from '../../lambdas/splitter/splitter-ports.ts';
import { fileLeaseMs } from '../../lambdas/splitter/splitter-ports.ts';
import { splitFile } from '../../lambdas/splitter/split-file.ts';
import { fixtureOf } from './feed-fixture.ts';
import type { ConsumerWorld } from './in-memory-ports.ts';
import { consumerWorld, silentLog } from './in-memory-ports.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import type { ChangedRecords } from './scheduling-api.ts';
import { SchedulingApi } from './scheduling-api.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { OnStep } from './steps.ts';
import { KilledError, Steps } from './steps.ts';
import type { SplitterWorld } from './splitter-world.ts';
import { splitterWorld } from './splitter-world.ts';
import type { LogRow } from './log-rows.ts';
import { airtime, exportOf } from './log-rows.ts';
import { inMemoryArchive, partsInMemory } from './in-memory-archive.ts';

type Task =
  | { kind: 'drop'; fileId: string }
  | { kind: 'continue'; fileId: string }
  | { kind: 'reemit'; fileId: string }
  | { kind: 'release'; fileId: string; sends: ReleasedRecords | undefined }
  | { kind: 'cancel'; fileId: string }
  | { kind: 'without'; fileId: string; earlierId: string }
  | { kind: 'batch'; message: BatchMessage }
  | { kind: 'finalize'; message: FinalizeMessage }
  | { kind: 'letter'; letter: Letter; messageId: string; sentAt: number }
  | { kind: 'correction'; message: CorrectionMessage };

/** A message that has failed comes back after this. Milliseconds. */
const putBackMs = 30_000;

/** What was not touched for this long has stalled. Milliseconds. */
const stalledAfterMs = 60 * 60_000;

const limits = { maxBatchRecords: 5, maxBatchBytes: 64 * 1024, maxRecordBytes: 8 * 1024 };

/** The feed with a rule that accepts what is damaged for the usual one. */
const traffic = feedNamed('traffic');
const isText = (value: unknown): value is string => typeof value === 'string';
const lenient: Feed = {
  ...traffic,
  rulesVersion: 100,
  schema: z.preprocess((row: Record<string, unknown>) => {
    const { Duration: duration } = row;
    return isText(duration) ? { ...row, Duration: duration.replace(/s$/, '') } : row;
  }, traffic.schema),
};

type Lane = 'main' | 'express';
const keyPrefixOf: Record<Lane, string> = { main: 'traffic/', express: 'express/traffic/' };

/** How a file is dropped. */
export interface Drop {
  columns?: string;
  lane?: Lane;
  isGzip?: boolean;
  /** Its event comes this much later than S3 stores it. Milliseconds. */
  lateMs?: number;
}

interface DroppedFile {
  fileId: string;
  lane: Lane;
  key: string;
  bytes: Buffer;
  etag: string;
  modifiedAt: number;
}

export interface WorldSettings {
  /** The feed says what its API does with a changed record. */
  isDeclared?: boolean;
  pattern?: string;
  limit?: RateLimit;
}

/** Which of the messages that are due is next, and whether it comes again. */
type Pick = (due: number) => { index: number; isRepeated: boolean };

/** Splitter, consumer and finalizer over one ledger and many files of a series, with their queues, in memory. */
export class RevisionWorld {
  // Consumers wait for nothing but promises.
  readonly clock = new SimulatedClock(undefined, 1);
  readonly api: SchedulingApi;
  /** As anyone may look at it; the functions' own calls are steps. */
  readonly ledger: MemoryLedger;
  /** The same, as the functions have it. */
  readonly ledgerOfFunctions: Ledger;
  readonly archived = new Map<string, Buffer>();
  /** What is in the queues, each from its time on. */
  readonly queue: { task: Task; dueAt: number }[] = [];
  /** Letters in the DLQ. */
  readonly dlq: Letter[] = [];
  /** Of one process for all messages; without it, each is handled by a process of its own. */
  plans: LatestPlan | undefined;
  /** How often a splitter has begun to read an object of the archive. */
  evidenceReads = 0;
  /** Called after each message. */
  onHandled: () => void = () => undefined;
  /** Functions that are handled: one, and those that run in the middle of it. */
  depth = 0;
  readonly #steps = new Steps(this.clock);
  readonly #splitter: SplitterWorld;
  readonly #consumer: ConsumerWorld;
  readonly #archive: Archive;
  readonly #files = new Map<string, DroppedFile>();
  #messages = 0;

  constructor(changed: ChangedRecords = 'replaces', settings: WorldSettings = {}) {
    const { isDeclared = changed !== 'doubles', pattern = 'log_R{#}.csv' } = settings;
    const { limit = { requests: 60_000, windowSeconds: 60 } } = settings;
    this.api = new SchedulingApi(changed);
    this.ledger = openMemoryLedger(this.clock);
    this.ledgerOfFunctions = openLedger(this.#steps.around('dynamodb', this.ledger.store), this.clock);
    this.#archive = this.#steps.around('s3', this.#archiveOfAll());
    this.#splitter = splitterWorld(this.clock, Buffer.of());
    const { batches, intake, finalize } = this.#splitter.ports;
    Object.assign(this.#splitter.ports, {
      feed: traffic,
      batches: this.#steps.around('sqs', batches),
      intake: this.#steps.around('sqs', intake),
      finalize: this.#steps.around('sqs', finalize),
      sources: this.#steps.around('s3', this.#sources()),
      series: {
        pattern: parseSeriesPattern(pattern),
        isConfigured: true,
        setting: 'SLUICE_TRAFFIC_SERIES',
        keyPrefix: keyPrefixOf.main,
        rules: { changedRecords: isDeclared && changed !== 'doubles' ? changed : undefined, guard: 1 },
      },
    });
    this.#consumer = consumerWorld(this.clock, fixtureOf([], traffic), limit, (store) =>
      this.#steps.around('dynamodb', store),
    );
    const { ports } = this.#consumer;
    Object.assign(ports, {
      ledger: this.ledgerOfFunctions,
      sink: this.#steps.around('api', { deliver: async (request: SinkRequest) => this.api.deliver(request) }),
      batches: this.#steps.around('sqs', ports.batches),
      letters: this.#steps.around('sqs', ports.letters),
      finalize: this.#steps.around('sqs', ports.finalize),
      receipts: this.#steps.around('s3', ports.receipts),
      payloads: this.#steps.around('s3', ports.payloads),
    });
  }

  /** What happens at each step of a function. */
  set onStep(onStep: OnStep) {
    this.#steps.onStep = onStep;
  }

  /** The queue holds at most so many records of a file. */
  limitQueue(records: number): void {
    this.#splitter.ports.horizon = { records, recordsPerSecond: 1 };
  }

  /** What the feed declares and allows from now on. */
  set rules(rules: RevisionRules) {
    const { series } = this.#splitter.ports;
    if (series) series.rules = rules;
  }

  file(fileId: string): FileAccount {
    const file = this.ledger.files.get(fileId);
    if (!file) throw new Error(`There is no file ${fileId}.`);
    return file;
  }

  /** Its newest one. */
  manifestOf(fileId: string): Manifest | undefined {
    const key = this.ledger.files.get(fileId)?.manifest?.key;
    return key === undefined ? undefined : this.#read(key);
  }

  readonly #manifests = new Map<string, Manifest>();

  /** An object of the archive never changes. */
  #read(key: string): Manifest | undefined {
    const known = this.#manifests.get(key);
    const text = known ? undefined : this.archived.get(key)?.toString();
    if (text === undefined) return known;
    const manifest = JSON.parse(text) as Manifest;
    this.#manifests.set(key, manifest);
    return manifest;
  }

  /** The objects of its folder in the archive, by their names there. */
  evidenceOf(fileId: string): Map<string, Buffer> {
    const folder = this.file(fileId).manifest?.key.replace(/[^/]*$/, '') ?? '';
    const named = [...this.archived].filter(([key]) => key.startsWith(folder));
    const { key: source, bytes } = this.#dropped(fileId);
    return new Map([
      ...named.map(([key, object]): [string, Buffer] => [key.slice(folder.length), object]),
      [`source/${source.slice(source.lastIndexOf('/') + 1)}`, bytes],
    ]);
  }

  /** @returns its file id */
  drop(number: number, rows: readonly LogRow[], delayMs = 0, how: Drop = {}): string {
    const { columns, lane = 'main', isGzip = false, lateMs = 0 } = how;
    const fileId = `traffic.${number}`;
    const text = exportOf(rows, columns);
    const bytes = isGzip ? gzipSync(text) : text;
    const key = `${keyPrefixOf[lane]}log_R${number}.csv`;
    const etag = `"${hash('md5', bytes)}"`;
    this.#files.set(fileId, { fileId, lane, key, bytes, etag, modifiedAt: this.clock.now() + delayMs });
    this.#add({ kind: 'drop', fileId }, delayMs + lateMs);
    return fileId;
  }

  redrive(letter: Letter): void {
    this.#add({ kind: 'letter', letter, messageId: `m${++this.#messages}`, sentAt: this.clock.now() + 1 }, 1);
  }

  /** A person has corrected a row whose record is dead. */
  async correct(
    fileId: string,
    record: number,
    { spot, client }: LogRow,
    { asNew = false }: { asNew?: boolean } = {},
  ): Promise<void> {
    const dead = await this.ledger.getDead(fileId, record);
    const row = { SpotID: spot, StationCode: 'WABC', AirDateTime: airtime, Duration: '30', ClientName: client };
    const correction: CorrectionMessage = {
      ...{ v: 1, kind: 'correction', correction_id: `c${++this.#messages}`, feed: 'traffic', file_id: fileId, record },
      ...{ sha256: dead?.sha256 ?? '', row, changed: ['ClientName'], by: 'ann', at: '2026-01-05T08:00:00.000Z' },
      ...(asNew ? { as_new: true as const } : {}),
      failures: 0,
    };
    this.#add({ kind: 'correction', message: signed(correction, this.file(fileId)) }, 0);
  }

  /** A person's command, which is run again if it is killed. */
  askToRelease(fileId: string, sends: ReleasedRecords | undefined): void {
    this.#add({ kind: 'release', fileId, sends }, 0);
  }

  askToCancel(fileId: string): void {
    this.#add({ kind: 'cancel', fileId }, 0);
  }

  askToGoWithout(fileId: string, earlierId: string): void {
    this.#add({ kind: 'without', fileId, earlierId }, 0);
  }

  /** Takes the messages about a file out of the queues. */
  takeMessages(fileId: string): { task: Task; dueAt: number }[] {
    const isAbout = ({ task }: { task: Task }): boolean => 'fileId' in task && task.fileId === fileId;
    const isIn = ({ task }: { task: Task }): boolean =>
      'message' in task && 'fileId' in task.message && task.message.fileId === fileId;
    const taken = this.queue.filter((each) => isAbout(each) || isIn(each));
    for (const each of taken) this.queue.splice(this.queue.indexOf(each), 1);
    return taken;
  }

  /** As the reconciler does if batches were lost. */
  askToMakeAgain(fileId: string): void {
    this.#add({ kind: 'reemit', fileId }, 0);
  }

  /**
   * The feed's rules change: what was compared before must not be sent by them without a person's decision.
   * @param rules `lenient`: damaged rows are good from now on; by default only their version changes
   */
  deploy(rules: 'renamed' | 'lenient' = 'renamed'): void {
    const { feed } = this.#splitter.ports;
    const next = rules === 'lenient' ? lenient : { ...feed, rulesVersion: (feed.rulesVersion ?? 1) + 1 };
    this.#splitter.ports.feed = this.#consumer.ports.feed = next;
  }

  async release(fileId: string, sends?: ReleasedRecords): Promise<ReleaseResult> {
    const ports = {
      ledger: this.ledgerOfFunctions,
      intakeOf: () => this.#intake,
      finalize: { send: async () => undefined },
    };
    return releaseFile(fileId, { by: 'ann', why: 'it is right' }, ports, sends);
  }

  /** A person decides that a revision goes on without an earlier one. */
  goWithout(fileId: string, earlierId: string, who: Who = { by: 'ann', why: 'it hangs' }): Promise<WithoutResult> {
    const ports: StopPorts = {
      ledger: this.ledgerOfFunctions,
      intakeOf: () => this.#intake,
      finalize: this.#steps.around<FinalizeQueue>('sqs', {
        send: async (message) => this.#add({ kind: 'finalize', message }, 0),
      }),
    };
    return goWithout(fileId, earlierId, who, ports);
  }

  /**
   * Handles a message; a killed function's message returns once its leases have expired. In the middle of a function, so that
   * two of them run at once, it is handled while that one waits for its call.
   */
  async handle(index: number, isRepeated: boolean): Promise<void> {
    const [{ task }] = this.queue.splice(index, 1) as [{ task: Task; dueAt: number }];
    if (isRepeated) this.#add(task, 0);
    const depth = ++this.depth;
    try {
      const work = this.#steps.run(task.kind, (deadline) => this.#handle(task, deadline));
      // Only consumers sleep. The others decompress in threads, for which the simulated clock does not wait.
      const isConsumer = ['batch', 'letter', 'correction'].includes(task.kind);
      await (isConsumer ? this.clock.run(work, () => this.depth > depth) : work);
    } catch (error) {
      const comesBack = awsFaultOf(error) !== undefined || error instanceof LeaseLostError;
      if (!comesBack && !(error instanceof KilledError)) throw error;
      // What waits for AWS, or for another function, is put back; the message of a killed function is hidden for longer.
      this.#add(task, comesBack ? putBackMs : 2 * fileLeaseMs);
    } finally {
      this.depth--;
    }
    this.#collect();
    this.onHandled();
  }

  /** Puts the messages that are due first. @returns how many these are */
  countDue(): number {
    this.queue.sort((a, b) => a.dueAt - b.dueAt);
    return this.queue.filter(({ dueAt }) => dueAt <= this.clock.now()).length;
  }

  /** Until no message is left. */
  async run(pick: Pick, maxMessages = 5000): Promise<void> {
    for (let handled = 0; this.queue.length > 0; handled++) {
      if (handled > maxMessages) throw new Error('A file waits for ever.');
      await this.#handleNext(pick);
    }
  }

  /** While a function waits for its call that long, others handle at most so many messages. Milliseconds. */
  async runMeanwhile(pick: Pick, ms: number, maxMessages: number): Promise<void> {
    const until = this.clock.now() + ms;
    // The clock of the function that waits is moved here.
    this.depth++;
    try {
      for (let handled = 0; handled < maxMessages && this.#firstDueAt() <= until; handled++)
        await this.#handleNext(pick);
      if (this.clock.now() < until) await this.clock.advance(until - this.clock.now());
    } finally {
      this.depth--;
    }
  }

  #firstDueAt(): number {
    return Math.min(...this.queue.map(({ dueAt }) => dueAt));
  }

  /** Once it is due. */
  async #handleNext(pick: Pick): Promise<void> {
    const waitMs = this.#firstDueAt() - this.clock.now();
    if (waitMs > 0) await this.clock.advance(waitMs);
    const due = this.countDue();
    // What was due may have been handled while the clock was moved on.
    if (due === 0) return;
    const { index, isRepeated } = pick(due);
    await this.handle(index, isRepeated);
  }

  /** Later, as a run of the reconciler: it asks for what a killed function, or one without AWS, left unfinished. */
  async reconcile(): Promise<void> {
    await this.clock.advance(2 * stalledAfterMs);
    const isBatch = ({ task }: { task: Task }): boolean => task.kind === 'batch';
    await requeueStalled({
      ledger: this.ledger,
      lanes: (['main', 'express'] as const).map((lane) => ({
        ...{ feed: 'traffic', lane },
        intake: {
          send: async ({ kind, fileId }, delaySeconds) => this.#add({ kind, fileId }, 1000 * delaySeconds),
        },
        records: { messages: async () => this.queue.filter(isBatch).length },
      })),
      finalize: { send: async (message) => this.#add({ kind: 'finalize', message }, 0) },
      clock: this.clock,
      log: silentLog,
      feed: { api: 'api' },
      limiterOf: () => ({ read: async () => ({}) }),
      stalledAfterMs,
      metricsOf: () => this.#consumer.ports.metrics,
    });
  }

  #dropped(fileId: string): DroppedFile {
    const file = this.#files.get(fileId);
    if (!file) throw new Error(`No file ${fileId} was dropped.`);
    return file;
  }

  #add(task: Task, delayMs: number): void {
    this.queue.push({ task, dueAt: this.clock.now() + delayMs });
  }

  async #handle(task: Task, deadline: Deadline): Promise<void> {
    switch (task.kind) {
      case 'drop': {
        const { fileId, key, etag, bytes, lane } = this.#dropped(task.fileId);
        const source = { bucket: 'intake', key, etag, sizeBytes: bytes.length };
        const file = { fileId, feed: 'traffic', lane, source, limits };
        return splitFile(fileId, file, this.#splitterPortsOf(fileId), deadline);
      }
      case 'continue':
        return splitFile(task.fileId, undefined, this.#splitterPortsOf(task.fileId), deadline);
      case 'reemit': {
        const message = { v: 1 as const, kind: 'reemit' as const, feed: 'traffic', fileId: task.fileId };
        return reemitBatches(message, this.#splitterPortsOf(task.fileId), deadline);
      }
      case 'release':
        // What is not held as a revision is released without an answer.
        if ((await this.release(task.fileId)).kind === 'refused') await this.release(task.fileId, task.sends);
        return undefined;
      case 'cancel':
        await this.ledgerOfFunctions.cancelFile(task.fileId, { by: 'ann', why: 'it may be wrong' });
        return undefined;
      case 'without':
        await this.goWithout(task.fileId, task.earlierId);
        return undefined;
      case 'batch':
        return deliverBatch(task.message, this.#consumer.ports, deadline);
      case 'finalize':
        return finalizeFile(task.message, this.#finalizerPorts, deadline);
      case 'correction':
        return tryCorrection(
          task.message,
          { ...this.#consumer.ports, inTurn: <T>(work: () => Promise<T>) => work() },
          deadline,
        );
      case 'letter': {
        const { letter, messageId: id, sentAt } = task;
        const ports = { ...this.#consumer.ports, inTurn: <T>(work: () => Promise<T>) => work() };
        const end = await handleLetter(letter, { id, sentAt, receives: 1 }, ports, deadline);
        if (end.kind === 'back') this.dlq.push(letter);
      }
    }
  }

  /** Puts what the functions sent into their queues. */
  #collect(): void {
    const { sent, intake, delaysSeconds, finalize } = this.#splitter;
    for (const message of sent.splice(0)) this.#add({ kind: 'batch', message }, 0);
    for (const message of intake.splice(0)) {
      this.#add({ kind: message.kind, fileId: message.fileId }, 1000 * (delaysSeconds.shift() ?? 0));
    }
    for (const message of finalize.splice(0)) this.#add({ kind: 'finalize', message }, message.amend ? 20_000 : 0);
    const { successors, letters, sentBack, finalize: asked } = this.#consumer;
    for (const { message, delaySeconds } of successors.splice(0)) {
      this.#add({ kind: 'batch', message }, 1000 * delaySeconds);
    }
    for (const { message, delaySeconds } of asked.splice(0))
      this.#add({ kind: 'finalize', message }, 1000 * delaySeconds);
    for (const letter of letters.splice(0)) {
      this.#add({ kind: 'letter', letter, messageId: `m${++this.#messages}`, sentAt: this.clock.now() }, 0);
    }
    for (const { letter, delaySeconds } of sentBack.splice(0)) {
      if (letter.kind !== 'letter') {
        this.#add({ kind: 'correction', message: letter }, 1000 * delaySeconds);
        continue;
      }
      const sentAt = this.clock.now() + 1000 * delaySeconds;
      this.#add({ kind: 'letter', letter, messageId: `m${++this.#messages}`, sentAt }, 1000 * delaySeconds);
    }
  }

  #splitterPortsOf(fileId: string): Parameters<typeof reemitBatches>[1] {
    const { ports } = this.#splitter;
    const keyPrefix = keyPrefixOf[this.#dropped(fileId).lane];
    return {
      ...ports,
      ledger: this.ledgerOfFunctions,
      plans: this.plans ?? new LatestPlan(),
      ...(ports.series ? { series: { ...ports.series, keyPrefix } } : {}),
      archive: this.#evidence,
    };
  }

  /** As splitters read it. */
  get #evidence(): NonNullable<SplitterPorts['archive']> {
    const archive = this.#archive;
    return {
      has: (key) => archive.has(key),
      putStream: (key, body, contentType) => archive.putStream(key, body, contentType),
      getStream: (key) => (this.evidenceReads++, archive.getStream(key)),
    };
  }

  #sources(): SourceObjects {
    const files = this.#files;
    const objectOf = (key: string) => [...files.values()].find((file) => file.key === key);
    return {
      head: async ({ key }) => {
        const object = objectOf(key);
        return object && { etag: object.etag, sizeBytes: object.bytes.length, modifiedAt: object.modifiedAt };
      },
      async *read({ key }, offset) {
        await Promise.resolve();
        yield (objectOf(key)?.bytes ?? Buffer.of()).subarray(offset);
      },
    };
  }

  /** Sources are not copied into it: they are read where they were dropped. */
  #archiveOfAll(): Archive {
    const archive = inMemoryArchive(this.archived);
    return {
      ...archive,
      getStream: async (key) => {
        const name = /\/source\/(.*)$/.exec(key)?.[1];
        const source = name && [...this.#files.values()].find((file) => file.key.endsWith(`/${name}`));
        return source ? Readable.from([source.bytes]) : archive.getStream(key);
      },
    };
  }

  readonly #intake = this.#steps.around<IntakeQueue>('sqs', {
    send: async ({ kind, fileId }, delaySeconds) => this.#add({ kind, fileId }, 1000 * delaySeconds),
  });

  get #finalizerPorts(): FinalizerPorts {
    return {
      ledger: this.ledgerOfFunctions,
      intakeOf: () => this.#intake,
      receipts: this.#consumer.ports.receipts,
      archive: this.#archive,
      archiveBucket: 'archive',
      ...partsInMemory(this.archived),
      reported: () => undefined,
      finalize: this.#consumer.ports.finalize,
      desk: { notify: async () => undefined },
      feedDecisions: async () => [],
      mails: { askForMail: async () => undefined },
      metrics: this.#consumer.ports.metrics,
      events: { publish: async () => undefined },
      clock: this.clock,
      log: silentLog,
      version: '1.2.3',
    };
  }
}
