import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { batchMessage, letter } from '../messages.ts';
import type { InFlightMessages, Sink } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { deadlineOf } from '../runtime/deadline.ts';
import { handleEach, parseBody } from '../runtime/partial-batch.ts';
import type { ConsumerPorts } from './deliver-batch.ts';
import { deliverBatch } from './deliver-batch.ts';
import { handleLetter } from './retry-letter.ts';

export interface ConsumerDeps extends ConsumerPorts {
  /** Letters have their own connections, so that neither kind waits for the other's. */
  letterSink: Sink;
  lettersQueueArn: string;
  batchMessages: InFlightMessages;
  letterMessages: InFlightMessages;
}

/** A message whose consumer was killed comes back this long after the function's time would have been up. Seconds. */
const visibilityReserveSeconds = 30;

/** Batches of the records queue and letters of the letters queue: told apart by where they come from. */
export function createConsumerHandler(deps: ConsumerDeps) {
  return (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const deadline = deadlineOf(context);
    const inTurn = oneAfterTheOther();
    return handleEach(event, deps.log, (record) => {
      const isLetter = record.eventSourceARN === deps.lettersQueueArn;
      return isLetter ? inTurn(() => onLetter(record, deps, deadline)) : onBatch(record, deps, deadline);
    });
  };
}

async function onBatch(record: SQSRecord, deps: ConsumerDeps, deadline: Deadline): Promise<void> {
  const message = batchMessage.parse(parseBody(record));
  const seconds = deadline.remainingMs() / 1000 + visibilityReserveSeconds;
  await deps.batchMessages.changeVisibility(record.receiptHandle, seconds);
  await deliverBatch(message, deps, deadline);
}

async function onLetter(record: SQSRecord, deps: ConsumerDeps, deadline: Deadline): Promise<'back' | void> {
  const message = letter.parse(parseBody(record));
  const sentAt = Number(record.attributes.SentTimestamp);
  const end = await handleLetter(message, sentAt, { ...deps, sink: deps.letterSink }, deadline);
  if (end.kind === 'done') return;
  await deps.letterMessages.changeVisibility(record.receiptHandle, end.visibleAfterSeconds);
  return 'back';
}

/** Letters share one connection: sent one by one, none is late for its slot. */
function oneAfterTheOther(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
