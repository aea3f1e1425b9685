import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { AuditLog, InFlightMessages } from '../ports.ts';
import type { Deadline } from './deadline.ts';
import { deadlineOf } from './deadline.ts';
import type { Shutdown } from './shutdown.ts';

/**
 * A message whose function was killed comes back this long after the function's time would have been up. Longer than any
 * lease (60 s): it must not meet its own, or it would be taken for a second copy and its receives would not add up.
 */
const visibilityReserveSeconds = 65;

/** A message that failed is tried again after this, rather than when its queue's visibility timeout is over. Seconds. */
const failedVisibilitySeconds = 30;

export interface BatchHandling {
  event: SQSEvent;
  context: Pick<Context, 'getRemainingTimeInMillis'>;
  shutdown: Shutdown;
  log: AuditLog;
  /** The queue that a message came from. */
  inFlight: (record: SQSRecord) => InFlightMessages;
  handle: (record: SQSRecord, deadline: Deadline) => Promise<HandledMessage>;
}

/** `back`: to its queue, though nothing is wrong; visible after that many seconds. */
export type HandledMessage = void | { backAfterSeconds: number };

/**
 * The partial-batch protocol, once: every message is handled by itself. Those that threw are reported failed, and so are
 * those that are to go back to their queue. An error is logged here and nowhere else.
 */
export function handleEach(handling: BatchHandling): Promise<SQSBatchResponse> {
  return handling.shutdown.during(() => handleAll(handling));
}

async function handleAll(handling: BatchHandling): Promise<SQSBatchResponse> {
  const { event, context, shutdown, log, inFlight, handle } = handling;
  const deadline = deadlineOf(context, shutdown);
  const results = await Promise.all(
    event.Records.map(async (record) => {
      const setVisibility = (seconds: number) => inFlight(record).changeVisibility(record.receiptHandle, seconds);
      try {
        await setVisibility(deadline.remainingMs() / 1000 + visibilityReserveSeconds);
        const end = await handle(record, deadline);
        if (!end) return undefined;
        await setVisibility(end.backAfterSeconds);
      } catch (error) {
        log.error('message failed', {
          correlation_id: correlationOf(record),
          message_id: record.messageId,
          receive_count: Number(record.attributes.ApproximateReceiveCount),
          error: error instanceof Error ? error : new Error(String(error)),
        });
        // Where this fails, too, the message comes back later.
        await setVisibility(failedVisibilitySeconds).catch(() => undefined);
      }
      return record.messageId;
    }),
  );
  const failed = results.filter((id) => id !== undefined);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

/** The file that a message is about, where it is one of ours. */
function correlationOf(record: SQSRecord): string | undefined {
  return /"(?:fileId|file_id)"\s*:\s*"([0-9a-f]{1,64})"/.exec(record.body)?.[1];
}

/** @throws where the body is no JSON */
export function parseBody(record: SQSRecord): unknown {
  try {
    return JSON.parse(record.body) as unknown;
  } catch {
    // The engine's own message quotes the body, which has no place in a log.
    throw new Error(`Message ${record.messageId} is not JSON.`);
  }
}
