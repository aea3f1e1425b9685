import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { SqsQueueAccess } from '../../../lambdas/adapters/sqs-queue-access.ts';
import type { WalkPorts } from '../../../lambdas/adapters/walk-queue.ts';
import { eachQueued } from '../../../lambdas/adapters/walk-queue.ts';
import type { QueuedMessage } from '../../../lambdas/ports.ts';

/** As much of SQS as a reader sees. Messages that `others` hold are invisible until the reader's next round. */
class Queue {
  readonly bodies: string[];
  readonly hidden = new Set<number>();
  others: number[] = [];
  receives = 0;

  constructor(size: number) {
    this.bodies = Array.from({ length: size }, (_, index) => `message ${index}`);
  }

  get client(): SQSClient {
    return { send: (command: unknown) => Promise.resolve(this.#answer(command)) } as unknown as SQSClient;
  }

  get visible(): number {
    return this.bodies.length - this.hidden.size;
  }

  #answer(command: unknown): unknown {
    if (command instanceof GetQueueAttributesCommand) {
      const invisible = this.hidden.size;
      const visible = this.bodies.length - invisible;
      return {
        Attributes: {
          ApproximateNumberOfMessages: String(visible),
          ApproximateNumberOfMessagesNotVisible: String(invisible),
          ApproximateNumberOfMessagesDelayed: '0',
        },
      };
    }
    if (command instanceof ReceiveMessageCommand) {
      this.receives++;
      const free = this.bodies.flatMap((_, index) => (this.hidden.has(index) ? [] : [index])).slice(0, 10);
      for (const index of free) this.hidden.add(index);
      return { Messages: free.map((index) => this.#message(index)) };
    }
    if (command instanceof ChangeMessageVisibilityBatchCommand) {
      for (const { ReceiptHandle } of command.input.Entries ?? []) this.hidden.delete(Number(ReceiptHandle));
      for (const index of this.others.splice(0)) this.hidden.delete(index);
      return {};
    }
    throw new Error('not a call that a reader should make');
  }

  #message(index: number) {
    return {
      MessageId: `id ${index}`,
      Body: this.bodies[index],
      ReceiptHandle: String(index),
      Attributes: { SentTimestamp: '1000', ApproximateReceiveCount: '4' },
    };
  }
}

const clock = { now: () => 0, sleep: () => Promise.resolve() };
const ports = (queue: Queue) => ({
  queues: new SqsQueueAccess(queue.client),
  clock,
  random: () => 0,
  onProgress: () => undefined,
});
const never = new AbortController().signal;

async function readQueue(url: string, walk: WalkPorts, signal: AbortSignal): Promise<QueuedMessage[]> {
  const found: QueuedMessage[] = [];
  await eachQueued(url, walk, async (message) => void found.push(message), signal);
  return found;
}

test.each([0, 1, 10, 11, 5_000])('lists each of %d messages once and leaves all of them visible', async (size) => {
  const queue = new Queue(size);
  const messages = await readQueue('url', ports(queue), never);
  expect(new Set(messages.map(({ body }) => body))).toEqual(new Set(queue.bodies));
  expect(messages).toHaveLength(size);
  expect(queue.visible).toBe(size);
});

test('reads again if another reader holds some of them', async () => {
  const queue = new Queue(40);
  queue.others = [3, 4, 5];
  for (const index of queue.others) queue.hidden.add(index);
  expect(await readQueue('url', ports(queue), never)).toHaveLength(40);
  expect(queue.visible).toBe(40);
});

test('gives up if another reader never returns some messages, and returns all others', async () => {
  const queue = new Queue(40);
  queue.hidden.add(7);
  expect(await readQueue('url', ports(queue), never)).toHaveLength(39);
  expect(queue.visible).toBe(39);
});

test('keeps none of the messages that it lists, and holds at most one call’s messages per reader', async () => {
  const queue = new Queue(5_000);
  let inHand = 0;
  let most = 0;
  const seen = new Set<string>();
  const look = async ({ body }: { body: string }): Promise<void> => {
    most = Math.max(most, ++inHand);
    await Promise.resolve();
    seen.add(body);
    inHand--;
  };
  await eachQueued('url', ports(queue), look, never);
  expect(seen.size).toBe(5_000);
  expect(most).toBeLessThanOrEqual(10 * 10);
});

test('returns every message if one of them can not be handled', async () => {
  const queue = new Queue(1_000);
  let looks = 0;
  const look = () => (++looks === 3 ? Promise.reject(new Error('no table')) : Promise.resolve());
  await expect(eachQueued('url', ports(queue), look, never)).rejects.toThrow('no table');
  expect(looks).toBeLessThan(1_000);
  expect(queue.visible).toBe(1_000);
});

test('returns the messages it holds when it is interrupted', async () => {
  const queue = new Queue(1_000);
  const stop = new AbortController();
  const onProgress = (read: number) => (read >= 50 ? stop.abort() : undefined);
  const messages = await readQueue('url', { ...ports(queue), onProgress }, stop.signal);
  expect(messages.length).toBeLessThan(1_000);
  expect(queue.visible).toBe(1_000);
});
