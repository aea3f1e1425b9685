import type { ListMessageMoveTasksResultEntry, SQSClient } from '@aws-sdk/client-sqs';
import {
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import type { Clock } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';

export interface MoveTaskPorts {
  client: SQSClient;
  clock: Clock;
  onProgress: (moved: number, expected: number) => void;
}

const pollEveryMs = 1_000;
const maxLooksBehind = 10;

type Task = ListMessageMoveTasksResultEntry;

/**
 * SQS's own redrive of a whole DLQ, as the console starts it, followed to its end. Returns how many messages were moved;
 * undefined if the endpoint does not support it. SQS continues with it after the signal fires.
 */
export async function runMoveTask(
  dlqUrl: string,
  ports: MoveTaskPorts,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { client, clock, onProgress } = ports;
  const SourceArn = await arnOf(client, dlqUrl);
  let before: Task | undefined;
  try {
    const newest = await newestTask(client, SourceArn);
    // SQS runs one task at a time: one that the console has started is followed instead.
    if (newest?.Status !== 'RUNNING') {
      before = newest;
      await client.send(new StartMessageMoveTaskCommand({ SourceArn }));
    }
  } catch (error) {
    if (isUnknownAction(error)) return undefined;
    throw error;
  }
  for (let look = 1; ; look++) {
    const task = await newestTask(client, SourceArn);
    // The list may be stale for a moment and still show the previous task.
    const isListed = task !== undefined && task.StartedTimestamp !== before?.StartedTimestamp;
    if (isListed || look === maxLooksBehind) {
      const moved = isListed ? (task.ApproximateNumberOfMessagesMoved ?? 0) : 0;
      // AWS counts them at the start; others count what is left.
      onProgress(moved, Math.max(moved, task?.ApproximateNumberOfMessagesToMove ?? 0));
      if (isListed && task.Status === 'FAILED') {
        throw new CliError(
          `SQS stopped moving the messages after ${moved}: ${task.FailureReason ?? 'no reason given'}.`,
        );
      }
      if (task?.Status !== 'RUNNING' || signal.aborted) return moved;
    } else if (signal.aborted) return 0;
    await clock.sleep(pollEveryMs, signal);
  }
}

async function newestTask(client: SQSClient, SourceArn: string): Promise<Task | undefined> {
  const { Results = [] } = await client.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 1 }));
  return Results[0];
}

async function arnOf(client: SQSClient, url: string): Promise<string> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  return Attributes?.QueueArn ?? '';
}

/** The errors of local clouds that do not support it. */
function isUnknownAction(error: unknown): boolean {
  return (
    error instanceof Error && /InvalidAction|UnknownOperation|NotImplemented|UnsupportedOperation/.test(error.name)
  );
}
