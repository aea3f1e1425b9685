import { askToFinalize, finalizeMessageOf } from '../ask-finalizer.ts';
import { reemitMessageOf } from '../intake-message.ts';
import { BatchCutter, startOf } from '../core/records/batch-cutter.ts';
import { isGenuine, signed } from '../core/authenticity.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { AlteredMessageError } from '../core/errors.ts';
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

const stepBytes = 128 * 1024;
const unplanned = { kind: 'planned', plan: undefined } as const;

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
  const owed = await owedBatches(file, ports);
  // A newer revision waits for its end, and a consumer that is killed is not noticed before its lease is over.
  if (isAbandoned(file) && owed.busy > 0) await ports.intake.send(reemitMessageOf(file), revisionWaitSeconds);
  // Its unsent records are held. If it was stopped before all were sent again, nothing else may ask for its manifest.
  if (isQuarantined(file) && owed.begun === 0) return ports.finalize.send(finalizeMessageOf(file, false), 0);
  // For a file that is still being split, only what its checkpoint covers: the rest is its splitter's work.
  const cutBatches = file.state === 'split' ? Infinity : (file.checkpoint?.batch ?? 0);
  const lastBatch = file.checkpoint?.otherHeader?.batch ?? cutBatches;

  const readable = { ...file, dialect: file.dialect };
  // Nothing of an abandoned one is sent, whatever its plan was: its batches only end.
  const planned = isAbandoned(file) ? unplanned : await planAgain(readable, ports, deadline);
  if (planned.kind === 'later') return ports.intake.send(message, revisionWaitSeconds);
  if (planned.kind === 'stop') {
    const isStopped = await ledger.stopRevision(file.fileId, planned.quarantine, planned.by);
    // That a newer revision is sent in its place needs no action.
    if (isStopped && planned.by === undefined) ports.metrics.add('QuarantinedFiles', 1);
    return ports.finalize.send(finalizeMessageOf(file, false), 0);
  }
  const { plan } = planned;

  const cutter = new BatchCutter(file.dialect, file.limits, message.from ?? startOf(file.dialect));
  const sender = new BatchSender(ports.batches);
  let sent = 0;
  const send = async (batches: ReturnType<BatchCutter['push']>): Promise<void> => {
    for (const batch of batches) {
      if (!owed.has(batch.batch) || batch.batch > lastBatch) continue;
      await sender.add(messageOf(batch, file, owed.attemptOf(batch.batch), plansOf(batch, plan)));
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

interface OwedBatches {
  has: (batch: number) => boolean;
  /** The next one. */
  attemptOf: (batch: number) => number;
  /** Batches that a consumer has claimed and left. */
  begun: number;
  /** Batches that a consumer has claimed. */
  busy: number;
}

/** All that are not settled. Of a stopped file, only those that were begun: the others are part of its account as they are. */
async function owedBatches(
  file: FileAccount,
  { ledger, clock }: Pick<SplitterPorts, 'clock'> & { ledger: Pick<BatchLedger, 'listBatches'> },
): Promise<OwedBatches> {
  const settled = new Set<number>();
  const begun = new Set<number>();
  const attempts = new Map<number, number>();
  let busy = 0;
  for await (const { batch, state, counts, attempt, leaseUntil = 0 } of ledger.listBatches(file.fileId)) {
    if (state === 'open' && leaseUntil < clock.now()) begun.add(batch);
    else if (state === 'open') busy++;
    if (state === 'settled' && (counts?.held ?? 0) === 0) settled.add(batch);
    else attempts.set(batch, attempt);
  }
  const isHeld = isQuarantined(file);
  return {
    has: (batch) => (isHeld ? begun.has(batch) : !settled.has(batch)),
    attemptOf: (batch) => (attempts.get(batch) ?? 0) + 1,
    begun: begun.size,
    busy,
  };
}
