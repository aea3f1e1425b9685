import type { Clock, DeadLedger } from '../../lambdas/ports.ts';
import type { QueueAccess, ReceivedMessage } from './queue-access.ts';
import { totalOf } from './queue-access.ts';
import { letterIn } from './redrive-letters.ts';
import { recordKey } from './select-dead.ts';

export interface RemovePorts {
  queues: QueueAccess;
  ledger: Pick<DeadLedger, 'getDead'>;
  clock: Clock;
  dlqUrls: readonly string[];
}

const shortestHoldSeconds = 20;
const messagesPerSecond = 50;
const workers = 5;
const maxRounds = 3;

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
  let removed = 0;
  for (const url of ports.dlqUrls) {
    for (let round = 1; round <= maxRounds && removed < keys.size && !signal.aborted; round++) {
      const found = await removeOnce(url, keys, ports, signal);
      removed += found;
      if (found === 0) break;
    }
  }
  return removed;
}

async function removeOnce(
  url: string,
  keys: ReadonlySet<string>,
  ports: RemovePorts,
  signal: AbortSignal,
): Promise<number> {
  const { queues, ledger } = ports;
  const expected = totalOf(await queues.count(url));
  if (expected === 0) return 0;
  const holdSeconds = shortestHoldSeconds + Math.ceil(expected / messagesPerSecond);
  const held: ReceivedMessage[] = [];
  let removed = 0;
  const isOver = async ({ body }: ReceivedMessage): Promise<boolean> => {
    const letter = letterIn(body);
    if (!letter || !keys.has(recordKey(letter.file_id, letter.record))) return false;
    return (await ledger.getDead(letter.file_id, letter.record))?.state === 'resolved';
  };
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      const messages = await queues.receive(url, holdSeconds);
      if (messages.length === 0) return;
      const over: ReceivedMessage[] = [];
      for (const message of messages) ((await isOver(message)) ? over : held).push(message);
      if (over.length > 0) await queues.remove(url, over);
      removed += over.length;
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, Math.min(workers, Math.ceil(expected / 10))) }, work));
  } finally {
    await queues.release(url, held);
  }
  return removed;
}
