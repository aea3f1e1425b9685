import type { FileAccount } from '../core/account/file-account.ts';
import { unsettledRecords } from '../core/account/file-account.ts';
import { isStopped } from '../core/account/quarantine.ts';
import { continueMessageOf } from '../intake-message.ts';
import type { SplitterPorts } from './splitter-ports.ts';

/** SQS delays a message by at most 15 minutes. */
const maxDelaySeconds = 900;
/**
 * A held-back file is checked after this at the earliest; it can be claimed from slightly before the message that does it.
 */
const minHoldSeconds = 10;
const holdSlackSeconds = 5;

/**
 * The queue holds as much of the file as the API takes in the horizon's time: a delayed message continues later, so no
 * function has to wait. The message is sent before the release: if killed in between, the current message comes back and
 * sends another one, and whichever is handled first makes the other a duplicate. False, and nothing is done, if the file was
 * stopped meanwhile: nothing more of it is queued, so there is nothing to wait for.
 */
export async function holdBack(file: FileAccount, ports: SplitterPorts): Promise<boolean> {
  const { ledger, intake, horizon, clock, log } = ports;
  const now = (await ledger.getFile(file.fileId)) ?? file;
  if (isStopped(now)) return false;
  const surplus = unsettledRecords(now) - horizon.records / 2;
  const seconds = Math.ceil(surplus / horizon.recordsPerSecond);
  const delaySeconds = Math.min(maxDelaySeconds, Math.max(minHoldSeconds, seconds));
  // Computed from the time before sending: however long sending takes, the file can be claimed when the message arrives.
  const heldBackUntil = clock.now() + (delaySeconds - holdSlackSeconds) * 1000;
  await intake.send(continueMessageOf(file), delaySeconds);
  await ledger.releaseFile(file.fileId, file.epoch, heldBackUntil);
  log.info('file held back: the queue holds enough of it', {
    correlation_id: file.fileId,
    unsettled_records: unsettledRecords(now),
    delay_seconds: delaySeconds,
  });
  return true;
}
