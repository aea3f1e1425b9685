import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DeadMessage, DeadQueue } from './dead-message.ts';
import { feedOf, readDeadMessage } from './dead-message.ts';
import { inFileOrder } from './group-by-reason.ts';
import type { QueuedMessage } from './read-queue.ts';
import { readQueue } from './read-queue.ts';

/** All that lies in a feed's DLQs, in file order. */
export async function readDlqs(
  { outputs, sqs }: Pick<OpenStack, 'outputs' | 'sqs'>,
  feed: string,
  terminal: Pick<Terminal, 'progress' | 'endProgress'>,
  signal: AbortSignal,
): Promise<DeadMessage[]> {
  const { letters, records, intake } = outputs.dlqs(feed);
  const queues: [DeadQueue, string][] = [
    ...letters.map((url): [DeadQueue, string] => ['letters', url]),
    ...records.map((url): [DeadQueue, string] => ['records', url]),
    ...intake.map((url): [DeadQueue, string] => ['intake', url]),
    ['finalize', outputs.finalizeDlqUrl],
  ];
  const onProgress = (read: number, expected: number): void => {
    if (expected > 100) terminal.progress('dlq', `reading the DLQ  ${formatCount(read)} of ${formatCount(expected)}`);
  };
  const ports = { client: sqs, clock: systemClock, random: Math.random, onProgress };
  const read = await Promise.all(
    queues.map(async ([queue, url]) => {
      const messages = await readQueue(url, ports, signal);
      return messages.filter((each) => isOfFeed(each, queue, feed)).map((each) => readDeadMessage(queue, each));
    }),
  );
  terminal.endProgress();
  return inFileOrder(read.flat());
}

/** All feeds share the finalizer, so its DLQ may hold other feeds' files. */
function isOfFeed(message: QueuedMessage, queue: DeadQueue, feed: string): boolean {
  return queue !== 'finalize' || (feedOf(message) ?? feed) === feed;
}
