import { askToFinalize } from '../ask-finalizer.ts';
import type { BatchAccount, FileAccount } from '../core/account/file-account.ts';
import { decodeProgress, noProgress } from '../core/account/progress.ts';
import { isQuarantined } from '../core/account/stops.ts';
import { isStopped } from '../core/account/quarantine.ts';
import { isGenuine } from '../core/authenticity.ts';
import { awsFaultOf } from '../core/aws-fault.ts';
import { AlteredMessageError, ContradictionError, LeaseLostError } from '../core/errors.ts';
import { isSlowFor, secondsToWait } from '../core/limiter/turn-of-batch.ts';
import { prepareBatch } from '../core/records/prepare-batch.ts';
import type { BatchMessage } from '../messages.ts';
import type { BatchClaim, ClaimEnd } from '../ports.ts';
import { BatchAttempt } from './batch-attempt.ts';
import { BatchJournal, batchLeaseMs } from './batch-journal.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import { dissolveBatch } from './dissolve-batch.ts';

/**
 * Claims the batch's lease and reads the batch; undefined if there is nothing to do for this message.
 * @throws AlteredMessageError if the message is not as Sluice made it
 */
export async function claimBatch(message: BatchMessage, ports: ConsumerPorts): Promise<BatchAttempt | undefined> {
  const { ledger, log, clock } = ports;
  const { fileId, batch } = message;
  const place = { correlation_id: fileId, batch, attempt: message.attempt };
  await checkGenuine(message, ports);
  if ((await waitsForResume(message, ports)) || (await waitsForTurn(message, ports))) return undefined;
  const owner = ports.newId();
  const claim = await ledger.claimBatch(message, owner, batchLeaseMs);
  if (claim.kind === 'stale') {
    log.info('leftover of an earlier attempt', place);
    return undefined;
  }
  if (claim.kind === 'busy') {
    // The other consumer may still die: this message waits in the queue, at no cost and without counting as a failure.
    log.info('another consumer has the batch', place);
    await ports.batches.sendSuccessor(message, (claim.leaseUntil - clock.now()) / 1000 + 1);
    return undefined;
  }
  try {
    return await readBatch(message, claim, owner, ports);
  } catch (error) {
    // The message comes back soon, and must not be blocked by its own lease: it would be mistaken for another consumer's,
    // and the batch would be resent forever instead of going to the DLQ.
    if (claim.kind === 'claimed') {
      await ledger.releaseBatch(fileId, batch, owner, claimEndOf(error)).catch(() => undefined);
    }
    throw error;
  }
}

/** A faulty batch must not look like one that waits for AWS: it is to be buried (reconciler/bury-batch.ts). */
export function claimEndOf(error: unknown): ClaimEnd {
  return awsFaultOf(error) ? 'released' : 'failed';
}

/**
 * Runs before the batch is claimed, because the claim stores what the message says. The file is read again after the claim:
 * only then is it certain that a process that stops the file sees this batch.
 * @throws AlteredMessageError if the message is not as Sluice made it, ContradictionError if its file is unknown
 */
async function checkGenuine(message: BatchMessage, { ledger, feed, files }: ConsumerPorts): Promise<void> {
  const { fileId, batch } = message;
  const file = files.get(fileId) ?? (await ledger.getFile(fileId));
  if (!file) throw new ContradictionError(`Batch ${batch} belongs to the file ${fileId}, which is not in the ledger.`);
  files.add(fileId, file);
  if (file.feed === feed.name && isGenuine(message, file)) return;
  throw new AlteredMessageError(
    `Batch ${batch} of the file ${fileId} was altered: nothing of it is sent, and it goes to the DLQ. ` +
      'The batch is made again from the file.',
  );
}

/**
 * Sends the batch of a paused feed back unclaimed, as a new message: waiting brings it no closer to the DLQ. A stopped file
 * goes on all the same, since its records are held and not sent.
 */
async function waitsForResume(message: BatchMessage, ports: ConsumerPorts): Promise<boolean> {
  const untilMs = await ports.limiter.stoppedUntil();
  if (untilMs === undefined) return false;
  const file = await ports.ledger.getFile(message.fileId);
  if (file && isStopped(file)) return false;
  const delaySeconds = (untilMs - ports.clock.now()) / 1000;
  await ports.batches.sendSuccessor(message, delaySeconds);
  const { fileId, batch, attempt } = message;
  ports.log.info('batch waits: the feed is paused', {
    ...{ correlation_id: fileId, batch, attempt },
    delay_seconds: Math.ceil(delaySeconds),
  });
  return true;
}

/** Where the API is slow, a batch waits for its turn in the queue. Not a later attempt, whose turn has come before. */
async function waitsForTurn(message: BatchMessage, ports: ConsumerPorts): Promise<boolean> {
  const { ledger, limit, clock, batches, log } = ports;
  const { fileId, batch, attempt, records } = message;
  if (limit.isPaced === false || attempt > 1 || !isSlowFor(records, limit)) return false;
  const file = await ledger.getFile(fileId);
  if (!file || isStopped(file)) return false;
  const delaySeconds = secondsToWait(message, file, limit, clock.now());
  if (delaySeconds === 0) return false;
  await batches.sendSuccessor(message, delaySeconds);
  log.info('batch waits for its turn', { correlation_id: fileId, batch, attempt, delay_seconds: delaySeconds });
  return true;
}

async function readBatch(
  message: BatchMessage,
  claim: Extract<BatchClaim, { kind: 'claimed' | 'settled' }>,
  owner: string,
  ports: ConsumerPorts,
): Promise<BatchAttempt | undefined> {
  const { ledger, letters, payloads, clock, rate } = ports;
  const { fileId, batch } = message;
  const begunAt = clock.now();
  const file = await ledger.getFile(fileId);
  if (file?.sha256 === undefined || file.dialect === undefined) {
    throw new ContradictionError(`Batch ${batch} belongs to the file ${fileId}, which is not in the ledger.`);
  }
  if (claim.kind === 'settled') {
    if (claim.batch.buried) await dissolveBatch(message, file, ports);
    // The consumer that settled it may have died before it asked the finalizer.
    await askToFinalize(file, ports.finalize);
    return undefined;
  }
  if (isQuarantined(file) && (await settleAsBefore(claim.batch, owner, file, ports))) return undefined;
  const records = prepareBatch(message, ports.feed, file);
  const saved = claim.batch.progress ? decodeProgress(claim.batch.progress) : noProgress;
  const journal = new BatchJournal({ fileId, batch, owner, saved, ledger, letters, payloads, clock, rate });
  const attempt = new BatchAttempt(ports, {
    ...{ message, file, owner, records, journal, saved, begunAt },
    replaces: claim.batch.counts,
  });
  ports.log.info('batch begun', { ...attempt.logged, records: records.length, done_before: saved.done.length });
  return attempt;
}

/**
 * A batch that was settled with records held, and is claimed again while its file is stopped once more, is settled as it was:
 * a manifest may have its receipts already. False if it was not settled, or if records were sent since.
 */
async function settleAsBefore(
  { fileId, batch, counts, receiptsKey, receiptsSha256, progress }: BatchAccount,
  owner: string,
  file: FileAccount,
  { ledger, finalize, log }: ConsumerPorts,
): Promise<boolean> {
  if (!counts || receiptsKey === undefined || receiptsSha256 === undefined) return false;
  const before = { counts, receiptsKey, receiptsSha256, replaces: counts, ...(progress ? { progress } : {}) };
  if (!(await ledger.settleBatch(fileId, batch, owner, before))) {
    throw new LeaseLostError(`Batch ${batch} of the file ${fileId} now belongs to another consumer.`);
  }
  log.info('batch held again', { correlation_id: fileId, batch, ...counts });
  await askToFinalize(file, finalize);
  return true;
}
