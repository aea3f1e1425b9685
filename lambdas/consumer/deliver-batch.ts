import type { FileAccount } from '../core/account/file-account.ts';
import { receiptOf } from '../core/account/receipt-of.ts';
import { isStopped, refusedFile } from '../core/account/quarantine.ts';
import { ContradictionError, LeaseLostError } from '../core/errors.ts';
import { maxBatchFailures } from '../core/limiter/retry.ts';
import type { BatchMessage } from '../messages.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { settleBatch } from '../settlement/settle-batch.ts';
import { stopFile } from '../settlement/stop-file.ts';
import type { BatchAttempt } from './batch-attempt.ts';
import { claimBatch, claimEndOf } from './claim-batch.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import { endKnown } from './end-known.ts';
import { exhaust, exhaustAbandoned, flush, holdUnsent, rejectBad } from './end-records.ts';
import { handOver } from './hand-over.ts';
import { sendBatch } from './send-batch.ts';
import type { SendEnd } from './sendable.ts';

/**
 * Delivers a batch: every record ends, or as many as time and the API allow, and a successor carries the rest. Resolves
 * once nothing depends on this message any more. @throws LeaseLostError if another consumer has the batch
 */
export async function deliverBatch(message: BatchMessage, ports: ConsumerPorts, deadline: Deadline): Promise<void> {
  const attempt = await claimBatch(message, ports);
  if (!attempt) return;
  try {
    await finishAttempt(attempt, deadline);
  } catch (error) {
    // The message comes back soon, and must not be blocked by its own lease.
    if (!(error instanceof LeaseLostError)) await attempt.journal.abandon(claimEndOf(error)).catch(() => undefined);
    throw error;
  }
}

async function finishAttempt(attempt: BatchAttempt, deadline: Deadline): Promise<void> {
  const { message } = attempt;
  if (isStopped(attempt.file)) holdUnsent(attempt);

  rejectBad(attempt);
  endKnown(attempt);
  exhaustAbandoned(attempt);
  const end = await sendBatch(attempt, deadline);
  // Parked records have used up their tries; records that only waited have not failed.
  const failures = message.failures + (end.parked.length > 0 ? 1 : 0);
  if (end.stopped?.kind === 'flush') flush(attempt, end.stopped);
  else if (end.stopped?.kind === 'refusing') await stopRefusedFile(attempt, end, end.stopped.status);
  else {
    if (end.stopped?.kind === 'file-stopped') holdStopped(attempt, end, end.stopped.file);
    if (failures >= maxBatchFailures) exhaust(attempt, end.parked);
  }
  exhaustAbandoned(attempt);
  if (attempt.left().length === 0) return settle(attempt);
  await handOver(attempt, end, Math.min(failures, maxBatchFailures - 1));
}

/**
 * The API refuses every record of this file: before each becomes a dead letter, the rest is held until a person has
 * inspected the file. Nothing happens if a person has inspected and released it already.
 */
async function stopRefusedFile(attempt: BatchAttempt, end: SendEnd, status: number): Promise<void> {
  const { records, journal, file, ports } = attempt;
  const done = [...records.keys()].flatMap((place) => journal.get(place) ?? []);
  const refused = done.filter((each) => each.outcome === 'refused' && each.status === status).length;
  await stopFile(file, refusedFile(status, refused, done.length, ports.clock.now()), ports);
  attempt.file = (await ports.ledger.getFile(file.fileId)) ?? file;
  if (isStopped(attempt.file)) holdUnsent(attempt, end.tried);
}

/** The file was stopped while its records were sent. */
function holdStopped(attempt: BatchAttempt, { tried, requests }: SendEnd, file: FileAccount): void {
  attempt.file = file;
  holdUnsent(attempt, tried);
  attempt.ports.log.info('file is stopped', {
    ...{ ...attempt.logged, requests, in_doubt: attempt.left().length },
    reason: file.quarantine?.message,
  });
}

async function settle(attempt: BatchAttempt): Promise<void> {
  const { message, owner, records, plans, journal, firstPlaceOf, replaces, ports } = attempt;
  await journal.finish();
  const receipts = records.map((record, place) => {
    const done = journal.get(place);
    if (!done) throw new ContradictionError(`Record ${record.record} has no outcome.`);
    const id = done.outcome === 'duplicate' && record.result.kind === 'good' ? record.result.requestId : '';
    return receiptOf(record, done, records[firstPlaceOf.get(id) ?? place], plans[place]?.earlier);
  });
  const progress = receipts.some(({ outcome }) => outcome === 'held') ? journal.endsButHeld() : undefined;
  // The time until then was the splitter's: turns are counted from here (turn-of-batch.ts).
  const isFirst = message.batch === 1 && message.attempt === 1 && attempt.file.settledBatches === 0;
  const sendingSince = isFirst ? journal.firstSentAt : undefined;
  if (!(await settleBatch({ message, owner, receipts, replaces, progress, sendingSince }, ports))) {
    throw new LeaseLostError(`Batch ${message.batch} of the file ${message.fileId} was settled by another consumer.`);
  }
  ports.metrics.add('BatchDuration', ports.clock.now() - attempt.begunAt);
}
