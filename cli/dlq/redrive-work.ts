import type { RedrivePath } from '../stack/stack-outputs.ts';
import { formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fileIdOfBody } from './dead-message.ts';
import type { MovePorts } from './move-messages.ts';
import { moveMessages } from './move-messages.ts';
import { totalOf } from '../../lambdas/adapters/queue-access.ts';
import type { RedrivePorts } from './redrive-letters.ts';
import type { Selection } from './select-dead.ts';

export interface RedriveWorkPorts extends Omit<MovePorts, 'onProgress'>, Pick<RedrivePorts, 'paths' | 'runTask'> {
  terminal: Pick<Terminal, 'progress'>;
}

/** Sends the other DLQs' messages back to be tried again: batches, announcements of files, finalize messages. */
export async function redriveWork(
  selection: Selection,
  ports: RedriveWorkPorts,
  signal: AbortSignal,
): Promise<{ moved: number; left: number; movedBy: 'sqs' | 'sluice' }> {
  const { feed, fileId } = selection;
  const onProgress = (moved: number, expected: number): void =>
    ports.terminal.progress(
      'move',
      `moving messages out of the DLQ  ${formatCount(moved)} of ${formatCount(expected)}`,
    );
  const isWanted = (body: string): boolean => fileId === undefined || fileIdOfBody(feed, body) === fileId;
  const end = { moved: 0, left: 0, movedBy: 'sluice' as 'sqs' | 'sluice' };
  for (const path of ports.paths) {
    if (signal.aborted) break;
    const byTask = fileId === undefined ? await runTask(path, ports, onProgress, signal) : undefined;
    if (byTask !== undefined) {
      end.moved += byTask;
      end.movedBy = 'sqs';
      continue;
    }
    const move = { from: path.dlqUrl, to: path.queueUrl, isWanted };
    const { moved, left } = await moveMessages(move, { ...ports, onProgress }, signal);
    end.moved += moved;
    end.left += left;
  }
  return end;
}

async function runTask(
  { dlqUrl }: RedrivePath,
  { queues, runTask: run }: RedriveWorkPorts,
  onProgress: MovePorts['onProgress'],
  signal: AbortSignal,
): Promise<number | undefined> {
  // SQS refuses a task for an empty queue.
  if (totalOf(await queues.count(dlqUrl)) === 0) return undefined;
  return run(dlqUrl, onProgress, signal);
}
