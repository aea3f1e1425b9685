import { gatherUntil } from '../core/account/amendment.ts';
import { archiveKeysOf } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { isManifestOwed } from '../core/account/file-account.ts';
import { AlteredMessageError, LeaseLostError, UploadGoneError } from '../core/errors.ts';
import { isQuarantined, stopsOf } from '../core/account/stops.ts';
import type { FinalizeMessage } from '../messages.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Counted } from './audit-file.ts';
import { countAll, countedBefore } from './audit-file.ts';
import type { Work } from './close-account.ts';
import { closeAccount } from './close-account.ts';
import { Closing } from './closing.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { checkSettled } from './settled-batches.ts';
import { wakeRevisions } from './wake-revisions.ts';

/** So that uploads that are lost again and again cost little. Seconds. */
const startAgainAfterSeconds = 60;

/** Longer than a lease: most files are closed by then. Seconds. */
const comeBackAfterSeconds = 300;

/**
 * Closes a file's account when every batch is settled, with its own count. It stores source, receipts and manifest in the
 * archive, in this order, so that everything that a manifest names exists. Every step can be repeated: an object that a
 * killed finalizer stored is reused if it has the same SHA-256, and is a contradiction if not. A large file takes several
 * invocations: see Closing.
 */
export async function finalizeFile(message: FinalizeMessage, ports: FinalizerPorts, deadline: Deadline): Promise<void> {
  try {
    await closeOrContinue(message, ports, deadline);
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
    ports.log.info('another finalizer has taken the file', { correlation_id: message.fileId });
  }
}

async function closeOrContinue(message: FinalizeMessage, ports: FinalizerPorts, deadline: Deadline): Promise<void> {
  const { ledger, log } = ports;
  const file = await ledger.getFile(message.fileId);
  const place = { correlation_id: message.fileId };
  if (!file) return log.warn('asked to finalize an unknown file', place);
  if (file.feed !== message.feed)
    throw new AlteredMessageError(`The file ${file.fileId} is not one of the feed that is named.`);
  if (file.state === 'bundled') return log.info('its account is another one', { ...place, bundle: file.bundleId });
  if (file.state === 'splitting') return log.info('not split yet', place);
  // A released file is open again, and its next manifest is not an amendment.
  const amend = message.amend && file.state !== 'split';
  if (!isManifestOwed(file) && !amend) return log.info('finalized before', place);
  if (!file.manifest && amend) return log.info('nothing to amend yet', place);
  const until = amend ? gatherUntil(file, ports.clock.now()) : undefined;
  if (until !== undefined) return ports.finalize.send(message, (until - ports.clock.now()) / 1000);

  const keys = archiveKeysOf(file);
  const closing = new Closing(file, keys, ports);
  try {
    await closeWith(closing, { message, file, keys, amend }, ports, deadline);
  } catch (error) {
    // The message comes back before the lease would be over.
    await closing.release().catch(() => undefined);
    throw error;
  }
}

async function closeWith(closing: Closing, work: Work, ports: FinalizerPorts, deadline: Deadline): Promise<void> {
  const { ledger } = ports;
  const { message, file, amend } = work;
  const earlier = amend ? await countedBefore(file, ports) : undefined;
  const check = earlier ? 'settled' : await checkBatches(closing, file, ports, deadline);
  if (check !== 'settled') return leave(check, closing, work, ports);
  const stops = stopsOf(file);
  // From now on, nothing of it is left that could be held. If it has just been stopped, its batches are counted again.
  const isSent = file.state === 'split' && !isQuarantined(file);
  if (isSent && !(await ledger.beginClosing(file.fileId, stops))) {
    await closing.release();
    return closeOrContinue(message, ports, deadline);
  }
  // A letter may have been resolved before the first manifest, which has that as well.
  if (amend || file.amendmentRequestedAt !== undefined) await ledger.beginAmendment(file.fileId);
  const counted = earlier ?? (await countOrLeave(closing, work, ports, deadline));
  if (!counted) return;
  const end = await closeAccount(counted, work, ports);
  await closing.release();
  if (end === 'stopped') return closeOrContinue(message, ports, deadline);
  await wakeRevisions(file, ports);
}

/** Why a file is left to another invocation. */
type Left = 'busy' | 'open' | 'continues';

/** Whether every batch has ended, and no other finalizer has the file. */
async function checkBatches(
  closing: Closing,
  file: FileAccount,
  { ledger }: FinalizerPorts,
  deadline: Deadline,
): Promise<'settled' | Left> {
  if (!(await closing.resume())) return 'busy';
  const { tally, settledUpTo } = closing.state;
  // What has been counted in part was settled.
  if (tally) return 'settled';
  const check = await checkSettled(file, ledger, settledUpTo, async () => {
    await closing.keep();
    return !deadline.isDrawingIn();
  });
  if (check.kind !== 'continues') return check.kind;
  if (!(await closing.take())) return 'busy';
  await closing.save({ ...closing.state, settledUpTo: check.upTo });
  return 'continues';
}

async function leave(why: Left, closing: Closing, { message, file }: Work, ports: FinalizerPorts): Promise<void> {
  const { log, finalize } = ports;
  const place = { correlation_id: file.fileId };
  if (why === 'busy') {
    log.info('another finalizer has the file', place);
    // That one may be killed, or fail: one message must remain.
    return finalize.send(message, comeBackAfterSeconds);
  }
  await closing.release();
  if (why === 'open') return log.info('not every batch is settled yet', place);
  const { tally, settledUpTo } = closing.state;
  log.info('the next invocation continues', { ...place, batch: tally?.batch ?? settledUpTo });
  // After the release: the next one must find the file free.
  await finalize.send(message, 0);
}

/** Undefined if this invocation does not get to the end: the reason is logged, and the rest is asked for. */
async function countOrLeave(
  closing: Closing,
  work: Work,
  ports: FinalizerPorts,
  deadline: Deadline,
): Promise<Counted | undefined> {
  const { message, file, keys } = work;
  try {
    const count = await countAll(file, keys, closing, ports, deadline);
    if (count.kind === 'counted') return count.counted;
    await leave(count.kind, closing, work, ports);
  } catch (error) {
    if (!(error instanceof UploadGoneError)) throw error;
    ports.log.warn('an upload was lost: the receipts are counted again', { correlation_id: file.fileId, error });
    await closing.startAgain();
    await closing.release();
    await ports.finalize.send(message, startAgainAfterSeconds);
  }
  return undefined;
}
