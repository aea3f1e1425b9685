import { askToFinalize, finalizeMessageOf } from '../ask-finalizer.ts';
import { reemitMessageOf } from '../intake-message.ts';
import { BatchCutter, startOf } from '../core/records/batch-cutter.ts';
import { isGenuine, signed } from '../core/authenticity.ts';
import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import { AlteredMessageError } from '../core/errors.ts';
import { InStep } from '../core/in-step.ts';
import { isAbandoned } from '../core/account/quarantine.ts';
import { isQuarantined } from '../core/account/stops.ts';
import type { ReemitMessage } from '../messages.ts';
import type { BatchLedger } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { BatchSender } from './batch-sender.ts';
import { messageOf, plansOf } from './cut-file.ts';
import { planAgain } from './plan-again.ts';
import { revisionWaitSeconds } from './plan-revision.ts';
import { readContent } from '../content/read-content.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import type { PlannedAgain } from './take-released.ts';

const stepBytes = 128 * 1024;
const unplanned: PlannedAgain = { kind: 'planned', plan: undefined };

/**
 * Cuts a split file again and sends the batches that are not settled: their messages were lost through a purge or SQS's
 * retention, or they were held and the file is released. Needs no lease: a batch that is sent twice is settled once.
 */
export async function reemitBatches(
  message: ReemitMessage,
  ports: Omit<SplitterPorts, 'ledger'> & { ledger: SplitterPorts['ledger'] & BatchLedger },
  deadline: Deadline,
): Promise<void> {
  const { ledger, log } = ports;
  const file = await ledger.getFile(message.fileId);
  if (file?.dialect === undefined || (file.state !== 'split' && file.state !== 'splitting')) return;
  // Without a position, the message contains only the file's name; a wrong position would cut other batches.
  if (message.from && !isGenuine(message, file)) {
    throw new AlteredMessageError(`The position to send the file ${file.fileId} again from was not issued by Sluice.`);
  }
  const isHeld = isQuarantined(file);
  if (isHeld || isAbandoned(file)) {
    const begun = await surveyBegun(file, ports);
    // A newer revision waits for its end, and a consumer that is killed is not noticed before its lease is over.
    if (isAbandoned(file) && begun.hasBusy) await ports.intake.send(reemitMessageOf(file), revisionWaitSeconds);
    // Its unsent records are held. If it was stopped before all were sent again, nothing else may ask for its manifest.
    if (isHeld && !begun.hasLeft) return ports.finalize.send(finalizeMessageOf(file, false), 0);
  }
  // For a file that is still being split, only what its checkpoint covers: the rest is its splitter's work.
  const cutBatches = file.state === 'split' ? Infinity : (file.checkpoint?.batch ?? 0);
  const lastBatch = file.checkpoint?.otherHeader?.batch ?? cutBatches;

  const readable = { ...file, dialect: file.dialect };
  // Nothing of an abandoned one is sent, whatever its plan was: its batches only end.
  const planned = isAbandoned(file) ? unplanned : await planAgain(readable, ports, deadline);
  if (planned.kind === 'later') {
    await ledger.noteWait(file, planned.for);
    return ports.intake.send(message, revisionWaitSeconds);
  }
  if (planned.kind === 'stop') {
    const isStopped = await ledger.stopRevision(file.fileId, planned.quarantine, planned.by);
    // That a newer revision is sent in its place needs no action.
    if (isStopped && planned.by === undefined) ports.metrics.add('QuarantinedFiles', 1);
    return ports.finalize.send(finalizeMessageOf(file, false), 0);
  }
  const { plan, idsHaveFileId } = planned;
  const sentAs = idsHaveFileId ? { ...file, idsHaveFileId } : file;

  const cutter = new BatchCutter(file.dialect, file.limits, message.from ?? startOf(file.dialect));
  const known = new InStep(ledger.listBatches(file.fileId, message.from?.batch), ({ batch }) => batch);
  const sender = new BatchSender(ports.batches);
  let sent = 0;
  const send = async (batches: ReturnType<BatchCutter['push']>): Promise<void> => {
    for (const batch of batches) {
      if (batch.batch > lastBatch) continue;
      const account = await known.find(batch.batch);
      // Of a stopped file, what no consumer has begun is part of its account as it is.
      const isOwed = isHeld ? isLeft(account, ports.clock.now()) : !isWhollySent(account);
      if (!isOwed) continue;
      await sender.add(messageOf(batch, sentAs, (account?.attempt ?? 0) + 1, plansOf(batch, plan)));
      sent++;
    }
  };
  for await (const chunk of readContent(file, undefined, ports.sources, cutter.position.offset)) {
    if (cutter.position.batch >= lastBatch) break;
    for (let step = 0; step < chunk.length; step += stepBytes) {
      await send(cutter.push(chunk.subarray(step, step + stepBytes)));
    }
    if (!deadline.isDrawingIn()) continue;
    await (
      await sender.flush()
    ).sent;
    // Only the fields of the message's schema: parsing drops any others, and the MAC would not match.
    const { offset, line, record, batch } = cutter.position;
    await ports.intake.send(signed({ ...message, from: { offset, line, record, batch } }, file), 0);
    return;
  }
  await send(cutter.end());
  await (
    await sender.flush()
  ).sent;
  const { release } = file;
  log.warn('batches made again', {
    ...{ correlation_id: file.fileId, batches: sent },
    ...(release ? { released_by: release.by, why: release.why } : {}),
  });
  // Nothing was held, so no consumer will ask for the manifest of the release.
  if (sent === 0) await askToFinalize(file, ports.finalize);
}

/** Whether consumers have begun batches and left them (`hasLeft`), and whether they work on some (`hasBusy`). */
async function surveyBegun(
  { fileId }: FileAccount,
  { ledger, clock }: Pick<SplitterPorts, 'clock'> & { ledger: Pick<BatchLedger, 'listBatches'> },
): Promise<{ hasLeft: boolean; hasBusy: boolean }> {
  let [hasLeft, hasBusy] = [false, false];
  for await (const batch of ledger.listBatches(fileId)) {
    if (isLeft(batch, clock.now())) hasLeft = true;
    else if (batch.state === 'open') hasBusy = true;
  }
  return { hasLeft, hasBusy };
}

/** A consumer has begun it, and none works on it. */
function isLeft(batch: BatchAccount | undefined, now: number): boolean {
  return batch?.state === 'open' && (batch.leaseUntil ?? 0) < now;
}

/** It is settled, and none of its records is held. */
function isWhollySent(batch: BatchAccount | undefined): boolean {
  return batch?.state === 'settled' && (batch.counts?.held ?? 0) === 0;
}
