import { randomUUID } from 'node:crypto';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import type { DeployedStack } from './deployed-stack.ts';

/** A queue that is subscribed to the desk's topic, as a person's mailbox would be. */
export async function openMailbox(stack: DeployedStack): Promise<{ url: string; close: () => Promise<unknown> }> {
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
  return { url: QueueUrl, close: () => stack.sqs.send(new DeleteQueueCommand({ QueueUrl })) };
}
