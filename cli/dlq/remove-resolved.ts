import type { QueueAccess, ReceivedMessage } from '../../lambdas/adapters/queue-access.ts';
import { walkQueue } from '../../lambdas/adapters/walk-queue.ts';
import type { Clock, DeadLedger } from '../../lambdas/ports.ts';
import { letterIn } from './redrive-letters.ts';
import { recordKey } from './select-dead.ts';

export interface RemovePorts {
  queues: QueueAccess;
  ledger: Pick<DeadLedger, 'getDead'>;
  clock: Clock;
  dlqUrls: readonly string[];
}

/**
 * Removes the letters of resolved records from the DLQ. A message is deleted only if the ledger says that its record is
 * resolved; all others are made visible again. Returns how many were removed; a resolved letter that stays is
 * acknowledged when it is redriven.
 */
export async function removeResolved(
  keys: ReadonlySet<string>,
  ports: RemovePorts,
  signal: AbortSignal,
): Promise<number> {
  const { queues, ledger } = ports;
  const isResolved = async ({ body }: ReceivedMessage): Promise<boolean> => {
    const letter = letterIn(body);
    if (!letter || !keys.has(recordKey(letter.file_id, letter.record))) return false;
    return (await ledger.getDead(letter.file_id, letter.record))?.state === 'resolved';
  };
  const walk = { queues, clock: ports.clock, random: Math.random };
  let removed = 0;
  const all = new AbortController();
  for (const url of ports.dlqUrls) {
    const visit = async (messages: readonly ReceivedMessage[]) => {
      const judged = await Promise.all(messages.map(isResolved));
      const resolved = messages.filter((_, index) => judged[index]);
      if (resolved.length > 0) await queues.remove(url, resolved);
      removed += resolved.length;
      if (removed >= keys.size) all.abort();
      return { removed: resolved };
    };
    if (removed < keys.size) await walkQueue(url, walk, visit, AbortSignal.any([signal, all.signal]));
  }
  return removed;
}
