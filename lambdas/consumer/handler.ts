import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { batchMessage, correctionMessage, letter, readMessage } from '../messages.ts';
import type { InFlightMessages, Sink } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { InTurn } from '../runtime/in-turn.ts';
import { oneAfterTheOther } from '../runtime/in-turn.ts';
import type { HandledMessage } from '../runtime/partial-batch.ts';
import { handleEach, parseBody } from '../runtime/partial-batch.ts';
import type { Waiting } from '../runtime/put-back.ts';
import { waitedBefore } from '../runtime/put-back.ts';
import type { Shutdown } from '../runtime/shutdown.ts';
import type { ConsumerPorts } from './consumer-ports.ts';
import { deliverBatch } from './deliver-batch.ts';
import { handleLetter } from './retry-letter.ts';
import { tryCorrection } from './try-correction.ts';

const letterMessage = z.discriminatedUnion('kind', [letter, correctionMessage]);

export interface ConsumerDeps extends ConsumerPorts {
  shutdown: Shutdown;
  /** Letters have their own connections, so that neither kind waits for the other's. */
  letterSink: Sink;
  lettersQueueArn: string;
  batchMessages: InFlightMessages;
  letterMessages: InFlightMessages;
  skew: { correctionMs(): number };
  waiting: Waiting;
}

/**
 * Handles batches of the records queue and letters of the letters queue, distinguished by their source. Any of the
 * function's environments may get either, so none keeps a connection after an invocation: a frozen environment with a
 * batch's connections and another with a letter's would exceed what the API allows.
 */
export function createConsumerHandler(deps: ConsumerDeps) {
  const isLetter = (record: SQSRecord) => record.eventSourceARN === deps.lettersQueueArn;
  const handle = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    // Letters share one connection: sent one by one, none misses its slot.
    const inTurn = oneAfterTheOther();
    const response = await handleEach({
      event,
      context,
      shutdown: deps.shutdown,
      log: deps.log,
      waiting: deps.waiting,
      inFlight: (record) => (isLetter(record) ? deps.letterMessages : deps.batchMessages),
      handle: (record, deadline) =>
        isLetter(record) ? onLetter(record, deps, deadline, inTurn) : onBatch(record, deps, deadline),
    });
    await Promise.all([deps.sink, deps.letterSink].map(async (sink) => sink.close?.()));
    reportSkew(deps);
    return response;
  };
  // Closing connections takes time: a process that ends meanwhile would lose its answer and its metrics.
  return (event: SQSEvent, context: Context) => deps.shutdown.during(() => handle(event, context));
}

/** Once per invocation: the limiter then uses the table's clock, but the operator should know. */
function reportSkew({ skew, log, metrics }: ConsumerDeps): void {
  const skewMs = -Math.round(skew.correctionMs());
  if (skewMs === 0) return;
  log.warn('this machine’s clock is wrong', { skew_ms: skewMs });
  metrics.add('ClockSkew', Math.abs(skewMs));
}

function onBatch(record: SQSRecord, deps: ConsumerDeps, deadline: Deadline): Promise<void> {
  return deliverBatch(readMessage(batchMessage, parseBody(record)), deps, deadline);
}

async function onLetter(
  record: SQSRecord,
  deps: ConsumerDeps,
  deadline: Deadline,
  inTurn: InTurn,
): Promise<HandledMessage> {
  const message = readMessage(letterMessage, parseBody(record));
  const ports = { ...deps, sink: deps.letterSink, inTurn };
  if (message.kind === 'correction') return tryCorrection(message, ports, deadline);
  const receives = Number(record.attributes.ApproximateReceiveCount);
  // A letter that was put back is not a redrive: it keeps the send time of its first message.
  const seen = { id: record.messageId, sentAt: waitedBefore(record).firstSentAt, receives };
  const end = await handleLetter(message, seen, ports, deadline);
  return end.kind === 'back' ? { backAfterSeconds: end.visibleAfterSeconds } : undefined;
}
