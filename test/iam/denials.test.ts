import { DeleteItemCommand, DynamoDBClient, GetItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assumeRole, rolesOf } from '../support/assume-role.ts';
import { DeployedStack } from '../support/deployed-stack.ts';

type Who = 'trafficSplitter' | 'trafficexpressSplitter' | 'trafficConsumer' | 'trafficexpressConsumer' | Shared;
type Shared = 'Finalizer' | 'Reconciler';
type Attempt = (as: Caller) => Promise<unknown>;

/** AWS under one function's role. */
interface Caller {
  s3: S3Client;
  sqs: SQSClient;
  dynamo: DynamoDBClient;
  secrets: SecretsManagerClient;
}

const everyone: Who[] = [
  'trafficSplitter',
  'trafficexpressSplitter',
  'trafficConsumer',
  'trafficexpressConsumer',
  'Finalizer',
  'Reconciler',
];
const splitters: Who[] = ['trafficSplitter', 'trafficexpressSplitter'];
const consumers: Who[] = ['trafficConsumer', 'trafficexpressConsumer'];
const but = (...some: Who[]): Who[] => everyone.filter((who) => !some.includes(who));

let stack: DeployedStack;
let otherSecret: string;
let root: SecretsManagerClient;
const callers = new Map<Who, Caller>();

beforeAll(async () => {
  stack = new DeployedStack();
  root = new SecretsManagerClient(stack.cloud.client);
  const name = `${stack.output('ReconcilerName')}/another-feed/token`;
  otherSecret = (await root.send(new CreateSecretCommand({ Name: name, SecretString: 'hush' }))).ARN ?? '';
  const roles = await rolesOf(stack.cloud);
  for (const who of everyone) {
    const [, name] = [...roles].find(([id]) => id.startsWith(who)) ?? [];
    if (name === undefined) throw new Error(`The stack has no role of ${who}.`);
    const client = await assumeRole(stack.cloud, name);
    callers.set(who, {
      s3: new S3Client({ ...client, forcePathStyle: true }),
      sqs: new SQSClient(client),
      dynamo: new DynamoDBClient(client),
      secrets: new SecretsManagerClient(client),
    });
  }
});

afterAll(async () => {
  await root.send(new DeleteSecretCommand({ SecretId: otherSecret, ForceDeleteWithoutRecovery: true }));
});

const Key = 'traffic/somebody/manifest-0001.json';
const bucket = (which: 'Intake' | 'Work' | 'Archive') => stack.output(`${which}BucketName`);
const item = { pk: { S: 'FILE#none' }, sk: { S: 'FILE' } };
const get =
  (which: 'Intake' | 'Work' | 'Archive', key = Key): Attempt =>
  ({ s3 }) =>
    s3.send(new GetObjectCommand({ Bucket: bucket(which), Key: key }));
const put =
  (which: 'Intake' | 'Work' | 'Archive', key = Key): Attempt =>
  ({ s3 }) =>
    s3.send(new PutObjectCommand({ Bucket: bucket(which), Key: key, Body: 'x' }));
const remove =
  (which: 'Intake' | 'Work' | 'Archive', key = Key): Attempt =>
  ({ s3 }) =>
    s3.send(new DeleteObjectCommand({ Bucket: bucket(which), Key: key }));
const list =
  (which: 'Intake' | 'Work' | 'Archive'): Attempt =>
  ({ s3 }) =>
    s3.send(new ListObjectsV2Command({ Bucket: bucket(which) }));
const sendTo =
  (queue: string): Attempt =>
  ({ sqs }) =>
    sqs.send(new SendMessageCommand({ QueueUrl: stack.output(queue), MessageBody: '{}' }));
const receive =
  (queue: string): Attempt =>
  ({ sqs }) =>
    sqs.send(new ReceiveMessageCommand({ QueueUrl: stack.output(queue), VisibilityTimeout: 0 }));
const TableName = () => stack.output('LedgerTableName');
const soon = () => new Date(Date.now() + 1_000);

const denials: [string, Who[], Attempt][] = [
  ['delete from the archive', everyone, remove('Archive')],
  [
    'delete a version from the archive, past its retention',
    everyone,
    ({ s3 }) =>
      s3.send(
        new DeleteObjectCommand({ Bucket: bucket('Archive'), Key, VersionId: 'v1', BypassGovernanceRetention: true }),
      ),
  ],
  [
    'change a retention',
    everyone,
    ({ s3 }) =>
      s3.send(
        new PutObjectRetentionCommand({
          Bucket: bucket('Archive'),
          Key,
          Retention: { Mode: 'GOVERNANCE', RetainUntilDate: soon() },
        }),
      ),
  ],
  [
    'lift a legal hold',
    everyone,
    ({ s3 }) =>
      s3.send(new PutObjectLegalHoldCommand({ Bucket: bucket('Archive'), Key, LegalHold: { Status: 'OFF' } })),
  ],
  [
    'change the archive’s lock',
    everyone,
    ({ s3 }) => s3.send(new PutObjectLockConfigurationCommand({ Bucket: bucket('Archive') })),
  ],
  [
    'change a bucket’s policy',
    everyone,
    ({ s3 }) => s3.send(new PutBucketPolicyCommand({ Bucket: bucket('Archive'), Policy: '{}' })),
  ],
  ['drop a file', everyone, put('Intake')],
  ['delete a dropped file', everyone, remove('Intake')],
  ['delete a receipt', everyone, remove('Work', 'receipts/x')],
  [
    'read another feed’s token',
    everyone,
    ({ secrets }) => secrets.send(new GetSecretValueCommand({ SecretId: otherSecret })),
  ],
  [
    'put a token',
    everyone,
    ({ secrets }) =>
      secrets.send(
        new PutSecretValueCommand({ SecretId: stack.output('TrafficTokenSecretArn'), SecretString: 'mine' }),
      ),
  ],
  [
    'delete from the ledger',
    everyone,
    ({ dynamo }) => dynamo.send(new DeleteItemCommand({ TableName: TableName(), Key: item })),
  ],
  ['read all of the ledger', everyone, ({ dynamo }) => dynamo.send(new ScanCommand({ TableName: TableName() }))],
  [
    'read the token',
    but(...consumers),
    ({ secrets }) => secrets.send(new GetSecretValueCommand({ SecretId: stack.output('TrafficTokenSecretArn') })),
  ],
  ['read a dropped file', [...consumers, 'Reconciler'], get('Intake')],
  ['list dropped files', [...consumers, 'Reconciler'], list('Intake')],
  ['read the other lane’s files', ['trafficSplitter'], get('Intake', 'express/traffic/urgent.csv')],
  ['read the other lane’s files', ['trafficexpressSplitter'], get('Intake', 'traffic/a.csv')],
  ['write to the archive', [...splitters, ...consumers], put('Archive')],
  ['write to the archive beside its lists', ['Reconciler'], put('Archive', 'traffic/x')],
  ['read the archive', [...splitters, ...consumers], get('Archive')],
  ['store receipts', but(...consumers, 'Reconciler'), put('Work', 'receipts/x')],
  ['store anything but receipts', everyone, put('Work', 'x')],
  ['read receipts', but('Finalizer', 'Reconciler'), get('Work', 'receipts/x')],
  ['forge a letter', ['Finalizer', ...splitters], sendTo('TrafficLettersQueueUrl')],
  ['forge a letter of the other lane', ['trafficexpressConsumer'], sendTo('TrafficLettersQueueUrl')],
  ['put into a DLQ', everyone, sendTo('TrafficDlqUrl')],
  ['announce a file', [...consumers, 'Finalizer'], sendTo('TrafficIntakeQueueUrl')],
  ['take the other lane’s batches', ['trafficexpressConsumer', ...splitters], receive('TrafficRecordsQueueUrl')],
];

describe('under its own role', () => {
  it.each(everyone)('%s can do what it needs', async (who) => {
    const { dynamo } = callers.get(who) as Caller;
    // What follows would prove nothing about a caller whom the endpoint doesn't know.
    if (who === 'Reconciler') {
      const condition = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': item.pk } };
      await dynamo.send(new QueryCommand({ TableName: TableName(), ...condition }));
    } else await dynamo.send(new GetItemCommand({ TableName: TableName(), Key: item }));
  });

  it.each(denials)('it is denied to %s', async (_, who, attempt) => {
    for (const each of who) {
      const told = await attempt(callers.get(each) as Caller).then(
        () => 'allowed',
        (error: unknown) => (error as Error).name,
      );
      expect(`${each}: ${told}`).toMatch(/: AccessDenied(Exception)?$/);
    }
  });
});
