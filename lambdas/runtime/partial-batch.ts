import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { AuditLog } from '../ports.ts';

/**
 * The partial-batch protocol, once: every message is handled by itself. Those that threw are reported failed, and so are
 * those that are to go `back` to their queue though nothing is wrong. An error is logged here and nowhere else.
 */
export async function handleEach(
  event: SQSEvent,
  log: AuditLog,
  handle: (record: SQSRecord) => Promise<'back' | void>,
): Promise<SQSBatchResponse> {
  const results = await Promise.all(
    event.Records.map(async (record) => {
      try {
        return (await handle(record)) === 'back' ? record.messageId : undefined;
      } catch (error) {
        log.error('message failed', {
          message_id: record.messageId,
          receive_count: Number(record.attributes.ApproximateReceiveCount),
          error: error instanceof Error ? error : new Error(String(error)),
        });
        return record.messageId;
      }
    }),
  );
  const failed = results.filter((id) => id !== undefined);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

/** @throws where the body is no JSON */
export function parseBody(record: SQSRecord): unknown {
  try {
    return JSON.parse(record.body) as unknown;
  } catch (cause) {
    throw new Error(`Message ${record.messageId} is not JSON.`, { cause });
  }
}
