import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { inject, it } from 'vitest';
import { DynamoItemStore } from '../../lambdas/adapters/dynamo-item-store.ts';
import type { ItemStore } from '../../lambdas/ports.ts';
import type { Implementation } from '../second-opinion/start-second-opinion.ts';
import type { TestCloud } from './start-test-cloud.ts';

/** For the SDK's clients. */
export type AwsSettings = TestCloud['client'];

/** Every DynamoDB that a contract suite runs on, each with the deployed stack's tables. */
export const dynamoDbs = (): [name: string, settings: AwsSettings][] =>
  withSecond('DynamoDB', 'DynamoDB Local', inject('secondOpinion').dynamoDb);

/** The deployed stack's ledger in each of them. */
export const dynamoStores = (): [name: string, create: () => ItemStore][] =>
  dynamoDbs().map(([name, settings]) => {
    const client = new DynamoDBClient(settings);
    return [`in ${name}`, () => new DynamoItemStore(client, inject('cloud').outputs['LedgerTableName'] ?? '')];
  });

/** Every SQS that a contract suite runs on. They have no queues in common: a suite makes its own. */
export const queueServices = (): [name: string, settings: AwsSettings][] =>
  withSecond('SQS', 'ElasticMQ', inject('secondOpinion').sqs);

/** One that is missing shows up as a skipped test that says why. */
function withSecond(first: string, second: string, implementation: Implementation): [string, AwsSettings][] {
  const { client } = inject('cloud');
  if ('endpoint' in implementation) {
    return [
      [first, client],
      [second, { ...client, endpoint: implementation.endpoint }],
    ];
  }
  it.skip(`in ${second}: ${implementation.missing}`);
  return [[first, client]];
}
