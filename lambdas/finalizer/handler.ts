import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { finalizerMessage, readMessage } from '../messages.ts';
import type { InFlightMessages } from '../ports.ts';
import { handleEach, parseBody } from '../runtime/partial-batch.ts';
import type { Waiting } from '../runtime/put-back.ts';
import type { Shutdown } from '../runtime/shutdown.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { sendNotices } from '../notices/send-notices.ts';
import { finalizeFile } from './finalize-file.ts';
import type { WriteNightsPorts } from './write-nights.ts';
import { writeNights } from './write-nights.ts';

export type FinalizerDeps = FinalizerPorts &
  WriteNightsPorts & {
    shutdown: Shutdown;
    inFlight: InFlightMessages;
    waiting: Waiting;
  };

export function createFinalizerHandler(deps: FinalizerDeps) {
  return (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
    handleEach({
      event,
      context,
      shutdown: deps.shutdown,
      log: deps.log,
      inFlight: () => deps.inFlight,
      waiting: deps.waiting,
      handle: (record, deadline) => {
        const message = readMessage(finalizerMessage, parseBody(record));
        switch (message.kind) {
          case 'notify':
            return sendNotices(message.feed, deps);
          case 'night':
            return writeNights(message.feed, deps);
          case 'finalize':
            return finalizeFile(message, deps, deadline);
        }
      },
    });
}
