import { randomUUID } from 'node:crypto';
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
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

/** By the beginnings of their logical ids. */
type Who =
  | 'trafficmainSplitter'
  | 'trafficexpressSplitter'
  | 'trafficmainConsumer'
  | 'trafficexpressConsumer'
  | 'trafficFinalizer'
  | 'trafficReconcilerFunction'
  | 'maintenancemainSplitter'
  | 'maintenanceexpressSplitter'
  | 'maintenancemainConsumer'
  | 'maintenanceFinalizer';
type Attempt = (as: Caller) => Promise<unknown>;

/** AWS under one function's role. */
interface Caller {
  s3: S3Client;
  sqs: SQSClient;
  dynamo: DynamoDBClient;
  secrets: SecretsManagerClient;
}

/** All of the feed `traffic`. */
const everyone: Who[] = [
  'trafficmainSplitter',
  'trafficexpressSplitter',
  'trafficmainConsumer',
  'trafficexpressConsumer',
  'trafficFinalizer',
  'trafficReconcilerFunction',
];
const splitters: Who[] = ['trafficmainSplitter', 'trafficexpressSplitter'];
const consumers: Who[] = ['trafficmainConsumer', 'trafficexpressConsumer'];
const writesRecords: Who = 'maintenancemainConsumer';
/** Of a feed without a series, whose splitters compare nothing, and whose finalizer wakes no revision. */
const withoutSeries: Who[] = [
  'maintenancemainSplitter',
  'maintenanceexpressSplitter',
  writesRecords,
  'maintenanceFinalizer',
];
const but = (...some: Who[]): Who[] => everyone.filter((who) => !some.includes(who));

let stack: DeployedStack;
let otherSecret: string;
let root: SecretsManagerClient;
const callers = new Map<Who, Caller>();

beforeAll(async () => {
  stack = new DeployedStack();
  root = new SecretsManagerClient(stack.cloud.client);
  const name = `${stack.cloud.stackName}/another-feed/token`;
  otherSecret = (await root.send(new CreateSecretCommand({ Name: name, SecretString: 'hush' }))).ARN ?? '';
  const roles = await rolesOf(stack.cloud);
  for (const who of [...everyone, ...withoutSeries]) {
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
const item = { pk: { S: 'FILE#traffic.none' }, sk: { S: 'FILE' } };
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
const listVersions =
  (prefix: string): Attempt =>
  ({ s3 }) =>
    s3.send(new ListObjectVersionsCommand({ Bucket: bucket('Intake'), Prefix: prefix }));
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
  ['delete a receipt', everyone, remove('Work', 'receipts/traffic.none/x')],
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
  ['read a dropped file', [...consumers, 'trafficReconcilerFunction'], get('Intake')],
  ['list dropped files', [...consumers, 'trafficReconcilerFunction'], list('Intake')],
  ['list all versions of dropped files', everyone, listVersions('')],
  ['read the other lane’s files', ['maintenancemainSplitter'], get('Intake', 'express/maintenance/urgent.json')],
  ['read the other lane’s files', ['maintenanceexpressSplitter'], get('Intake', 'maintenance/a.json')],
  ['read another feed’s files, to compare them', splitters, get('Intake', 'maintenance/a.json')],
  ['write to the archive', [...splitters, ...consumers], put('Archive')],
  ['write to the archive beside its lists', ['trafficReconcilerFunction'], put('Archive', 'traffic/x')],
  ['read the archive', consumers, get('Archive')],
  ['read the archive', ['maintenancemainSplitter', writesRecords], get('Archive', 'maintenance/x/manifest.json')],
  ['read the archive of another feed', splitters, get('Archive', 'maintenance/x/receipts.ndjson.gz')],
  ['store receipts', but(...consumers, 'trafficReconcilerFunction'), put('Work', 'receipts/traffic.none/x')],
  ['store anything but receipts and long records', everyone, put('Work', 'x')],
  ['store long records', but(...consumers, 'trafficReconcilerFunction'), put('Work', 'payloads/traffic.none/x')],
  ['read long records', but(...consumers, 'trafficReconcilerFunction'), get('Work', 'payloads/traffic.none/x')],
  ['delete a long record', everyone, remove('Work', 'payloads/traffic.none/x')],
  ['read receipts', but('trafficFinalizer', 'trafficReconcilerFunction'), get('Work', 'receipts/traffic.none/x')],
  ['forge a letter', ['trafficFinalizer', ...splitters], sendTo('TrafficLettersQueueUrl')],
  ['forge a letter of the other lane', ['trafficexpressConsumer'], sendTo('TrafficLettersQueueUrl')],
  ['put into a DLQ', everyone, sendTo('TrafficDlqUrl')],
  ['announce a file', consumers, sendTo('TrafficIntakeQueueUrl')],
  ['announce a file', [writesRecords, 'maintenanceFinalizer'], sendTo('MaintenanceIntakeQueueUrl')],
  ['announce a file of another feed', ['trafficFinalizer'], sendTo('MaintenanceIntakeQueueUrl')],
  ['take the other lane’s batches', ['trafficexpressConsumer', ...splitters], receive('TrafficRecordsQueueUrl')],
];

/** Keys of items that belong to another feed, to another API, or to no feed. */
const foreignKeys = [
  'FILE#maintenance.none',
  // A name that begins with the feed's own, and an id of no feed.
  'FILE#traffic-night.none',
  'FILE#0123456789abcdef01234567',
  'SHA#maintenance#0',
  'SERIES#maintenance.none',
  'SERIES#traffic-night.none',
  'LIMITER#record-ledger/maintenance',
  'DESK#maintenance',
  'RECONCILER#maintenance',
  'ALTERED#maintenance',
];
const keyOf = (pk: string) => ({ pk: { S: pk }, sk: { S: 'FILE' } });
const onItem: [string, (pk: string) => Attempt][] = [
  [
    'read',
    (pk) =>
      ({ dynamo }) =>
        dynamo.send(new GetItemCommand({ TableName: TableName(), Key: keyOf(pk) })),
  ],
  [
    'set a TTL on',
    (pk) =>
      ({ dynamo }) =>
        dynamo.send(
          new UpdateItemCommand({
            TableName: TableName(),
            Key: keyOf(pk),
            UpdateExpression: 'SET expiresAt = :soon',
            ExpressionAttributeValues: { ':soon': { N: '1' } },
          }),
        ),
  ],
  [
    'replace',
    (pk) =>
      ({ dynamo }) =>
        dynamo.send(new PutItemCommand({ TableName: TableName(), Item: keyOf(pk) })),
  ],
  [
    'read, beside its own,',
    (pk) =>
      ({ dynamo }) =>
        dynamo.send(new BatchGetItemCommand({ RequestItems: { [TableName()]: { Keys: [item, keyOf(pk)] } } })),
  ],
  [
    'write, with its own in one transaction,',
    (pk) =>
      ({ dynamo }) =>
        dynamo.send(
          new TransactWriteItemsCommand({
            TransactItems: [item, keyOf(pk)].map((Key) => ({
              Update: {
                TableName: TableName(),
                Key,
                UpdateExpression: 'SET forged = :yes',
                ExpressionAttributeValues: { ':yes': { BOOL: true } },
              },
            })),
          }),
        ),
  ],
  [
    'list',
    (pk) =>
      ({ dynamo }) =>
        dynamo.send(
          new QueryCommand({
            TableName: TableName(),
            KeyConditionExpression: '#key = :pk',
            ExpressionAttributeNames: { '#key': 'pk' },
            ExpressionAttributeValues: { ':pk': { S: pk } },
          }),
        ),
  ],
];
const listFilesOf =
  (list: string): Attempt =>
  ({ dynamo }) =>
    dynamo.send(
      new QueryCommand({
        TableName: TableName(),
        IndexName: 'byFeed',
        KeyConditionExpression: 'listPk = :list',
        ExpressionAttributeValues: { ':list': { S: list } },
      }),
    );
const putRecord =
  (recordKey: string): Attempt =>
  ({ dynamo }) =>
    dynamo.send(
      new PutItemCommand({
        TableName: stack.output('RecordLedgerTableName'),
        Item: { recordKey: { S: recordKey } },
        ConditionExpression: 'attribute_not_exists(recordKey)',
      }),
    );
const putOnce =
  (key: string): Attempt =>
  ({ s3 }) =>
    s3.send(new PutObjectCommand({ Bucket: bucket('Archive'), Key: key, Body: 'x', IfNoneMatch: '*' }));
const recordKey = { recordKey: { S: 'maintenance#["x"]' } };
const expireRecord: Attempt = ({ dynamo }) =>
  dynamo.send(
    new UpdateItemCommand({
      TableName: stack.output('RecordLedgerTableName'),
      Key: recordKey,
      UpdateExpression: 'SET expiresAt = :soon',
      ExpressionAttributeValues: { ':soon': { N: '1' } },
    }),
  );
const readRecord: Attempt = ({ dynamo }) =>
  dynamo.send(new GetItemCommand({ TableName: stack.output('RecordLedgerTableName'), Key: recordKey }));

/** What a function of one feed must not do to another feed. */
const acrossFeeds: [string, Who[], Attempt][] = [
  ...foreignKeys.flatMap((pk) =>
    onItem.map(([what, on]): [string, Who[], Attempt] => [`${what} the item ${pk}`, everyone, on(pk)]),
  ),
  ...['OPEN', 'CLOSED', 'DEAD'].map((list): [string, Who[], Attempt] => [
    `list the files of another feed: ${list}`,
    everyone,
    listFilesOf(`${list}#maintenance`),
  ]),
  ['forge another feed’s receipts', everyone, put('Work', 'receipts/maintenance.none/00000001/1-x.ndjson.gz')],
  ['forge receipts of nobody’s feed', everyone, put('Work', 'receipts/none/x')],
  ['read another feed’s receipts', everyone, get('Work', 'receipts/maintenance.none/x')],
  ['store another feed’s long records', everyone, put('Work', 'payloads/maintenance.none/x')],
  ['read another feed’s long records', everyone, get('Work', 'payloads/maintenance.none/x')],
  ['read another feed’s bundles', everyone, get('Work', 'bundles/maintenance/x.bundle')],
  ...['', 'quarantine/', 'reconciliation/', 'nights/'].flatMap((part): [string, Who[], Attempt][] => [
    [`write another feed’s ${part} folder of the archive`, everyone, putOnce(`${part}maintenance/2026/x`)],
    [`read another feed’s ${part} folder of the archive`, everyone, get('Archive', `${part}maintenance/2026/x`)],
  ]),
  ['read another feed’s files', everyone, get('Intake', 'maintenance/x.json')],
  ['list versions of another feed’s files', everyone, listVersions('maintenance/')],
  ...['Finalize', 'Records', 'Letters', 'Intake', 'ExpressRecords'].flatMap((queue): [string, Who[], Attempt][] => [
    [`send to another feed’s queue ${queue}`, everyone, sendTo(`Maintenance${queue}QueueUrl`)],
    [`take from another feed’s queue ${queue}`, everyone, receive(`Maintenance${queue}QueueUrl`)],
  ]),
  ['look into another feed’s DLQ', everyone, receive('MaintenanceDlqUrl')],
  ['look into another feed’s finalize DLQ', everyone, receive('MaintenanceFinalizeDlqUrl')],
  ['put a record of another feed', [...everyone, writesRecords], putRecord('telemetry#["x"]')],
  ['put a record of its own feed, which has an API', everyone, putRecord('traffic#["x"]')],
  ['set a TTL on a record', [...everyone, writesRecords], expireRecord],
  ['read a record', [...everyone, writesRecords], readRecord],
  ['write over the archive', ['trafficFinalizer'], put('Archive', 'traffic/2026/x')],
  ['write over a list in the archive', ['trafficReconcilerFunction'], put('Archive', 'reconciliation/traffic/x')],
];

describe('under its own role', () => {
  it.each(everyone)('%s can do what it needs', async (who) => {
    const { dynamo } = callers.get(who) as Caller;
    // What follows would prove nothing about a caller whom the endpoint doesn't know.
    if (who === 'trafficReconcilerFunction') {
      const condition = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': item.pk } };
      await dynamo.send(new QueryCommand({ TableName: TableName(), ...condition }));
    } else await dynamo.send(new GetItemCommand({ TableName: TableName(), Key: item }));
  });

  it('the finalizer adds to the archive once, by a conditional write', async () => {
    const { s3 } = callers.get('trafficFinalizer') as Caller;
    const key = `traffic/2026/01/01/traffic.${randomUUID()}/manifest.json`;
    await putOnce(key)({ s3 } as Caller);
    await expect(putOnce(key)({ s3 } as Caller)).rejects.toThrow(/PreconditionFailed|pre-conditions/i);
  });

  it('the reconciler lists the versions of its feed’s files, in both lanes', async () => {
    for (const prefix of ['traffic/', 'express/traffic/']) {
      await listVersions(prefix)(callers.get('trafficReconcilerFunction') as Caller);
    }
  });

  it('the reconciler lists objects dropped outside every lane, and those in the lanes that no longer match', async () => {
    const { s3 } = callers.get('trafficReconcilerFunction') as Caller;
    const listed = (Prefix: string, Delimiter?: string) =>
      s3.send(new ListObjectsV2Command({ Bucket: bucket('Intake'), Prefix, ...(Delimiter ? { Delimiter } : {}) }));
    for (const prefix of ['', 'express/']) await listed(prefix, '/');
    await listed('trafic/');
    for (const prefix of ['', 'express/', 'traffic/', 'maintenance/', 'm']) {
      await expect(listed(prefix), prefix).rejects.toThrow(/AccessDenied|not authorized/i);
    }
  });

  it('a consumer of records puts those of its own feed', async () => {
    await putRecord(`maintenance#["${randomUUID()}"]`)(callers.get(writesRecords) as Caller);
  });

  it.each([...denials, ...acrossFeeds])('it is denied to %s', async (_, who, attempt) => {
    for (const each of who) {
      const told = await attempt(callers.get(each) as Caller).then(
        () => 'allowed',
        (error: unknown) => (error as Error).name,
      );
      expect(`${each}: ${told}`).toMatch(/: AccessDenied(Exception)?$/);
    }
  });
});
