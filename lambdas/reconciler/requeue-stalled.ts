import { forEachAtOnce } from '../core/at-once.ts';
import { finalizeMessageOf } from '../ask-finalizer.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isWhollySettled, sendableBatches } from '../core/account/file-account.ts';
import { isQuarantined, isReleased } from '../core/account/stops.ts';
import { holdsUnsent, isAbandoned } from '../core/account/quarantine.ts';
import { pausedSince } from '../core/limiter/limit-policy.ts';
import type { ProjectedFeed } from '../deadlines/project-open-files.ts';
import { continueMessageOf, reemitMessageOf } from '../intake-message.ts';
import { laneKey } from './inspect-dlqs.ts';
import type {
  AuditLog,
  BatchLedger,
  Clock,
  FileLedger,
  FinalizeQueue,
  IntakeQueue,
  LimiterStore,
  Metrics,
  QueueDepth,
} from '../ports.ts';

export interface ReconciledLane {
  feed: string;
  lane: string;
  intake: IntakeQueue;
  records: QueueDepth;
}

export interface ReconcilerPorts {
  ledger: FileLedger & BatchLedger;
  lanes: ReconciledLane[];
  finalize: FinalizeQueue;
  clock: Clock;
  log: AuditLog;
  /** The feed whose lanes these are. */
  feed: Pick<ProjectedFeed, 'api'>;
  limiterOf: (api: string) => Pick<LimiterStore, 'read'>;
  /** Work untouched for this long counts as stalled. */
  stalledAfterMs: number;
  metricsOf: (feed: string) => Metrics;
}

/** Finished files checked per run, the newest ones, and all that have open dead letters: only these can owe an amendment. */
const maxFinished = 1_000;

/** Files checked at once: each is a query of its batches, and a night may have thousands of files that wait in the queue. */
const filesAtOnce = 10;

/**
 * Requeues what a crash left unfinished. All its requests are safe to repeat.
 * @param redriven lanes (see laneKey) whose batches are on their way back from the DLQ, and therefore not lost
 */
export async function requeueStalled(ports: ReconcilerPorts, redriven: ReadonlySet<string> = new Set()): Promise<void> {
  for (const feed of new Set(ports.lanes.map((lane) => lane.feed))) {
    const { ledger } = ports;
    const state = new StateOfRun(ports);
    let stalled = 0;
    await forEachAtOnce(ledger.eachFile(feed, 'open'), filesAtOnce, async (file) => {
      if (await guarded(file, ports, (each) => requeue(each, ports, redriven, state))) stalled++;
    });
    await forEachAtOnce(finishedFiles(feed, ledger), filesAtOnce, async (file) => {
      if (await guarded(file, ports, requeueAmendment)) stalled++;
    });
    const metrics = ports.metricsOf(feed);
    metrics.add('StalledFiles', stalled);
    metrics.flush();
  }
}

/** What does not depend on the file: read once per run, however many files ask. */
class StateOfRun {
  readonly #ports: Pick<ReconcilerPorts, 'limiterOf' | 'feed'>;
  readonly #queued = new Map<ReconciledLane, Promise<number>>();
  #limiter: ReturnType<LimiterStore['read']> | undefined;

  constructor(ports: Pick<ReconcilerPorts, 'limiterOf' | 'feed'>) {
    this.#ports = ports;
  }

  async hasBatches(lane: ReconciledLane): Promise<boolean> {
    const queued = this.#queued.get(lane) ?? lane.records.messages();
    this.#queued.set(lane, queued);
    return (await queued) > 0;
  }

  async isPaused(feed: string): Promise<boolean> {
    this.#limiter ??= this.#ports.limiterOf(this.#ports.feed.api).read();
    return pausedSince(await this.#limiter, feed) !== undefined;
  }
}

async function* finishedFiles(feed: string, ledger: FileLedger): AsyncGenerator<FileAccount> {
  const newest = await ledger.listFiles(feed, 'closed', maxFinished);
  yield* newest;
  const seen = new Set(newest.map(({ fileId }) => fileId));
  for await (const file of ledger.eachFile(feed, 'dead')) if (!seen.has(file.fileId)) yield file;
}

/** A fault in one file must not keep the others from being checked. @returns whether it had stalled */
async function guarded(
  file: FileAccount,
  ports: ReconcilerPorts,
  look: (file: FileAccount, ports: ReconcilerPorts) => Promise<boolean>,
): Promise<boolean> {
  try {
    return await look(file, ports);
  } catch (error) {
    ports.log.error('file could not be looked at', {
      correlation_id: file.fileId,
      error: error instanceof Error ? error : new Error(String(error)),
    });
    return true;
  }
}

async function requeue(
  file: FileAccount,
  ports: ReconcilerPorts,
  redriven: ReadonlySet<string>,
  state: StateOfRun,
): Promise<boolean> {
  const { ledger, finalize, clock, log, stalledAfterMs } = ports;
  const now = clock.now();
  const lane = ports.lanes.find((each) => each.feed === file.feed && each.lane === file.lane);
  const { fileId, heldBackUntil } = file;
  if (!lane) return false;
  const isRedriven = redriven.has(laneKey(lane));
  if (heldBackUntil !== undefined && heldBackUntil + stalledAfterMs > now) {
    // It waits for its control file, or for an earlier revision: nothing of it is queued that could be lost.
    if (file.checkpoint === undefined) return false;
    return isRedriven || isQuarantined(file) ? false : reemitLost(file, lane, ports, state);
  }
  if (now - file.updatedAt < stalledAfterMs) return false;
  const found = async (what: string): Promise<void> => {
    log.warn('stalled work queued again', { correlation_id: fileId, what });
    // Touched: the next run repeats the request only if this one, too, has no effect.
    await ledger.touchFile(fileId);
  };

  if (file.state === 'splitting') {
    if ((file.leaseUntil ?? 0) >= now) return false;
    await found('split');
    await lane.intake.send(continueMessageOf(file), 0);
    return true;
  }
  // The file's own count shows that batches are missing, and the queue may have them: no need to read millions of items.
  const mayBeSettled = isWhollySettled(file) || holdsUnsent(file) || isAbandoned(file);
  if (!mayBeSettled && (await state.hasBatches(lane))) return false;
  const survey = await surveyBatches(file, ports);
  if (survey.areSettled) {
    await found('finalize');
    await finalize.send(finalizeMessageOf(file, false), 0);
    return true;
  }
  if (file.state !== 'split' || isRedriven) return false;
  return reemitLost(file, lane, ports, state, survey);
}

/**
 * Batches are missing, no consumer works on one, and none is in the queue: a purge, or SQS's retention. While the queue has
 * messages, the batches may only be waiting: recreated, they would be queued twice, and once more with each run.
 */
async function reemitLost(
  file: FileAccount,
  lane: ReconciledLane,
  ports: ReconcilerPorts,
  state: StateOfRun,
  survey?: BatchSurvey,
): Promise<boolean> {
  const { ledger, clock, log, stalledAfterMs } = ports;
  const now = clock.now();
  const { fileId, feed } = file;
  // A splitter that is held back checks its file from time to time: only settled batches count as work on it.
  const touchedAt = file.state === 'splitting' ? (file.lastSettledAt ?? file.createdAt) : file.updatedAt;
  if (now - touchedAt < stalledAfterMs) return false;
  // Nothing of an abandoned file is sent, so that a second message does no harm; and a newer revision waits for its end.
  const isAwaited = isAbandoned(file);
  if (!isAwaited && (await state.hasBatches(lane))) return false;
  const { hasLiveLease } = survey ?? (await surveyBatches(file, ports));
  if (hasLiveLease) return false;
  // While a feed is paused, its batches move only from delay to delay: none is missed.
  if (!isAwaited && (await state.isPaused(feed))) return false;
  log.warn('stalled work queued again', { correlation_id: fileId, what: 'batches' });
  await ledger.touchFile(fileId);
  await lane.intake.send(reemitMessageOf(file), 0);
  return true;
}

interface BatchSurvey {
  /** All that are to be sent have ended. */
  areSettled: boolean;
  /** A consumer works on one. */
  hasLiveLease: boolean;
}

/** The exact answers, from the batches' own items. */
async function surveyBatches(
  file: FileAccount,
  { ledger, clock }: Pick<ReconcilerPorts, 'ledger' | 'clock'>,
): Promise<BatchSurvey> {
  const now = clock.now();
  let [settled, open] = [0, 0];
  let hasLiveLease = false;
  for await (const { state, counts, leaseUntil = 0 } of ledger.listBatches(file.fileId)) {
    const isOwed = isReleased(file) && (counts?.held ?? 0) > 0;
    if (state === 'settled' && !isOwed) settled++;
    else open++;
    if (state === 'open' && leaseUntil >= now) hasLiveLease = true;
  }
  const wanted = isQuarantined(file) ? (file.sentBatches ?? sendableBatches(file)) : sendableBatches(file);
  return { areSettled: holdsUnsent(file) ? open === 0 : settled >= (wanted ?? 0), hasLiveLease };
}

/** Requeues an amendment that was requested and never written. */
async function requeueAmendment(file: FileAccount, ports: ReconcilerPorts): Promise<boolean> {
  const { amendmentRequestedAt: at, fileId } = file;
  if (at === undefined || ports.clock.now() - at < ports.stalledAfterMs) return false;
  ports.log.warn('stalled work queued again', { correlation_id: fileId, what: 'amendment' });
  await ports.finalize.send(finalizeMessageOf(file, true), 0);
  return true;
}
