import { Duration, Stack } from 'aws-cdk-lib';
import type { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';

export interface RedrivenQueueProps {
  settings: Settings;
  name: string;
  dlqName: string;
  /** The timeout of the function that consumes it. */
  timeoutSeconds: number;
  maxReceives: number;
  maxMessageBytes: number;
}

/** A queue with its DLQ. */
export class RedrivenQueue extends Construct {
  readonly queue: Queue;
  readonly dlq: Queue;

  constructor(scope: Construct, id: string, props: RedrivenQueueProps) {
    super(scope, id);
    const { retentionDays, visibilityFactor } = props.settings.queues;
    const { kmsKeyArn } = props.settings;
    const common = {
      ...(kmsKeyArn === undefined ? { encryption: QueueEncryption.SQS_MANAGED } : {}),
      retentionPeriod: Duration.days(retentionDays),
      maxMessageSizeBytes: props.maxMessageBytes,
    };
    this.dlq = new Queue(this, 'Dlq', { ...common, queueName: props.dlqName });
    this.queue = new Queue(this, 'Queue', {
      ...common,
      queueName: props.name,
      visibilityTimeout: Duration.seconds(props.timeoutSeconds * visibilityFactor),
      deadLetterQueue: { queue: this.dlq, maxReceiveCount: props.maxReceives },
    });
    // By its name: a reference would make a cycle, since the queue's redrive policy refers to the DLQ.
    const sourceQueueArns = [Stack.of(this).formatArn({ service: 'sqs', resource: props.name })];
    const dlq = this.dlq.node.defaultChild as CfnQueue;
    dlq.redriveAllowPolicy = { redrivePermission: 'byQueue', sourceQueueArns };
    if (kmsKeyArn === undefined) return;
    // If the CDK knew the key, it would let every receiver decrypt everything that the key has encrypted.
    for (const each of [this.dlq, this.queue]) (each.node.defaultChild as CfnQueue).kmsMasterKeyId = kmsKeyArn;
  }
}
