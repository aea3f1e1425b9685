import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { SluiceFunction } from './sluice-function.ts';

/** The mapping's concurrency is the cap: with reserved concurrency the messages beyond it would be received in vain. */
export function workOff(
  worker: SluiceFunction,
  queue: Queue,
  mapping: { batchSize: number; maxConcurrency: number },
): void {
  const { batchSize, maxConcurrency } = mapping;
  // Lambda receives under the worker's role.
  worker.mayUseKeyFor(['sqs:ReceiveMessage']);
  worker.addEventSource(new SqsEventSource(queue, { batchSize, maxConcurrency, reportBatchItemFailures: true }));
}
