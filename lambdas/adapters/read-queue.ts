import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import type { Clock, QueuedMessage } from '../ports.ts';

export interface ReadQueuePorts {
  client: SQSClient;
  clock: Clock;
  /** Spreads the rounds of concurrent readers of the same queue. */
  random: () => number;
  onProgress: (read: number, expected: number) => void;
}

/** SQS: 10 messages per call. */
const perCall = 10;
const callsAtOnce = 10;
/** Messages that a killed reader left invisible are visible again after this. Seconds. */
const shortestHoldSeconds = 20;
/** An estimate of how many messages can be read per second. */
const messagesPerSecond = 100;
const maxRounds = 6;

/** Reads every message in a queue and leaves the queue as it was. Returns what it has read when the signal fires. */
export async function readQueue(url: string, ports: ReadQueuePorts, signal: AbortSignal): Promise<QueuedMessage[]> {
  const found: QueuedMessage[] = [];
  await eachQueued(url, ports, async (message) => void found.push(message), signal);
  return found;
}

/**
 * Passes every message in a queue to `look` once, up to ten at a time. The queue is left as it was: each message is
 * received with a short visibility timeout and made visible again, also when the signal fires or `look` throws. If SQS
 * counts more messages than arrived, another reader is active: the queue is read again, in rounds. Keeps ids and receipt
 * handles, not bodies.
 */
export async function eachQueued(
  url: string,
  ports: ReadQueuePorts,
  look: (message: QueuedMessage) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const found = new Set<string>();
  for (let round = 1; ; round++) {
    const expected = await countMessages(ports.client, url);
    const held = new Map<string, string>();
    try {
      await receiveAll(url, { ...ports, look, found, held, expected }, signal);
    } finally {
      await release(ports.client, url, [...held.values()]);
    }
    if (signal.aborted || round === maxRounds || found.size >= expected) return;
    await ports.clock.sleep(300 + ports.random() * 1_500, signal);
  }
}

/** The approximate number of messages: visible, in flight and delayed. */
export async function countMessages(client: SQSClient, url: string): Promise<number> {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl: url,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
}

interface Round extends ReadQueuePorts {
  look: (message: QueuedMessage) => Promise<void>;
  found: Set<string>;
  /** Receipt handles by message id, of the messages to make visible again. */
  held: Map<string, string>;
  expected: number;
}

async function receiveAll(url: string, round: Round, signal: AbortSignal): Promise<void> {
  const { client, look, found, held, expected, onProgress } = round;
  const holdSeconds = shortestHoldSeconds + Math.ceil(expected / messagesPerSecond);
  let isFailed = false;
  const work = async (): Promise<void> => {
    while (!signal.aborted && !isFailed) {
      const enough = held.size >= expected;
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: perCall,
          VisibilityTimeout: holdSeconds,
          // Long polling makes SQS query all of its servers, so that an empty answer is reliable.
          WaitTimeSeconds: enough ? 0 : 1,
          MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
        }),
      );
      const fresh = Messages.filter((message) => !held.has(message.MessageId ?? ''));
      for (const { MessageId = '', ReceiptHandle = '' } of Messages) held.set(MessageId, ReceiptHandle);
      onProgress(held.size, expected);
      for (const message of Messages.map(readMessage)) {
        if (found.has(message.messageId)) continue;
        found.add(message.messageId);
        await look(message);
      }
      if (fresh.length === 0) return;
    }
  };
  const workers = Math.max(1, Math.min(callsAtOnce, Math.ceil(expected / perCall)));
  const watched = () =>
    work().catch((error: unknown) => {
      isFailed = true;
      throw error;
    });
  const ends = await Promise.allSettled(Array.from({ length: workers }, watched));
  const fault = ends.find((end) => end.status === 'rejected');
  if (fault) throw fault.reason;
}

function readMessage({ MessageId = '', Body = '', Attributes = {} }: Message): QueuedMessage {
  return {
    messageId: MessageId,
    body: Body,
    sentAt: Number(Attributes['SentTimestamp'] ?? 0),
    receives: Number(Attributes['ApproximateReceiveCount'] ?? 0),
  };
}

/** Makes messages visible at once. Those that SQS refuses become visible when their timeout ends. */
async function release(client: SQSClient, url: string, receiptHandles: string[]): Promise<void> {
  const calls: string[][] = [];
  for (let from = 0; from < receiptHandles.length; from += perCall)
    calls.push(receiptHandles.slice(from, from + perCall));
  const work = async (): Promise<void> => {
    for (let call = calls.pop(); call; call = calls.pop()) {
      const Entries = call.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
      await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries })).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: callsAtOnce }, work));
}
