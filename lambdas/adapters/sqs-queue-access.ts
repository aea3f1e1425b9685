import type { SQSClient } from '@aws-sdk/client-sqs';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import { callsOf, perCall } from './calls-of.ts';
import type { QueueAccess, QueueCounts, ReceivedMessage } from './queue-access.ts';
import { totalOf } from './queue-access.ts';

const callsAtOnce = 10;

type Outgoing = Pick<ReceivedMessage, 'body' | 'groupId'>;

/** The approximate number of messages: visible, in flight and delayed. */
export async function countMessages(client: SQSClient, url: string): Promise<number> {
  return totalOf(await new SqsQueueAccess(client).count(url));
}

/** The stack's queues, by URL. */
export class SqsQueueAccess implements QueueAccess {
  readonly #client: SQSClient;

  constructor(client: SQSClient) {
    this.#client = client;
  }

  async count(url: string): Promise<QueueCounts> {
    const { Attributes = {} } = await this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: url,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    return {
      visible: Number(Attributes['ApproximateNumberOfMessages'] ?? 0),
      inFlight: Number(Attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0),
      delayed: Number(Attributes['ApproximateNumberOfMessagesDelayed'] ?? 0),
    };
  }

  async receive(url: string, holdSeconds: number, waitSeconds: number): Promise<ReceivedMessage[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: perCall,
        VisibilityTimeout: holdSeconds,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount', 'MessageGroupId'],
      }),
    );
    return Messages.map(({ MessageId = '', ReceiptHandle = '', Body = '', Attributes = {} }) => ({
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      sentAt: Number(Attributes['SentTimestamp'] ?? 0),
      receives: Number(Attributes['ApproximateReceiveCount'] ?? 0),
      ...(Attributes['MessageGroupId'] === undefined ? {} : { groupId: Attributes['MessageGroupId'] }),
    }));
  }

  async send(url: string, messages: readonly Outgoing[]): Promise<(string | undefined)[]> {
    const ids: (string | undefined)[] = [];
    for (const call of callsOf(messages)) {
      const { Successful = [] } = await this.#client.send(
        new SendMessageBatchCommand({
          QueueUrl: url,
          Entries: call.map(({ body, groupId }, index) => ({
            Id: String(index),
            MessageBody: body,
            ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
          })),
        }),
      );
      ids.push(...call.map((_, index) => Successful.find(({ Id }) => Id === String(index))?.MessageId));
    }
    return ids;
  }

  async remove(url: string, messages: readonly ReceivedMessage[]): Promise<void> {
    await this.#inCalls(messages, (entries) =>
      this.#client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: entries })),
    );
  }

  async release(url: string, messages: readonly ReceivedMessage[]): Promise<void> {
    await this.#inCalls(messages, (entries) =>
      this.#client
        .send(
          new ChangeMessageVisibilityBatchCommand({
            QueueUrl: url,
            Entries: entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 })),
          }),
        )
        .catch(() => undefined),
    );
  }

  async #inCalls(
    messages: readonly ReceivedMessage[],
    call: (entries: { Id: string; ReceiptHandle: string }[]) => Promise<unknown>,
  ): Promise<void> {
    const calls: { Id: string; ReceiptHandle: string }[][] = [];
    for (let from = 0; from < messages.length; from += perCall) {
      const some = messages.slice(from, from + perCall);
      calls.push(some.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle })));
    }
    const work = async (): Promise<void> => {
      for (let entries = calls.pop(); entries; entries = calls.pop()) await call(entries);
    };
    await Promise.all(Array.from({ length: callsAtOnce }, work));
  }
}
