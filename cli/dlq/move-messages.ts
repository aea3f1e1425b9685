import type { QueueAccess, ReceivedMessage } from '../../lambdas/adapters/queue-access.ts';
import type { Visited, WalkPorts } from '../../lambdas/adapters/walk-queue.ts';
import { walkQueue } from '../../lambdas/adapters/walk-queue.ts';

export interface MovePorts extends Omit<WalkPorts, 'onProgress'> {
  queues: QueueAccess;
  onProgress: (moved: number, expected: number) => void;
}

export interface Move {
  /** The URLs of the DLQ and of the queue its messages came from. */
  from: string;
  to: string;
  /** Whether to move a message; others stay in the DLQ. */
  isWanted: (body: string) => boolean;
  /** Called with each message that was moved: none is kept in memory. */
  onMoved?: (body: string) => void;
}

export interface MoveEnd {
  /** Messages that were moved. */
  moved: number;
  /** Messages that were seen and left in the DLQ. */
  left: number;
}

/**
 * Moves messages from a DLQ back to their queue without SQS's own redrive: each is received, sent, and only then deleted.
 * Killed at any moment, it loses nothing: a message that was sent and not yet deleted exists twice. A message that returns
 * to the DLQ meanwhile is not moved again.
 */
export async function moveMessages(
  { from, to, isWanted, onMoved }: Move,
  ports: MovePorts,
  signal: AbortSignal,
): Promise<MoveEnd> {
  const { queues } = ports;
  let [moved, left] = [0, 0];
  /** Messages that were sent here: if seen again, they have failed again. */
  const sent = new Set<string>();
  const visit = async (messages: readonly ReceivedMessage[]): Promise<Visited> => {
    const unseen = messages.filter(({ messageId }) => !sent.has(messageId));
    const wanted = unseen.filter(({ body }) => isWanted(body));
    left += unseen.length - wanted.length;
    if (wanted.length === 0) return {};
    const ids = await queues.send(to, wanted);
    for (const id of ids) if (id !== undefined) sent.add(id);
    const removed = wanted.filter((_, index) => ids[index] !== undefined);
    await queues.remove(from, removed);
    moved += removed.length;
    for (const { body } of removed) onMoved?.(body);
    return { removed, again: wanted.filter((message) => !removed.includes(message)) };
  };
  const onProgress = (_: number, expected: number) => ports.onProgress(moved, expected);
  await walkQueue(from, { ...ports, onProgress }, visit, signal);
  return { moved, left };
}
