import type { Clock } from '../../lambdas/ports.ts';
import type { QueueAccess, ReceivedMessage } from './queue-access.ts';
import { totalOf } from './queue-access.ts';

export interface MovePorts {
  queues: QueueAccess;
  clock: Clock;
  /** Spreads the rounds of several movers that read the same queue. */
  random: () => number;
  onProgress: (moved: number, expected: number) => void;
}

export interface Move {
  /** The URLs of the DLQ and of the queue its messages came from. */
  from: string;
  to: string;
  /** Whether to move a message; others stay in the DLQ. */
  isWanted: (body: string) => boolean;
}

export interface MoveEnd {
  /** Bodies of the messages that were moved. */
  moved: string[];
  /** Messages that were seen and left in the DLQ. */
  left: number;
}

const workers = 10;
/** Messages held by a mover that was killed become visible again after this. Seconds. */
const shortestHoldSeconds = 30;
/** Estimated number of messages handled per second. */
const messagesPerSecond = 50;
const maxRounds = 6;

/**
 * Moves messages from a DLQ back to their queue without SQS's own redrive: each is received, sent, and only then deleted.
 * Killed at any moment, it loses nothing: a message that was sent and not yet deleted exists twice. A message that returns
 * to the DLQ meanwhile is not moved again.
 */
export async function moveMessages(move: Move, ports: MovePorts, signal: AbortSignal): Promise<MoveEnd> {
  const expected = totalOf(await ports.queues.count(move.from));
  const trip = new MoveRun(move, ports, expected);
  for (let round = 1; expected > 0; round++) {
    await trip.goRound(signal);
    const { moved, left } = trip;
    if (signal.aborted || round === maxRounds || moved.length + left >= expected) break;
    // Some are in flight with other receivers, which are done with them soon.
    await ports.clock.sleep(300 + ports.random() * 1_500, signal);
  }
  return { moved: trip.moved, left: trip.left };
}

class MoveRun {
  readonly moved: string[] = [];
  readonly #move: Move;
  readonly #ports: MovePorts;
  readonly #expected: number;
  /** Messages that were moved here: if seen again, they have failed again. */
  readonly #sent = new Set<string>();
  readonly #unwanted = new Set<string>();

  constructor(move: Move, ports: MovePorts, expected: number) {
    this.#move = move;
    this.#ports = ports;
    this.#expected = expected;
  }

  get left(): number {
    return this.#unwanted.size;
  }

  async goRound(signal: AbortSignal): Promise<void> {
    const held: ReceivedMessage[] = [];
    const work = async (): Promise<void> => {
      while (!signal.aborted && (await this.#carry(held)) > 0);
    };
    try {
      const count = Math.max(1, Math.min(workers, Math.ceil(this.#expected / 10)));
      const ends = await Promise.allSettled(Array.from({ length: count }, work));
      const fault = ends.find((end) => end.status === 'rejected');
      if (fault) throw fault.reason;
    } finally {
      await this.#ports.queues.release(this.#move.from, held);
    }
  }

  /** Receives and moves up to ten messages. Returns how many of them had not been seen before. */
  async #carry(held: ReceivedMessage[]): Promise<number> {
    const { queues, onProgress } = this.#ports;
    const { from, to, isWanted } = this.#move;
    const holdSeconds = shortestHoldSeconds + Math.ceil(this.#expected / messagesPerSecond);
    const messages = await queues.receive(from, holdSeconds);
    const fresh = messages.filter(({ messageId }) => !this.#sent.has(messageId) && !this.#unwanted.has(messageId));
    const [wanted, unwanted] = [
      fresh.filter(({ body }) => isWanted(body)),
      fresh.filter(({ body }) => !isWanted(body)),
    ];
    for (const { messageId } of unwanted) this.#unwanted.add(messageId);
    held.push(...messages.filter((message) => !wanted.includes(message)));
    if (wanted.length > 0) {
      const ids = await queues.send(to, wanted);
      const taken = wanted.filter((_, index) => ids[index] !== undefined);
      for (const id of ids) if (id !== undefined) this.#sent.add(id);
      held.push(...wanted.filter((message) => !taken.includes(message)));
      await queues.remove(from, taken);
      this.moved.push(...taken.map(({ body }) => body));
      onProgress(this.moved.length, this.#expected);
    }
    return fresh.length;
  }
}
