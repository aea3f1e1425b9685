import { askToFinalize } from '../ask-finalizer.ts';
import { continueMessageOf } from '../intake-message.ts';
import { LeaseLostError, SourceChangedError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { unsettledRecords } from '../core/account/file-account.ts';
import type { CutPosition } from '../core/records/dialect.ts';
import { readingOf } from '../core/account/reading.ts';
import { isStopped } from '../core/account/quarantine.ts';
import { waitingPlaceText } from '../core/account/waiting-place.ts';
import type { FileLedger, NewFile, SplitProgress } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { checkControl } from './compare-control.ts';
import { checkStored } from './check-stored.ts';
import { planContinued } from './plan-continued.ts';
import { revisionWaitSeconds } from './plan-revision.ts';
import { placeInSeries } from './place-in-series.ts';
import { cutFile } from './cut-file.ts';
import { hashFile } from './hash-file.ts';
import { holdBack } from './hold-back.ts';
import { readDialect } from '../content/read-dialect.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { fileLeaseMs, saveProgress } from './splitter-ports.ts';

/** A second message about a file checks again after this at the latest: most files are split in seconds. Milliseconds. */
const busyWaitMs = 15_000;

/** What is left to do after a part of the work. */
export type Step = { kind: 'done' } | { kind: 'out-of-time' } | { kind: 'held-back' } | { kind: 'waiting' };

/**
 * Splits a file from its current state to the end, or as far as the time allows: then its continuation is queued. Resolves
 * once nothing depends on this message any more; after a crash at any point, the message comes back.
 */
export async function splitFile(
  fileId: string,
  create: NewFile | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<void> {
  const { ledger, log, feed } = ports;
  const claim = await ledger.claimFile(fileId, create, ports.newOwner(), fileLeaseMs);
  if (claim.kind === 'unknown') return log.warn('asked to go on with an unknown file', { correlation_id: fileId });
  if (claim.kind === 'finished' && claim.file.bundleId !== undefined) {
    const { bundleId } = claim.file;
    // Its splitter may still open it. If that one was killed, the file's announcement gets it into another bundle.
    if (!(await ledger.getFile(bundleId))) throw new LeaseLostError(waitingPlaceText(claim.file));
    return splitFile(bundleId, undefined, ports, deadline);
  }
  // The splitter may have died before it asked the finalizer, and nothing else would ask.
  if (claim.kind === 'finished') return askToFinalize(claim.file, ports.finalize);
  // Another message is scheduled for that time: this one is a copy, or its sender died between sending it and releasing the
  // file.
  if (claim.kind === 'held-back') return log.info('file is held back', { correlation_id: fileId });
  if (claim.kind === 'busy') {
    // Not a failure: if the other splitter dies, this message may be the only one left for the file.
    const waitMs = Math.min(claim.leaseUntil - ports.clock.now(), busyWaitMs);
    return ports.intake.send(continueMessageOf({ feed: feed.name, fileId }), Math.max(1, waitMs / 1000 + 1));
  }

  const { file } = claim;
  log.info('file claimed', { correlation_id: fileId, epoch: file.epoch, bytes: file.source.sizeBytes });
  try {
    // Only once half of it is consumed: each check costs an invocation.
    const isAllSent = isStopped(file) || file.checkpoint?.otherHeader !== undefined;
    const isFull = !isAllSent && unsettledRecords(file) > ports.horizon.records / 2;
    const step = isFull ? { kind: 'held-back' as const } : await splitClaimed(file, ports, deadline);
    if (step.kind === 'out-of-time') await continueLater(file, ports);
    if (step.kind === 'waiting') await waitForOther(file, ports);
    if (step.kind === 'held-back') {
      const isHeld = await holdBack(file, ports);
      if (!isHeld) await continueLater(file, ports);
    }
  } catch (error) {
    if (!(error instanceof SourceChangedError)) {
      // The message comes back soon, and must not be blocked by its own lease.
      await ledger.releaseFile(file.fileId, file.epoch).catch(() => undefined);
      throw error;
    }
    await endSuperseded(file, error, ports);
  }
}

async function splitClaimed(file: FileAccount, ports: SplitterPorts, deadline: Deadline): Promise<Step> {
  const { feed, log } = ports;
  // A file that was read whole for its hash is cut from the same bytes.
  let whole: Buffer | undefined;
  if (file.sha256 === undefined) {
    const hashed = await hashFile(file, ports, deadline);
    if (hashed.kind === 'out-of-time') return hashed;
    file.sha256 = hashed.sha256;
    whole = hashed.whole;
    await save(file, ports, { sha256: hashed.sha256 });
    log.info('file hashed', { correlation_id: file.fileId, sha256: hashed.sha256 });
  }

  if (file.dialect === undefined) {
    const checked = await checkStored(file, whole, ports, deadline);
    if (checked.kind === 'out-of-time') return checked;
    if (checked.kind === 'refused') return refuse(file, checked, ports);
    if (checked.kind === 'stored') file.content = checked.content;
    const read = await readDialect(file, whole, ports);
    if (read.kind === 'refused') return refuse(file, read, ports);
    if (read.kind === 'empty') {
      const controlled = await agreeWithControl(file, whole, ports, deadline);
      if (controlled) return controlled;
      if (!ports.series?.isConfigured) return finish(file, { records: 0, batches: 0 }, [read.warning], ports);
      // It may be a revision of a log, which it empties: a person decides about that.
      await save(file, ports, { warnings: [read.warning] });
      file.warnings = [read.warning];
    }
    file.dialect = read.dialect;
    file.reading = readingOf(read.dialect, file.limits, feed);
    const found = { dialect: read.dialect, reading: file.reading, ...(file.content ? { content: file.content } : {}) };
    await save(file, ports, found);
  }

  const controlled = await agreeWithControl(file, whole, ports, deadline);
  if (controlled) return controlled;

  const readable = { ...file, dialect: file.dialect, sha256: file.sha256 };
  const place = file.series === undefined ? await placeInSeries(readable, whole, ports, deadline) : undefined;
  if (place?.kind === 'waiting') {
    await noteWait(file, place.for, ports);
    return place;
  }
  if (place?.kind === 'duplicate') {
    log.warn('file has the bytes of an earlier one: nothing is sent', {
      correlation_id: file.fileId,
      duplicate_of: place.of,
    });
    return end(file, { state: 'duplicate', of: place.of }, ports);
  }
  if (place?.kind === 'older') {
    return end(file, { state: 'superseded', failure: place.failure, totals: { records: 0, batches: 0 } }, ports);
  }
  if (place?.progress.series) {
    const saved = await save(file, ports, place.progress);
    const { series, idsHaveFileId, warnings, revision, limits } = saved;
    Object.assign(file, { series, idsHaveFileId, warnings, revision, limits });
  }
  const plan = place?.plan ?? (await planContinued(Object.assign(readable, file), whole, ports, deadline));
  if (plan === 'out-of-time') return { kind: plan };
  noteStop(file, readable);
  if (plan) ports.plans.keep(file, plan);

  const cut = await cutFile({ ...readable, ...file }, whole, ports, deadline, plan);
  if (cut.kind !== 'cut') return cut;
  return finish(file, cut.totals, [...(file.warnings ?? []), ...cut.warnings], ports);
}

/** Undefined if the file goes on: it agrees with its control file, requires none, or is stopped. */
async function agreeWithControl(
  file: FileAccount,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<Step | undefined> {
  const { sha256 } = file;
  const step = sha256 === undefined ? undefined : await checkControl({ ...file, sha256 }, whole, ports, deadline);
  if (step?.progress) {
    const saved = await save(file, ports, step.progress);
    if (saved.control) file.control = saved.control;
    // One that was dropped meanwhile is found now, or reports itself.
    return step.kind === 'out-of-time' ? step : agreeWithControl(file, whole, ports, deadline);
  }
  return step?.kind === 'go' ? undefined : step;
}

/** Saves a step's result, and what a person has decided meanwhile. @throws LeaseLostError */
async function save(
  file: FileAccount,
  ports: SplitterPorts,
  progress: Omit<SplitProgress, 'leaseUntil'>,
): Promise<FileAccount> {
  const saved = await saveProgress(file, ports, progress);
  if (!saved) throw lost(file);
  noteStop(file, saved);
  if (progress.quarantine) ports.metrics.add('QuarantinedFiles', 1);
  return saved;
}

/** A person may have cancelled it meanwhile: then nothing of it is queued. */
function noteStop(file: FileAccount, { quarantine, release }: FileAccount): void {
  Object.assign(file, quarantine && { quarantine }, release && { release });
}

async function finish(
  file: FileAccount,
  totals: { records: number; batches: number },
  warnings: { code: string; message: string }[],
  ports: SplitterPorts,
): Promise<Step> {
  const split = await ports.ledger.finishSplit(file.fileId, file.epoch, totals, warnings);
  if (!split) throw lost(file);
  ports.log.info('file split', { correlation_id: file.fileId, ...totals });
  // The write returns what the consumers have counted so far: the later of two writers sees everything.
  await askToFinalize(split, ports.finalize);
  return { kind: 'done' };
}

/** Ends a file that the feed does not accept: nothing is sent. */
function refuse(file: FileAccount, { code, message }: { code: string; message: string }, ports: SplitterPorts) {
  ports.log.warn('file refused', { correlation_id: file.fileId, code, reason: message });
  return end(file, { state: 'failed', failure: { code, message } }, ports);
}

async function end(file: FileAccount, how: Parameters<FileLedger['endFile']>[2], ports: SplitterPorts): Promise<Step> {
  const ended = await ports.ledger.endFile(file.fileId, file.epoch, how);
  if (!ended) throw lost(file);
  await askToFinalize(ended, ports.finalize);
  return { kind: 'done' };
}

/**
 * Ends a replaced file: uploaded records stay in the account, records still in the queue are held, and the rest can't be
 * read any more.
 */
async function endSuperseded(file: FileAccount, error: SourceChangedError, ports: SplitterPorts): Promise<void> {
  ports.log.warn('file was replaced while it was read', { correlation_id: file.fileId, reason: error.message });
  const now = await ports.ledger.getFile(file.fileId);
  const sent: Partial<CutPosition> & Pick<CutPosition, 'record' | 'batch'> = now?.checkpoint ?? { record: 0, batch: 0 };
  await end(
    file,
    {
      state: 'superseded',
      failure: { code: 'source_replaced', message: error.message },
      totals: sent.otherHeader
        ? { records: sent.otherHeader.record, batches: sent.otherHeader.batch }
        : { records: sent.record, batches: sent.batch },
    },
    ports,
  );
}

/** For screens, and for the desk if it takes long. */
async function noteWait(file: FileAccount, earlier: string, ports: SplitterPorts): Promise<void> {
  if (file.waitsFor?.fileId === earlier) return;
  const waitsFor = { fileId: earlier, since: file.waitsFor?.since ?? ports.clock.now() };
  await save(file, ports, { waitsFor });
  file.waitsFor = waitsFor;
}

const waitSlackSeconds = 5;

/** As a file that is held back waits: the message is sent before the lease is released. */
async function waitForOther(file: FileAccount, ports: SplitterPorts): Promise<void> {
  const until = ports.clock.now() + (revisionWaitSeconds - waitSlackSeconds) * 1000;
  await ports.intake.send(continueMessageOf(file), revisionWaitSeconds);
  await ports.ledger.releaseFile(file.fileId, file.epoch, until);
  const waitsFor = file.control?.state === 'waiting' ? file.control.name : file.waitsFor?.fileId;
  ports.log.info('file waits', { correlation_id: file.fileId, for: waitsFor });
}

/** The lease is released before the continuation is queued, so that it can begin at once. */
async function continueLater(file: FileAccount, ports: SplitterPorts): Promise<void> {
  await ports.ledger.releaseFile(file.fileId, file.epoch);
  await ports.intake.send(continueMessageOf(file), 0);
  ports.log.info('time is up: continuation queued', { correlation_id: file.fileId });
}

function lost(file: FileAccount): LeaseLostError {
  return new LeaseLostError(`The file ${file.fileId} was claimed by another splitter.`);
}
