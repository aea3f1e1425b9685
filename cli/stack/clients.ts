import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Target } from './choose-target.ts';

/** The SDK's default is to wait for ever; uploads of a part over a slow line take their time. Milliseconds. */
const connectionTimeout = 5_000;
const socketTimeout = 60_000;

function settingsOf(target: Target) {
  const requestHandler = new NodeHttpHandler({
    connectionTimeout,
    socketTimeout,
    httpAgent: { maxSockets: 64 },
    httpsAgent: { maxSockets: 64 },
  });
  if (target.kind === 'aws') return { requestHandler };
  return {
    requestHandler,
    endpoint: target.endpointUrl,
    region: target.region,
    credentials: target.credentials,
  };
}

/** Local clouds have no name service for buckets. */
export const s3ClientFor = (target: Target): S3Client =>
  new S3Client({ ...settingsOf(target), ...(target.kind === 'endpoint' ? { forcePathStyle: true } : {}) });

export const sqsClientFor = (target: Target): SQSClient => new SQSClient(settingsOf(target));

export const dynamoClientFor = (target: Target): DynamoDBClient => new DynamoDBClient(settingsOf(target));

export const secretsClientFor = (target: Target): SecretsManagerClient => new SecretsManagerClient(settingsOf(target));

export const cloudFormationClientFor = (target: Target): CloudFormationClient =>
  new CloudFormationClient(settingsOf(target));

export const eventBridgeClientFor = (target: Target): EventBridgeClient => new EventBridgeClient(settingsOf(target));
