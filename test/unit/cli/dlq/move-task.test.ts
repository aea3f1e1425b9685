import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { runMoveTask } from '../../../../cli/dlq/move-task.ts';
import { CliError } from '../../../../cli/cli-error.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const never = new AbortController().signal;

interface Task {
  Status: string;
  StartedTimestamp?: number;
  ApproximateNumberOfMessagesMoved?: number;
  FailureReason?: string;
}

/** As much of SQS as moves a DLQ: gives these tasks, one a look, the last again and again. */
function sqs(tasks: (Task | undefined)[], startFault?: Error) {
  const started: (string | undefined)[] = [];
  const answer = (command: unknown): unknown => {
    if (command instanceof GetQueueAttributesCommand) return { Attributes: { QueueArn: 'arn:dlq' } };
    if (command instanceof ListMessageMoveTasksCommand) {
      const task = tasks.length > 1 ? tasks.shift() : tasks[0];
      return { Results: task ? [{ ApproximateNumberOfMessagesToMove: 5, StartedTimestamp: 2, ...task }] : [] };
    }
    if (!(command instanceof StartMessageMoveTaskCommand)) throw new Error('not a call that is needed here');
    if (startFault) throw startFault;
    started.push(command.input.SourceArn);
    return {};
  };
  const client = { send: async (command: unknown) => answer(command) } as unknown as SQSClient;
  return { client, started };
}

function run(client: SQSClient, signal = never) {
  const clock = new SimulatedClock();
  const seen: string[] = [];
  const onProgress = (moved: number, expected: number) => void seen.push(`${moved} of ${expected}`);
  return { seen, end: clock.run(runMoveTask('url', { client, clock, onProgress }, signal)) };
}

it('makes SQS move the whole DLQ back to the source queues, and follows the task to its end', async () => {
  const { client, started } = sqs([
    { Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 99, StartedTimestamp: 1 },
    // Still the one before: the list is a moment behind.
    { Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 99, StartedTimestamp: 1 },
    { Status: 'RUNNING', ApproximateNumberOfMessagesMoved: 2 },
    { Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 5 },
  ]);
  const { seen, end } = run(client);
  expect(await end).toBe(5);
  expect(started).toEqual(['arn:dlq']);
  expect(seen).toEqual(['2 of 5', '5 of 5']);
});

it('follows a task that already runs: SQS allows one at a time', async () => {
  const running = { Status: 'RUNNING', ApproximateNumberOfMessagesMoved: 1 };
  const { client, started } = sqs([running, running, { Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 3 }]);
  expect(await run(client).end).toBe(3);
  expect(started).toEqual([]);
});

it('is undefined if the endpoint does not support it', async () => {
  const fault = Object.assign(new Error('unknown'), { name: 'InvalidAction' });
  expect(await run(sqs([undefined], fault).client).end).toBeUndefined();
});

it('reports why SQS stopped the task', async () => {
  const { client } = sqs([undefined, { Status: 'FAILED', FailureReason: 'AccessDenied' }]);
  await expect(run(client).end).rejects.toThrow(new CliError('SQS stopped moving the messages after 0: AccessDenied.'));
});

it('leaves the task to SQS when it is asked to stop', async () => {
  const { client } = sqs([undefined, { Status: 'RUNNING', ApproximateNumberOfMessagesMoved: 4 }]);
  expect(await run(client, AbortSignal.abort()).end).toBe(4);
});
