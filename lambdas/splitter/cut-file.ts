import { LeaseLostError, SourceChangedError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { MessageFile } from '../core/authenticity.ts';
import { signed } from '../core/authenticity.ts';
import { revisionVersion } from '../core/account/schema-version.ts';
import { sumCounts } from '../core/account/outcome.ts';
import { isStopped } from '../core/account/quarantine.ts';
import { secondsToWait } from '../core/limiter/turn-of-batch.ts';
import type { BatchPlans, RevisionPlan } from '../core/series/revision-plan.ts';
import { encodePlans } from '../core/series/revision-plan.ts';
import { BatchCutter, startOf } from '../core/records/batch-cutter.ts';
import type { CutBatch, CutPosition, Dialect } from '../core/records/dialect.ts';
import { encodeBody } from '../core/records/slice-body.ts';
import type { BatchMessage } from '../messages.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { BatchSender } from './batch-sender.ts';
import { readContent } from '../content/read-content.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { fileLeaseMs, saveProgress } from './splitter-ports.ts';

/** A checkpoint is written at least every 5,000 records: no step of the cutter adds more than another 2,500. */
const checkpointRecords = 2_500;

/** Bytes given to the cutter at once, between checkpoints: 2,500 rows of 13 bytes, and a valid record is longer. */
const stepBytes = 32 * 1024;

export type CutFile = FileAccount & { dialect: Dialect };

export type CutEnd =
  | {
      kind: 'cut';
      totals: { records: number; batches: number };
      warnings: { code: string; message: string }[];
    }
  | { kind: 'out-of-time' }
  /** The queue has enough of the file. */
  | { kind: 'held-back' };

/**
 * Pass 2: cuts the file into batches from its last checkpoint on, and sends them, until the file's end, the end of the
 * time, or the queue's limit is reached. A file that is stopped meanwhile, or has another header among its rows, is still
 * cut to its end, but no more of it is sent: the number of held records is part of its account.
 */
export async function cutFile(
  file: CutFile,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
  plan?: RevisionPlan,
): Promise<CutEnd> {
  const from = file.checkpoint ?? startOf(file.dialect);
  const cutter = new BatchCutter(file.dialect, file.limits, from);
  const checkpoints = new Checkpoints(file, ports, from, plan);
  const sender = new BatchSender(ports.batches, { delaySecondsOf: (message) => checkpoints.delaySecondsOf(message) });

  const send = async (batches: CutBatch[]): Promise<void> => {
    for (const batch of batches) {
      if (checkpoints.isFileStopped || batch.batch > (cutter.otherHeader?.batch ?? Infinity)) continue;
      await sender.add(messageOf(batch, file, 1, plansOf(batch, plan)));
      checkpoints.sentBatches = batch.batch;
    }
  };
  const stopped = (): 'out-of-time' | 'held-back' | undefined => {
    if (deadline.isDrawingIn()) return 'out-of-time';
    if (checkpoints.isFileStopped || cutter.otherHeader) return undefined;
    return checkpoints.unsettledAt(cutter.position) >= ports.horizon.records ? 'held-back' : undefined;
  };
  try {
    for await (const chunk of readContent(file, whole, ports.sources, from.offset)) {
      // At least once: a gzip yields empty chunks until it reaches the checkpoint, which takes time.
      let step = 0;
      do {
        const batches = cutter.push(chunk.subarray(step, step + stepBytes));
        if (batches.length > 0) await send(batches);
        if (checkpoints.isDue(cutter.position)) await checkpoints.write(cutter.position, await sender.flush());
        const kind = stopped();
        if (kind) {
          await checkpoints.write(cutter.position, await sender.flush());
          await checkpoints.written();
          return { kind };
        }
        step += stepBytes;
      } while (step < chunk.length);
    }
  } catch (error) {
    // What was sent of a replaced file stays sent: the account must contain how much that is.
    if (error instanceof SourceChangedError) {
      await checkpoints.write(cutter.position, await sender.flush());
      await checkpoints.written();
    }
    throw error;
  }
  await send(cutter.end());
  const { sent } = await sender.flush();
  await checkpoints.written();
  await sent;
  // The last sent batch must be saved before the file counts as split.
  if (checkpoints.isFileStopped || cutter.otherHeader) {
    await checkpoints.write(cutter.position, { sent });
    await checkpoints.written();
  }
  const { record, batch } = cutter.position;
  return { kind: 'cut', totals: { records: record, batches: batch }, warnings: cutter.warnings };
}

/** What becomes of a batch's records, for its message; undefined if all of them are sent. */
export function plansOf(batch: CutBatch, plan: RevisionPlan | undefined): BatchPlans | undefined {
  if (!plan) return undefined;
  const records = batch.kind === 'slice' ? batch.records : 1;
  return encodePlans(Array.from({ length: records }, (_, place) => plan.planOf(batch.firstRecord + place)));
}

/** A batch's message for the records queue: the first attempt. */
export function messageOf(
  batch: CutBatch,
  file: MessageFile & Pick<FileAccount, 'fileId' | 'idsHaveFileId'>,
  attempt = 1,
  plans?: BatchPlans,
): BatchMessage {
  const unsigned = unsignedOf(batch, file, attempt);
  // A version that knows neither would send records that the API has, or under ids that are used up.
  const isOfRevision = plans !== undefined || file.idsHaveFileId;
  return signed(
    isOfRevision ? { ...unsigned, v: revisionVersion, ...plans } : unsigned,
    file,
    batch.kind === 'slice' ? batch.bytes : undefined,
  );
}

function unsignedOf(batch: CutBatch, file: { feed: string; fileId: string }, attempt: number): BatchMessage {
  const place = {
    v: 1 as const,
    feed: file.feed,
    fileId: file.fileId,
    batch: batch.batch,
    attempt,
    failures: 0,
    offset: batch.offset,
    firstRecord: batch.firstRecord,
    firstLine: batch.firstLine,
  };
  if (batch.kind === 'slice') return { ...place, kind: 'slice', records: batch.records, ...encodeBody(batch.bytes) };
  const { length, sha256, head } = batch;
  return { ...place, kind: 'oversize', records: 1, length, sha256, head: head.toString('base64') };
}

/**
 * Writes checkpoints in order, each only after everything sent before it is in the queue; the next bytes are cut meanwhile.
 */
class Checkpoints {
  readonly #file: CutFile;
  readonly #ports: SplitterPorts;
  readonly #plan: RevisionPlan | undefined;
  readonly #everyRecords: number;
  #last: CutPosition;
  #lastAt: number;
  /** The file as of the claim or the last checkpoint. */
  #saved: FileAccount;
  /** As of the claim or the last checkpoint. */
  isFileStopped: boolean;
  /** The last batch that was sent, by this invocation or, as far as is known, by an earlier one. */
  sentBatches: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: CutFile, ports: SplitterPorts, from: CutPosition, plan: RevisionPlan | undefined) {
    this.#file = file;
    this.#ports = ports;
    this.#plan = plan;
    this.#last = from;
    this.#lastAt = ports.clock.now();
    // Each checkpoint checks the queue: the less it may hold, the more often.
    this.#everyRecords = Math.min(checkpointRecords, Math.ceil(ports.horizon.records / 4));
    this.#saved = file;
    this.isFileStopped = isStopped(file);
    this.sentBatches = file.sentBatches ?? from.otherHeader?.batch ?? from.batch;
  }

  /**
   * Records sent up to there and not settled, as of the last checkpoint's write. Of a revision, those that the API has are
   * not counted: they take a consumer no time, and millions of them must not wait for a slow API.
   */
  unsettledAt(position: CutPosition): number {
    return (this.#plan?.sentUpTo(position.record) ?? position.record) - this.#settledRecords();
  }

  /** Until a batch's turn, as of the last checkpoint: a consumer would only send it back. */
  delaySecondsOf(batch: { firstRecord: number; records: number }): number {
    const { horizon, clock } = this.#ports;
    if (!horizon.limit || this.isFileStopped) return 0;
    return secondsToWait(batch, this.#saved, horizon.limit, clock.now());
  }

  #settledRecords(): number {
    const { settled } = this.#saved;
    return sumCounts(settled) - (this.#plan ? (settled.unchanged ?? 0) : 0);
  }

  /** Time counts too: a checkpoint renews the lease. */
  isDue(position: CutPosition): boolean {
    const records = position.record - this.#last.record;
    return records >= this.#everyRecords || this.#ports.clock.now() - this.#lastAt > fileLeaseMs / 3;
  }

  /** Begins a checkpoint, once the previous one is written. */
  async write(position: CutPosition, { sent }: { sent: Promise<void> }): Promise<void> {
    await this.#writing;
    this.#last = position;
    this.#lastAt = this.#ports.clock.now();
    this.#writing = this.#write(position, sent);
    this.#writing.catch(() => undefined);
  }

  /** Resolves when the last one begun is in the ledger. @throws LeaseLostError, or the error of sending */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #write(position: CutPosition, sent: Promise<void>): Promise<void> {
    await sent;
    const { sentBatches } = this;
    const progress = { checkpoint: position, ...(this.isFileStopped ? { sentBatches } : {}) };
    const saved = await saveProgress(this.#file, this.#ports, progress);
    if (!saved) throw new LeaseLostError(`The file ${this.#file.fileId} was claimed by another splitter.`);
    this.#saved = saved;
    this.isFileStopped ||= isStopped(saved);
  }
}
