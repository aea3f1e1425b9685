import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { isFileId } from '../core/account/file-id.ts';
import type { AwsFault } from '../core/aws-fault.ts';
import { awsFaultOf } from '../core/aws-fault.ts';
import type { AuditLog, InFlightMessages } from '../ports.ts';
import type { Deadline } from './deadline.ts';
import { deadlineOf } from './deadline.ts';
import type { Waiting } from './put-back.ts';
import { nextNote, waitedBefore } from './put-back.ts';
import type { Shutdown } from './shutdown.ts';

/**
 * A message whose function was killed comes back this long after the function's timeout. Longer than any lease (60 s):
 * otherwise the message would find its own lease, be mistaken for a second copy, and its receives would not add up.
 */
const visibilityReserveSeconds = 65;

/** A failed message is tried again after this, instead of after its queue's visibility timeout. Seconds. */
const failedVisibilitySeconds = 30;

/** If a message can't even be put back, its retry is delayed more with each receive, up to this. Seconds. */
const longestVisibilitySeconds = 900;

export interface BatchHandling {
  event: SQSEvent;
  context: Pick<Context, 'getRemainingTimeInMillis'>;
  shutdown: Shutdown;
  log: AuditLog;
  /** The queue that a message came from. */
  inFlight: (record: SQSRecord) => InFlightMessages;
  waiting: Waiting;
  /**
   * Whether the queue's own visibility timeout is good enough for these messages: a request less for each ten of them, and
   * what a killed function had comes back later. Absent: no.
   */
  keepsTimeouts?: boolean;
  handle: (record: SQSRecord, deadline: Deadline) => Promise<HandledMessage>;
}

/** `back`: return it to its queue without a failure; visible after that many seconds. */
export type HandledMessage = void | { backAfterSeconds: number };

/**
 * Implements the partial-batch protocol: every message is handled separately. Messages whose handling threw are reported as
 * failed, and so are those that return to their queue. Errors are logged only here.
 *
 * A message that failed because of AWS is neither: it is put back as a new message that becomes visible later, and the old
 * one is acknowledged. So an outage uses up no receives: receives count only kills and defects, and only these lead to a
 * DLQ.
 */
export function handleEach(handling: BatchHandling): Promise<SQSBatchResponse> {
  return handling.shutdown.during(() => handleAll(handling));
}

async function handleAll(handling: BatchHandling): Promise<SQSBatchResponse> {
  const { event, context, shutdown } = handling;
  const deadline = deadlineOf(context, shutdown);
  const acknowledged = await Promise.all(event.Records.map((record) => handleOne(record, deadline, handling)));
  const failed = event.Records.filter((_, index) => !acknowledged[index]);
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/** @returns whether the message may be deleted */
async function handleOne(record: SQSRecord, deadline: Deadline, handling: BatchHandling): Promise<boolean> {
  const { inFlight, handle, log, keepsTimeouts = false } = handling;
  const setVisibility = (seconds: number) => inFlight(record).changeVisibility(record.receiptHandle, seconds);
  try {
    if (!keepsTimeouts) await setVisibility(deadline.remainingMs() / 1000 + visibilityReserveSeconds);
    const end = await handle(record, deadline);
    if (!end) return true;
    await setVisibility(end.backAfterSeconds);
    return false;
  } catch (error) {
    const fault = awsFaultOf(error);
    if (fault && (await putBack(record, fault, error, handling))) return true;
    const receives = Number(record.attributes.ApproximateReceiveCount);
    log.error('message failed', { ...placeOf(record), receive_count: receives, error: asError(error) });
    const seconds = fault ? failedVisibilitySeconds * 2 ** Math.min(receives - 1, 10) : failedVisibilitySeconds;
    // If this fails too, the message comes back later.
    await setVisibility(Math.min(longestVisibilitySeconds, seconds)).catch(() => undefined);
    return false;
  }
}

/** @returns whether a new message replaces this one; false if it has waited often enough, or SQS fails as well */
async function putBack(
  record: SQSRecord,
  fault: AwsFault,
  error: unknown,
  { inFlight, waiting, log }: BatchHandling,
): Promise<boolean> {
  const note = nextNote(waitedBefore(record), fault, waiting);
  if (!note) return false;
  try {
    await inFlight(record).putBack(record.body, record.attributes.MessageGroupId, note);
  } catch (cause) {
    log.warn('message could not be put back', { ...placeOf(record), error: asError(cause) });
    return false;
  }
  waiting.metrics.add('MessagesPutBack', 1);
  log.warn('AWS failed: message put back', {
    ...placeOf(record),
    ...{ fault: fault.kind, code: fault.code, times: note.times, delay_seconds: note.delaySeconds },
    error: asError(error),
  });
  return true;
}

function placeOf(record: SQSRecord) {
  return { correlation_id: correlationOf(record), message_id: record.messageId };
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

const fileId = z.string().refine(isFileId);

/** Letters and corrections have the names of their CSV columns. */
const aboutFile = z.union([
  z.object({ fileId }),
  z.object({ file_id: fileId }).transform((message) => ({ fileId: message.file_id })),
]);

/** The file that a message is about. A message may come from anyone: nothing that is not a file id is logged. */
function correlationOf(record: SQSRecord): string | undefined {
  try {
    return aboutFile.safeParse(JSON.parse(record.body)).data?.fileId;
  } catch {
    return undefined;
  }
}

/** @throws if the body is not JSON */
export function parseBody(record: SQSRecord): unknown {
  try {
    return JSON.parse(record.body) as unknown;
  } catch {
    // The engine's own error message quotes the body, which must not be logged.
    throw new Error(`Message ${record.messageId} is not JSON.`);
  }
}
