import type { FileAccount } from '../core/account/file-account.ts';
import { unsettledRecords } from '../core/account/file-account.ts';
import type { SplitterPorts } from './splitter-ports.ts';

/** SQS delays a message by 15 minutes at most. */
const maxDelaySeconds = 900;
/** A file that is held back is looked at after this at the soonest, and from a little before the message that does it. */
const minHoldSeconds = 10;
const holdSlackSeconds = 5;

/**
 * The queue holds as much of the file as the API takes in the horizon's time: going on waits, without anyone waiting.
 * The message goes first: killed before the release, this one comes back and sends another, and the first to be
 * handled makes the other a copy.
 */
export async function holdBack(file: FileAccount, ports: SplitterPorts): Promise<void> {
  const { ledger, intake, horizon, clock, log } = ports;
  const now = (await ledger.getFile(file.fileId)) ?? file;
  const surplus = unsettledRecords(now) - horizon.records / 2;
  const seconds = Math.ceil(surplus / horizon.recordsPerSecond);
  const delaySeconds = Math.min(maxDelaySeconds, Math.max(minHoldSeconds, seconds));
  // By the time before it is sent: however long that takes, the message does not come before the file is free for it.
  const heldBackUntil = clock.now() + (delaySeconds - holdSlackSeconds) * 1000;
  await intake.send({ v: 1, kind: 'continue', feed: file.feed, fileId: file.fileId }, delaySeconds);
  await ledger.releaseFile(file.fileId, file.epoch, heldBackUntil);
  log.info('file held back: the queue holds enough of it', {
    correlation_id: file.fileId,
    unsettled_records: unsettledRecords(now),
    delay_seconds: delaySeconds,
  });
}
