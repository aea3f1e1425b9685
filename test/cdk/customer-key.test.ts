import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { keyPolicyStatements } from '../../cdk/key-policy.ts';
import { ofType, synthesise } from './synthesise.ts';

const arn = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const { resources, complaints, text } = synthesise('prod', {
  SLUICE_KMS_KEY_ARN: arn,
  // Its own grants are not of the customer's key.
  SLUICE_SIGNING_KEY: 'none',
});

const statements = z.object({
  Statement: z.array(
    z.looseObject({
      Action: z.union([z.array(z.string()), z.string().transform((one) => [one])]),
      Resource: z.unknown(),
      Condition: z.unknown().optional(),
    }),
  ),
});

/** What a role may do with the key: `<service>: <actions>`. */
const keyUseOf = (role: RegExp): string[] =>
  ofType(resources, 'AWS::IAM::Policy')
    .filter(([id]) => role.test(id))
    .flatMap(([, { PolicyDocument }]) => statements.parse(PolicyDocument).Statement)
    .filter(({ Action }) => Action.some((action) => action.startsWith('kms:')))
    .flatMap(({ Action, Resource, Condition }) => {
      expect(Resource).toBe(arn);
      const [, service = 'any'] = /"kms:ViaService":\{"Fn::Join":\["",\["(\w+)\./.exec(JSON.stringify(Condition)) ?? [];
      return `${service}: ${Action.map((action) => action.slice('kms:'.length))
        .sort()
        .join(' ')}`;
    })
    .sort();

const write =
  'dynamodb: Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo';

describe('with a key of the customer’s', () => {
  it('table, queues, secrets, logs and buckets are encrypted by it, except access logs', () => {
    for (const [, bucket] of ofType(resources, 'AWS::S3::Bucket')) {
      const { ServerSideEncryptionConfiguration } = bucket['BucketEncryption'] as Record<string, unknown>;
      // S3 delivers access logs to no bucket with a customer's key; of all buckets, only theirs has no access log.
      const expected = bucket['LoggingConfiguration']
        ? [
            {
              BucketKeyEnabled: true,
              ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: arn },
            },
          ]
        : [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }];
      expect(ServerSideEncryptionConfiguration).toEqual(expected);
    }
    const queues = ofType(resources, 'AWS::SQS::Queue');
    expect(queues.length).toBeGreaterThan(10);
    for (const [, queue] of queues) {
      expect(queue['KmsMasterKeyId']).toBe(arn);
      expect(queue).not.toHaveProperty('SqsManagedSseEnabled');
    }
    for (const [, table] of ofType(resources, 'AWS::DynamoDB::Table')) {
      expect(table['SSESpecification']).toEqual({ KMSMasterKeyId: arn, SSEEnabled: true, SSEType: 'KMS' });
    }
    for (const [, topic] of ofType(resources, 'AWS::SNS::Topic')) expect(topic['KmsMasterKeyId']).toBe(arn);
    const logs = ofType(resources, 'AWS::Logs::LogGroup');
    expect(logs.length).toBeGreaterThan(4);
    for (const [, log] of logs) expect(log['KmsKeyId']).toBe(arn);
    for (const [, secret] of ofType(resources, 'AWS::SecretsManager::Secret')) expect(secret['KmsKeyId']).toBe(arn);
  });

  it('a function may use it only for its own purpose and through that service', () => {
    expect(keyUseOf(/^trafficmainSplitter/)).toEqual([write, 's3: Decrypt', 'sqs: Decrypt GenerateDataKey']);
    expect(keyUseOf(/^trafficmainConsumer/)).toEqual([
      write,
      's3: Decrypt GenerateDataKey',
      'secretsmanager: Decrypt',
      'sqs: Decrypt GenerateDataKey',
    ]);
    expect(keyUseOf(/^trafficFinalizer/)).toContain('s3: Decrypt GenerateDataKey');
    expect(keyUseOf(/./).filter((use) => use.startsWith('any'))).toEqual([]);
  });

  it('the synthesis reports no warning', () => expect(complaints).toEqual([]));
});

it('without one, the stack needs nothing from KMS', () => {
  expect(synthesise('prod', { SLUICE_SIGNING_KEY: 'none' }).text).not.toContain('kms:');
  expect(text).toContain('kms:');
});

it('the documented key policy is the one the stack needs: S3 to its queues, alarms to their topic, logs', () => {
  const guide = readFileSync(resolve(import.meta.dirname, '../../docs/security.md'), 'utf8');
  const [, shown = ''] = /```json\n(\[[^`]*S3AnnouncesFiles[^`]*)```/.exec(guide) ?? [];
  expect(JSON.parse(shown)).toEqual(keyPolicyStatements({ account: 'ACCOUNT', region: 'REGION' }));
  const services = keyPolicyStatements({ account: 'ACCOUNT', region: 'REGION' }).map(
    ({ Principal }) => Principal.Service,
  );
  // Each service that uses the key without a role of the stack's.
  expect(services).toEqual(['s3.amazonaws.com', 'cloudwatch.amazonaws.com', 'logs.REGION.amazonaws.com']);
});

it('the record ledger is encrypted by the key as well, and its writers may use it', () => {
  const maintenance = synthesise('prod', {
    SLUICE_KMS_KEY_ARN: arn,
    SLUICE_SIGNING_KEY: 'none',
    SLUICE_FEEDS: 'maintenance',
  });
  const tables = ofType(maintenance.resources, 'AWS::DynamoDB::Table');
  expect(tables).toHaveLength(2);
  for (const [, table] of tables) {
    expect(table['SSESpecification']).toEqual({ KMSMasterKeyId: arn, SSEEnabled: true, SSEType: 'KMS' });
  }
});
