import { randomUUID } from 'node:crypto';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import type { DeployedStack } from './deployed-stack.ts';

interface Mailbox {
  url: string;
  /** What has come since, oldest first. */
  read: (waitSeconds?: number) => Promise<{ subject: string; text: string }[]>;
  close: () => Promise<unknown>;
}

const notification = z.object({ Subject: z.string(), Message: z.string() });

/** A queue that is subscribed to the desk's topic, as a person's mailbox would be. */
export async function openMailbox(stack: DeployedStack): Promise<Mailbox> {
  const { QueueUrl = '' } = await stack.sqs.send(new CreateQueueCommand({ QueueName: `mailbox-${randomUUID()}` }));
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
  const queueArn = (await stack.sqs.send(asked)).Attributes?.['QueueArn'];
  const topicArn = stack.output('DeskTopicArn');
  // Where IAM is evaluated, the topic has to be let in.
  const policy = {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queueArn,
      Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
    },
  };
  await stack.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: JSON.stringify(policy) } }));
  const sns = new SNSClient(stack.cloud.client);
  await sns.send(new SubscribeCommand({ Protocol: 'sqs', TopicArn: topicArn, Endpoint: queueArn }));
  sns.destroy();
  const read: Mailbox['read'] = async (waitSeconds = 0) => {
    const { Messages = [] } = await stack.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: waitSeconds }),
    );
    for (const { ReceiptHandle } of Messages)
      await stack.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    return Messages.map(({ Body = '' }) => {
      const { Subject, Message } = notification.parse(JSON.parse(Body));
      return { subject: Subject, text: Message };
    });
  };
  return { url: QueueUrl, read, close: () => stack.sqs.send(new DeleteQueueCommand({ QueueUrl })) };
}
