import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Settings } from '../settings.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** The environment of every function that consumes a queue. */
export function workerEnvironment({ stackName, queues }: Settings): Record<string, string> {
  const { waitTimes } = queues;
  return { STACK_NAME: stackName, ...(waitTimes ? { WAIT_TIMES: JSON.stringify(waitTimes) } : {}) };
}

/** The mapping limits the concurrency. Reserved concurrency would not stop Lambda from receiving messages beyond it. */
export function consumeFrom(
  worker: SluiceFunction,
  queue: Queue,
  mapping: { batchSize: number; maxConcurrency: number; windowSeconds?: number },
): void {
  const { batchSize, maxConcurrency, windowSeconds } = mapping;
  // Lambda receives under the worker's role.
  worker.mayUseKeyFor(['sqs:ReceiveMessage']);
  worker.mayPostpone(queue);
  worker.addEventSource(
    new SqsEventSource(queue, {
      batchSize,
      maxConcurrency,
      reportBatchItemFailures: true,
      ...(windowSeconds === undefined ? {} : { maxBatchingWindow: Duration.seconds(windowSeconds) }),
    }),
  );
}
