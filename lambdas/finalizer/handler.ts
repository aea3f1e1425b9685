import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { finalizeMessage } from '../messages.ts';
import { handleEach, parseBody } from '../runtime/partial-batch.ts';
import type { FinalizerPorts } from './finalize-file.ts';
import { finalizeFile } from './finalize-file.ts';

export function createFinalizerHandler(ports: FinalizerPorts) {
  return (event: SQSEvent): Promise<SQSBatchResponse> =>
    handleEach(event, ports.log, (record) => finalizeFile(finalizeMessage.parse(parseBody(record)), ports));
}
