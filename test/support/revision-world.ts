import { LatestPlan } from '../../lambdas/splitter/latest-plan.ts';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
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
import type { SinkAnswer, SinkRequest } from '../../lambdas/ports.ts';
import { reemitBatches } from '../../lambdas/splitter/reemit-batches.ts';
import type { SplitterPorts } from '../../lambdas/splitter/splitter-ports.ts';
import { fileLeaseMs } from '../../lambdas/splitter/splitter-ports.ts';
import { splitFile } from '../../lambdas/splitter/split-file.ts';
import { fixtureOf } from './feed-fixture.ts';
import type { ConsumerWorld } from './in-memory-ports.ts';
import { consumerWorld, silentLog } from './in-memory-ports.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { SplitterWorld } from './splitter-world.ts';
import { noDeadline, splitterWorld } from './splitter-world.ts';
import { inMemoryArchive, partsInMemory } from './in-memory-archive.ts';

/** A row of a log, by its spot; airtimes are all the same. */
export interface LogRow {
  spot: string;
  client: string;
  /** A row that the feed rejects. */
  isDamaged?: true;
}

const limits = { maxBatchRecords: 5, maxBatchBytes: 64 * 1024, maxRecordBytes: 8 * 1024 };
const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const airtime = '2026-01-05 06:00:00';

export function exportOf(rows: readonly LogRow[], columns = header): Buffer {
  const lines = rows.map(
    ({ spot, client, isDamaged }) => `${spot},WABC,${airtime},${isDamaged ? '30s' : '30'},${client}`,
  );
  return Buffer.from([columns, ...lines, ''].join('\n'));
}

type Task =
  | { kind: 'drop'; fileId: string }
  | { kind: 'continue'; fileId: string }
  | { kind: 'reemit'; fileId: string }
  | { kind: 'release'; fileId: string; sends: ReleasedRecords | undefined }
  | { kind: 'cancel'; fileId: string }
  | { kind: 'batch'; message: BatchMessage }
  | { kind: 'finalize'; message: FinalizeMessage }
  | { kind: 'letter'; letter: Letter; messageId: string; sentAt: number }
  | { kind: 'correction'; message: CorrectionMessage };

/** What an API does with a changed record: nothing special, so that it has both; see SLUICE_<FEED>_CHANGED_RECORDS. */
export type ChangedRecords = 'doubles' | 'replaces' | 'supersedes';

/** An API that knows every request id that it has stored, and entries by request id. */
export class SchedulingApi {
  /** Spots that were stored while they were there already. */
  readonly doubled: string[] = [];
  readonly #changed: ChangedRecords;
  readonly #known = new Set<string>();
  readonly #entries = new Map<string, { spot: string; client: string }>();
  requests = 0;
  /** What it does with a request in place of storing it. */
  turn: (request: SinkRequest) => SinkAnswer | 'store-and-fail' | undefined = () => undefined;

  constructor(changed: ChangedRecords) {
    this.#changed = changed;
  }

  /** By spot and airtime. */
  get schedule(): Map<string, string> {
    return new Map([...this.#entries.values()].map(({ spot, client }) => [spot, client]));
  }

  /** A person removes a spot. */
  remove(spot: string): void {
    for (const [id, entry] of this.#entries) if (entry.spot === spot) this.#entries.delete(id);
  }

  deliver(request: SinkRequest): SinkAnswer {
    this.requests++;
    // It looks up the request id before it judges the record.
    const turn = this.#known.has(request.requestId) ? undefined : this.turn(request);
    if (turn !== undefined && turn !== 'store-and-fail') return turn;
    const answer = this.#store(request);
    if (turn === 'store-and-fail') return { kind: 'failed', status: null, reason: 'econnreset', ambiguous: true };
    return answer;
  }

  #store({ requestId, payload, supersedes: [superseded] = [] }: SinkRequest): SinkAnswer {
    if (this.#known.has(requestId)) return { kind: 'duplicate', status: 409 };
    const spot = String(payload['spot_id']);
    if (superseded && this.#changed === 'supersedes') {
      if (!this.#entries.delete(superseded)) {
        return { kind: 'refused', status: 412, answer: 'no such entry', lacksSuperseded: true };
      }
    }
    if (this.#changed === 'replaces') this.remove(spot);
    if (this.schedule.has(spot)) this.doubled.push(spot);
    this.#known.add(requestId);
    this.#entries.set(requestId, { spot, client: String(payload['advertiser']) });
    return { kind: 'uploaded', status: 201 };
  }
}

/** Splitter, consumer and finalizer over one ledger and many files of a series, with their queues, in memory. */
export class RevisionWorld {
  readonly clock = new SimulatedClock();
  readonly api: SchedulingApi;
  readonly archived = new Map<string, Buffer>();
  /** What is in the queues, each from its time on. */
  readonly queue: { task: Task; dueAt: number }[] = [];
  /** Letters in the DLQ. */
  readonly dlq: Letter[] = [];
  /** Called before and after every write; throws to kill a function. */
  onStep: () => void = () => undefined;
  /** Of one process for all messages; without it, each is handled by a process of its own. */
  plans: LatestPlan | undefined;
  /** How often a splitter has begun to read an object of the archive. */
  evidenceReads = 0;
  /** Called after each message. */
  onHandled: () => void = () => undefined;
  readonly #splitter: SplitterWorld;
  readonly #consumer: ConsumerWorld;
  readonly #objects = new Map<string, { bytes: Buffer; modifiedAt: number }>();
  #messages = 0;

  /** @param isDeclared the feed says what its API does with a changed record */
  constructor(changed: ChangedRecords = 'replaces', isDeclared = changed !== 'doubles') {
    this.api = new SchedulingApi(changed);
    this.#splitter = splitterWorld(this.clock, Buffer.of());
    this.#splitter.onStep = () => this.onStep();
    this.#consumer = consumerWorld(this.clock, fixtureOf([]), { requests: 60_000, windowSeconds: 60 });
    const { ledger } = this.#splitter.ports;
    Object.assign(this.#consumer.ports, {
      ledger,
      sink: { deliver: (request: SinkRequest) => Promise.resolve(this.api.deliver(request)) },
    });
    this.#splitter.ports.series = {
      pattern: parseSeriesPattern('log_R{#}.csv'),
      isConfigured: true,
      setting: 'SLUICE_TRAFFIC_SERIES',
      keyPrefix: 'traffic/',
      rules: { changedRecords: isDeclared && changed !== 'doubles' ? changed : undefined, guard: 1 },
    };
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

  get ledger(): SplitterWorld['ports']['ledger'] {
    return this.#splitter.ports.ledger;
  }

  file(fileId: string): FileAccount {
    const file = this.ledger.files.get(fileId);
    if (!file) throw new Error(`There is no file ${fileId}.`);
    return file;
  }

  manifestOf(fileId: string): Manifest | undefined {
    const key = this.ledger.files.get(fileId)?.manifest?.key;
    return key === undefined ? undefined : (JSON.parse(this.archived.get(key)?.toString() ?? 'null') as Manifest);
  }

  /** The objects of its folder in the archive, by their names there. */
  evidenceOf(fileId: string): Map<string, Buffer> {
    const folder = this.file(fileId).manifest?.key.replace(/[^/]*$/, '') ?? '';
    const named = [...this.archived].filter(([key]) => key.startsWith(folder));
    const source = this.#keyOf(fileId);
    return new Map([
      ...named.map(([key, bytes]): [string, Buffer] => [key.slice(folder.length), bytes]),
      [`source/${source.slice(source.lastIndexOf('/') + 1)}`, this.#objects.get(source)?.bytes ?? Buffer.of()],
    ]);
  }

  /** @returns its file id */
  drop(number: number, rows: readonly LogRow[], delayMs = 0, columns?: string): string {
    const fileId = `traffic.${number}`;
    this.#objects.set(this.#keyOf(fileId), { bytes: exportOf(rows, columns), modifiedAt: this.clock.now() + delayMs });
    this.#add({ kind: 'drop', fileId }, delayMs);
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

  /** As the reconciler does if batches were lost. */
  askToMakeAgain(fileId: string): void {
    this.#add({ kind: 'reemit', fileId }, 0);
  }

  /** The feed's rules change, in name: what was compared before must not be sent by them without a person's decision. */
  deploy(): void {
    const { feed } = this.#splitter.ports;
    this.#splitter.ports.feed = { ...feed, rulesVersion: (feed.rulesVersion ?? 1) + 1 };
  }

  async release(fileId: string, sends?: ReleasedRecords): Promise<ReleaseResult> {
    const ports = {
      ledger: this.ledger,
      intakeOf: () => ({ send: async () => this.#add({ kind: 'reemit', fileId }, 0) }),
      finalize: { send: async () => undefined },
    };
    return releaseFile(fileId, { by: 'ann', why: 'it is right' }, ports, sends);
  }

  /** Handles a message; a killed function's message returns once its leases have expired. */
  async handle(index: number, isRepeated: boolean): Promise<void> {
    const [{ task }] = this.queue.splice(index, 1) as [{ task: Task; dueAt: number }];
    if (isRepeated) this.#add(task, 1000);
    try {
      const work = this.#handle(task);
      // Only consumers sleep. The others decompress in threads, for which the simulated clock does not wait.
      await (['batch', 'letter', 'correction'].includes(task.kind) ? this.clock.run(work) : work);
    } catch {
      this.#add(task, 2 * fileLeaseMs);
    }
    this.#collect();
    this.onHandled();
  }

  /** Until no message is left. @param pick which of the messages that are due is next, and whether it comes again */
  async run(pick: (due: number) => { index: number; isRepeated: boolean }, maxMessages = 5000): Promise<void> {
    for (let handled = 0; this.queue.length > 0; handled++) {
      if (handled > maxMessages) throw new Error('A file waits for ever.');
      this.queue.sort((a, b) => a.dueAt - b.dueAt);
      const first = this.queue[0]?.dueAt ?? 0;
      if (first > this.clock.now()) await this.clock.advance(first - this.clock.now());
      const due = this.queue.filter(({ dueAt }) => dueAt <= this.clock.now()).length;
      const { index, isRepeated } = pick(due);
      await this.handle(index, isRepeated);
    }
  }

  #keyOf(fileId: string): string {
    return `traffic/log_R${fileId.slice('traffic.'.length)}.csv`;
  }

  #add(task: Task, delayMs: number): void {
    this.queue.push({ task, dueAt: this.clock.now() + delayMs });
  }

  async #handle(task: Task): Promise<void> {
    const ports = this.#splitterPorts;
    switch (task.kind) {
      case 'drop': {
        const { fileId } = task;
        const key = this.#keyOf(fileId);
        const bytes = this.#objects.get(key)?.bytes ?? Buffer.of();
        const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
        const source = { bucket: 'intake', key, etag, sizeBytes: bytes.length };
        return splitFile(fileId, { fileId, feed: 'traffic', lane: 'main', source, limits }, ports, noDeadline);
      }
      case 'continue':
        return splitFile(task.fileId, undefined, ports, noDeadline);
      case 'reemit':
        return reemitBatches({ v: 1, kind: 'reemit', feed: 'traffic', fileId: task.fileId }, ports, noDeadline);
      case 'release':
        // What is not held as a revision is released without an answer.
        if ((await this.release(task.fileId)).kind === 'refused') await this.release(task.fileId, task.sends);
        return undefined;
      case 'cancel':
        await this.ledger.cancelFile(task.fileId, { by: 'ann', why: 'it may be wrong' });
        return undefined;
      case 'batch':
        return deliverBatch(task.message, this.#consumer.ports, noDeadline);
      case 'finalize':
        return finalizeFile(task.message, this.#finalizerPorts, noDeadline);
      case 'correction':
        return tryCorrection(
          task.message,
          { ...this.#consumer.ports, inTurn: <T>(work: () => Promise<T>) => work() },
          noDeadline,
        );
      case 'letter': {
        const { letter, messageId: id, sentAt } = task;
        const ports = { ...this.#consumer.ports, inTurn: <T>(work: () => Promise<T>) => work() };
        const end = await handleLetter(letter, { id, sentAt, receives: 1 }, ports, noDeadline);
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

  get #splitterPorts(): SplitterPorts & { ledger: SplitterWorld['ports']['ledger'] } {
    const objects = this.#objects;
    return {
      ...this.#splitter.ports,
      plans: this.plans ?? new LatestPlan(),
      sources: {
        head: ({ key }) => {
          const object = objects.get(key);
          return Promise.resolve(
            object && { etag: 'e', sizeBytes: object.bytes.length, modifiedAt: object.modifiedAt },
          );
        },
        async *read({ key }, offset) {
          await Promise.resolve();
          yield (objects.get(key)?.bytes ?? Buffer.of()).subarray(offset);
        },
      },
      archive: {
        ...this.#archive,
        getStream: (key) => (this.evidenceReads++, this.#archive.getStream(key)),
      },
    };
  }

  /** Sources are not copied into it: they are read where they were dropped. */
  get #archive() {
    const archive = inMemoryArchive(this.archived, () => this.onStep());
    const sourceOf = (key: string) => this.#objects.get(`traffic/${/\/source\/(.*)$/.exec(key)?.[1]}`)?.bytes;
    return {
      ...archive,
      getStream: async (key: string) => {
        const source = sourceOf(key);
        return source ? Readable.from([source]) : archive.getStream(key);
      },
    };
  }

  get #finalizerPorts(): FinalizerPorts {
    return {
      ledger: this.ledger,
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
