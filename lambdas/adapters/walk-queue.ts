import type { Clock, QueuedMessage } from '../ports.ts';
import { perCall } from './calls-of.ts';
import type { QueueAccess, ReceivedMessage } from './queue-access.ts';
import { totalOf } from './queue-access.ts';

export interface WalkPorts {
  queues: Pick<QueueAccess, 'count' | 'receive' | 'release'>;
  clock: Clock;
  /** Spreads the rounds of several processes that walk the same queue. */
  random: () => number;
  onProgress?: (seen: number, expected: number) => void;
}

/** What has become of a group of messages; those that are in neither list stay in the queue, and are done with. */
export interface Visited {
  /** No longer in the queue. */
  removed?: readonly ReceivedMessage[];
  /** Could not be handled: to be visited again in the next round. */
  again?: readonly ReceivedMessage[];
}

const callsAtOnce = 10;
/** Messages that a killed process left invisible are visible again after this. Seconds. */
const shortestHoldSeconds = 20;
/** An estimate of how many messages are handled per second. */
const messagesPerSecond = 50;
const maxRounds = 6;

/** Passes every message in a queue to `look` once, up to a hundred at a time, and leaves the queue as it was. */
export async function eachQueued(
  url: string,
  ports: WalkPorts,
  look: (message: QueuedMessage) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const visit = async (messages: readonly ReceivedMessage[]): Promise<Visited> => {
    await Promise.all(
      messages.map(({ messageId, body, sentAt, receives }) => look({ messageId, body, sentAt, receives })),
    );
    return {};
  };
  await walkQueue(url, ports, visit, signal);
}

/**
 * Passes every message in a queue to `visit` once, in groups of up to ten, up to ten groups at a time. Each is received
 * with a short visibility timeout; what `visit` does not remove is made visible again, also when the signal fires or
 * `visit` throws. If SQS counts more messages than arrived, another process is active: the queue is walked again, in
 * rounds. Keeps ids and receipt handles, not bodies.
 */
export async function walkQueue(
  url: string,
  ports: WalkPorts,
  visit: (messages: readonly ReceivedMessage[]) => Promise<Visited>,
  signal: AbortSignal,
): Promise<void> {
  const walk = { done: new Set<string>(), removed: 0 };
  for (let round = 1; ; round++) {
    const expected = walk.removed + totalOf(await ports.queues.count(url));
    const held = new Map<string, ReceivedMessage>();
    try {
      await goRound(url, { ...ports, visit, walk, held, expected }, signal);
    } finally {
      await ports.queues.release(url, [...held.values()]);
    }
    if (signal.aborted || round === maxRounds || walk.done.size >= expected) return;
    await ports.clock.sleep(300 + ports.random() * 1_500, signal);
  }
}

interface Round extends WalkPorts {
  visit: (messages: readonly ReceivedMessage[]) => Promise<Visited>;
  walk: { done: Set<string>; removed: number };
  /** By message id: those to make visible again. */
  held: Map<string, ReceivedMessage>;
  /** Messages in the queue, with those that were removed. */
  expected: number;
}

async function goRound(url: string, round: Round, signal: AbortSignal): Promise<void> {
  let isFailed = false;
  const work = async (): Promise<void> => {
    while (!signal.aborted && !isFailed && (await visitSome(url, round)) > 0);
  };
  const watched = () =>
    work().catch((error: unknown) => {
      isFailed = true;
      throw error;
    });
  const workers = Math.max(1, Math.min(callsAtOnce, Math.ceil(round.expected / perCall)));
  const ends = await Promise.allSettled(Array.from({ length: workers }, watched));
  const fault = ends.find((end) => end.status === 'rejected');
  if (fault) throw fault.reason;
}

/** @returns how many messages arrived that this round had not received before */
async function visitSome(url: string, { queues, visit, walk, held, expected, onProgress }: Round): Promise<number> {
  const holdSeconds = shortestHoldSeconds + Math.ceil(expected / messagesPerSecond);
  const isEnough = held.size + walk.removed >= expected;
  // Long polling makes SQS query all of its servers, so that an empty answer is reliable.
  const messages = await queues.receive(url, holdSeconds, isEnough ? 0 : 1);
  const fresh = messages.filter(({ messageId }) => !held.has(messageId));
  for (const message of messages) held.set(message.messageId, { ...message, body: '' });
  const unvisited = fresh.filter(({ messageId }) => !walk.done.has(messageId));
  for (const { messageId } of unvisited) walk.done.add(messageId);
  const { removed = [], again = [] } = unvisited.length > 0 ? await visit(unvisited) : {};
  for (const { messageId } of removed) held.delete(messageId);
  for (const { messageId } of again) walk.done.delete(messageId);
  walk.removed += removed.length;
  onProgress?.(held.size + walk.removed, expected);
  return fresh.length;
}
