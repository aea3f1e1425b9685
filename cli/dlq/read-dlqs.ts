import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { LaneName } from '../stack/stack-outputs.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DeadMessage, DlqName } from './dead-message.ts';
import { readDeadMessage } from './dead-message.ts';
import { inFileOrder } from './group-by-reason.ts';
import { SqsQueueAccess } from '../../lambdas/adapters/sqs-queue-access.ts';
import { eachQueued } from '../../lambdas/adapters/walk-queue.ts';

interface ReadWish {
  kinds?: readonly DlqName[];
  /** Messages that are left out are not kept in memory. */
  isWanted?: (message: DeadMessage) => boolean;
}

/** Every message in a feed's DLQs, or in those of the given kinds, in file order. */
export async function readDlqs(
  { outputs, sqs }: Pick<OpenStack, 'outputs' | 'sqs'>,
  feed: string,
  terminal: Pick<Terminal, 'progress' | 'endProgress'>,
  signal: AbortSignal,
  { kinds = ['letters', 'records', 'intake', 'finalize'], isWanted = () => true }: ReadWish = {},
): Promise<DeadMessage[]> {
  const { letters, records, intake } = outputs.dlqs(feed);
  const queues: { queue: DlqName; lane: LaneName | null; url: string }[] = [
    ...letters.map((each) => ({ queue: 'letters' as const, ...each })),
    ...records.map((each) => ({ queue: 'records' as const, ...each })),
    ...intake.map((each) => ({ queue: 'intake' as const, ...each })),
    { queue: 'finalize', lane: null, url: outputs.finalizeDlqUrl(feed) },
  ];
  const wanted = queues.filter(({ queue }) => kinds.includes(queue));
  const onProgress = (read: number, expected: number): void => {
    if (expected > 100) terminal.progress('dlq', `reading the DLQ  ${formatCount(read)} of ${formatCount(expected)}`);
  };
  const ports = { queues: new SqsQueueAccess(sqs), clock: systemClock, random: Math.random, onProgress };
  const read: DeadMessage[] = [];
  const keep = (message: DeadMessage): void => {
    if (isWanted(message)) read.push(message);
  };
  await Promise.all(
    wanted.map(({ queue, lane, url }) =>
      eachQueued(url, ports, async (each) => keep(readDeadMessage(feed, { queue, lane }, each)), signal),
    ),
  );
  terminal.endProgress();
  return inFileOrder(read);
}
