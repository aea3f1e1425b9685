import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { withSummaries } from '../archive/read-summary.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { amendmentsOf } from './amendments-of.ts';
import type { Amendment } from './await-amendment.ts';
import type { DlqName } from './dead-message.ts';
import { runMoveTask } from './move-task.ts';
import { readDeadOf } from './read-dead-of.ts';
import type { RedriveEnd, RedrivePorts } from './redrive-letters.ts';
import { redriveLetters } from './redrive-letters.ts';
import type { Selection } from './select-dead.ts';
import { SqsQueueAccess } from '../../lambdas/adapters/sqs-queue-access.ts';

export function redrivePortsOf(
  stack: OpenStack,
  feed: string,
  queue: DlqName,
  terminal: RedrivePorts['terminal'],
): RedrivePorts {
  return {
    ledger: stack.ledger,
    queues: new SqsQueueAccess(stack.sqs),
    clock: systemClock,
    random: Math.random,
    terminal,
    paths: stack.outputs.redrivePaths(feed, queue),
    runTask: (dlqUrl, onProgress, signal) =>
      runMoveTask(dlqUrl, { client: stack.sqs, clock: systemClock, onProgress }, signal),
    readDead: readDeadOf(stack),
    lettersOf: stack.lettersOf,
  };
}

/** Has dead letters tried again and follows them until their files' manifests include the outcome, or the signal fires. */
export async function redriveToEnd(
  stack: OpenStack,
  selection: Selection,
  terminal: RedrivePorts['terminal'],
  signal: AbortSignal,
): Promise<{ end: RedriveEnd; amendments: Amendment[] }> {
  const ports = redrivePortsOf(stack, selection.feed, 'letters', terminal);
  const end = await redriveLetters(selection, ports, signal);
  return { end, amendments: await amendmentsOf(end.resolvedFileIds, withSummaries(stack), terminal, signal) };
}
