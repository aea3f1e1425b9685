import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { noEndpointVariants } from '../../localstack/aws-environment.ts';
import { AwsRequestHandler, awsRegionOf, httpTimeouts } from './aws-access.ts';
import type { Target } from './choose-target.ts';

function settingsOf(target: Target) {
  if (target.kind === 'aws') return awsSettings(process.env);
  const agent = { maxSockets: 64 };
  return {
    requestHandler: new NodeHttpHandler({ ...httpTimeouts, httpAgent: agent, httpsAgent: agent }),
    endpoint: target.endpointUrl,
    region: target.region,
    credentials: target.credentials,
    ...noEndpointVariants,
  };
}

function awsSettings(env: NodeJS.ProcessEnv) {
  const region = awsRegionOf(env);
  return {
    requestHandler: new AwsRequestHandler(env),
    // A separate handler: destroying a client must not close the handler of the others' credentials.
    credentials: defaultProvider({ clientConfig: { requestHandler: new AwsRequestHandler(env) } }),
    ...(region === undefined ? {} : { region }),
  };
}

/** @param forcePathStyle true if bucket names do not resolve as host names */
export const s3ClientFor = (target: Target, forcePathStyle: boolean): S3Client =>
  new S3Client({ ...settingsOf(target), forcePathStyle });

export const sqsClientFor = (target: Target): SQSClient => new SQSClient(settingsOf(target));

export const dynamoClientFor = (target: Target): DynamoDBClient => new DynamoDBClient(settingsOf(target));

export const secretsClientFor = (target: Target): SecretsManagerClient => new SecretsManagerClient(settingsOf(target));

export const cloudFormationClientFor = (target: Target): CloudFormationClient =>
  new CloudFormationClient(settingsOf(target));

export const cloudWatchClientFor = (target: Target): CloudWatchClient => new CloudWatchClient(settingsOf(target));

export const lambdaClientFor = (target: Target): LambdaClient => new LambdaClient(settingsOf(target));

export const eventBridgeClientFor = (target: Target): EventBridgeClient => new EventBridgeClient(settingsOf(target));
