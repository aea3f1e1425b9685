import { randomUUID } from 'node:crypto';
import type { QueueAttributeName } from '@aws-sdk/client-sqs';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { runMoveTask } from '../../cli/dlq/move-task.ts';
import type { ReceivedMessage } from '../../lambdas/adapters/queue-access.ts';
import { totalOf } from '../../lambdas/adapters/queue-access.ts';
import { SqsQueueAccess } from '../../lambdas/adapters/sqs-queue-access.ts';
import { SqsDeadQueue } from '../../lambdas/adapters/sqs-dead-queue.ts';
import { SqsBatchQueue, SqsInFlightMessages, SqsQueueDepth } from '../../lambdas/adapters/sqs-queues.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import type { BatchMessage } from '../../lambdas/messages.ts';
import { batchMessage } from '../../lambdas/messages.ts';
import type { QueuedMessage } from '../../lambdas/ports.ts';
import { waitFor } from '../support/deployed-stack.ts';
import { queueServices } from '../support/implementations.ts';

const batch = (number: number, body: string): BatchMessage => ({
  v: 1,
  kind: 'slice',
  feed: 'traffic',
  fileId: 'f',
  batch: number,
  attempt: 1,
  failures: 0,
  offset: number,
  firstRecord: number,
  firstLine: number,
  records: 1,
  encoding: 'text',
  body,
});

describe.each(queueServices())('the queues in %s', (service, settings) => {
  const client = new SQSClient(settings);
  const access = new SqsQueueAccess(client);
  let queueUrl: string;
  let dlqUrl: string;

  async function create(name: string, Attributes: Partial<Record<QueueAttributeName, string>> = {}): Promise<string> {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes }));
    return QueueUrl ?? '';
  }

  beforeEach(async () => {
    const name = randomUUID();
    dlqUrl = await create(`${name}-dlq`);
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: dlqUrl, AttributeNames: ['QueueArn'] }),
    );
    const redrive = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 1 };
    queueUrl = await create(name, { RedrivePolicy: JSON.stringify(redrive), VisibilityTimeout: '60' });
  });

  /** Receives until so many are in our hands. */
  async function receive(url: string, count: number): Promise<ReceivedMessage[]> {
    const received: ReceivedMessage[] = [];
    return waitFor(`${count} messages`, async () => {
      received.push(...(await access.receive(url, 60, 1)));
      return received.length >= count ? received : undefined;
    });
  }

  async function readDlq(): Promise<QueuedMessage[]> {
    const seen: QueuedMessage[] = [];
    await new SqsDeadQueue(client, dlqUrl, systemClock).read(async (message) => void seen.push(message));
    return seen;
  }

  /** A message that its consumer fails on, until it is in the DLQ. Gives it as it was received. */
  async function bury(body: string): Promise<{ messageId: string; sentAt: number }> {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
    const [message] = await waitFor('the message', async () => {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          WaitTimeSeconds: 1,
          MessageSystemAttributeNames: ['SentTimestamp'],
        }),
      );
      return Messages.length > 0 ? Messages : undefined;
    });
    await new SqsInFlightMessages(client, queueUrl).changeVisibility(message?.ReceiptHandle ?? '', 0);
    await waitFor('the message to reach the DLQ', async () => {
      // SQS moves it when it would be received once more.
      await access.receive(queueUrl, 60, 1);
      return (await new SqsQueueDepth(client, dlqUrl).messages()) > 0 ? true : undefined;
    });
    return { messageId: message?.MessageId ?? '', sentAt: Number(message?.Attributes?.SentTimestamp) };
  }

  it('accepts batches of every size, with their bytes unchanged', async () => {
    const bodies = ['a,b\r\n', 'é😀\u0000\uFFFE', 'x'.repeat(180_000), ...Array<string>(10).fill('y'.repeat(90_000))];
    const sent = bodies.map((body, index) => batch(index + 1, body));
    await new SqsBatchQueue(client, queueUrl, systemClock).sendBatches(sent);
    const received = await receive(queueUrl, sent.length);
    const parsed = received.map(({ body }) => batchMessage.parse(JSON.parse(body))).sort((a, b) => a.batch - b.batch);
    expect(parsed).toEqual(sent);
  });

  it('counts what is visible, in flight and delayed', async () => {
    const queue = new SqsBatchQueue(client, queueUrl, systemClock);
    await queue.sendBatches([batch(1, 'a'), batch(2, 'b')]);
    await queue.sendSuccessor(batch(3, 'c'), 600);
    const counts = () =>
      waitFor('the counts', async () => {
        const found = await access.count(queueUrl);
        return totalOf(found) === 3 ? found : undefined;
      });
    expect(await counts()).toEqual({ visible: 2, inFlight: 0, delayed: 1 });
    const received = await receive(queueUrl, 2);
    expect(await counts()).toEqual({ visible: 0, inFlight: 2, delayed: 1 });
    await access.release(queueUrl, received);
    expect(await counts()).toEqual({ visible: 2, inFlight: 0, delayed: 1 });
    expect(await new SqsQueueDepth(client, queueUrl).messages()).toBe(3);
  });

  it('removes the given messages, and nothing else', async () => {
    await access.send(queueUrl, [{ body: 'a' }, { body: 'b' }]);
    const received = await receive(queueUrl, 2);
    await access.remove(
      queueUrl,
      received.filter(({ body }) => body === 'a'),
    );
    await access.release(queueUrl, received);
    // A second receive: the queue gives a message once before it is moved to the DLQ.
    await waitFor('the other to reach the DLQ', async () => {
      await access.receive(queueUrl, 60, 1);
      return (await access.count(dlqUrl)).visible > 0 ? true : undefined;
    });
    expect((await readDlq()).map(({ body }) => body)).toEqual(['b']);
  });

  it('moves a failing message to the DLQ, where it keeps its id and send time, and reading it changes nothing', async () => {
    const { messageId, sentAt } = await bury('letter');
    for (let look = 0; look < 2; look++) {
      expect(await readDlq()).toMatchObject([{ messageId, sentAt, body: 'letter' }]);
    }
    expect(await access.count(dlqUrl)).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });

  it('is redriven by SQS itself, as new messages with later send times', async ({ skip }) => {
    const before = await bury('letter');
    const progress: [number, number][] = [];
    const ports = {
      client,
      clock: systemClock,
      onProgress: (...counts: [number, number]) => void progress.push(counts),
    };
    const moved = await runMoveTask(dlqUrl, ports, new AbortController().signal);
    // The command line moves the messages itself then.
    skip(moved === undefined, `${service} has no StartMessageMoveTask`);
    expect(moved).toBe(1);
    expect(progress.at(-1)).toEqual([1, 1]);
    const { Messages } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 5, MessageSystemAttributeNames: ['All'] }),
    );
    const [message] = Messages ?? [];
    // AWS gives it a new id; ElasticMQ keeps the one it had. Only the send time may be relied on (decision 0006).
    expect(message).toMatchObject({ Body: 'letter' });
    expect(Number(message?.Attributes?.SentTimestamp)).toBeGreaterThan(before.sentAt);
    expect(await access.count(dlqUrl)).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    expect(await new SqsDeadQueue(client, dlqUrl, systemClock).isBeingRedriven()).toBe(false);
  });
});
