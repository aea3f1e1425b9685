import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  readConsumerEnvironment,
  readFinalizerEnvironment,
  readReconcilerEnvironment,
  readSplitterEnvironment,
} from '../../lambdas/runtime/environment.ts';
import type { Resource } from './synthesise.ts';
import { ofType, resolved, synthesise } from './synthesise.ts';

const prod = synthesise('prod');
const local = synthesise('local');

function one(resources: Record<string, Resource>, id: RegExp): Resource {
  const found = Object.entries(resources).filter(([name]) => id.test(name));
  const [entry] = found;
  if (!entry || found.length > 1) throw new Error(`${found.length} resources are called ${id}`);
  return entry[1];
}

function environmentOf(resources: Record<string, Resource>, name: string): Record<string, string> {
  const found = ofType(resources, 'AWS::Lambda::Function').find(([, { FunctionName }]) => FunctionName === name);
  const { Variables } = z.object({ Variables: z.record(z.string(), z.unknown()) }).parse(found?.[1]['Environment']);
  return Object.fromEntries(Object.entries(Variables).map(([variable, value]) => [variable, resolved(value)]));
}

describe.each([
  ['local', local],
  ['prod', prod],
] as const)('stack of stage %s', (stage, { resources, outputs, complaints, text }) => {
  it('synthesizes without a warning', () => {
    expect(complaints).toEqual([]);
  });

  it('has no custom resource, which local clouds would skip', () => {
    const types = Object.values(resources).map(({ Type }) => Type);
    expect(types.filter((type) => type.startsWith('Custom::') || type.includes('CustomResource'))).toEqual([]);
    expect(ofType(resources, 'AWS::Lambda::Function')).toHaveLength(6);
  });

  it('passes each function the required environment', () => {
    const environment = (name: string) => environmentOf(resources, `sluice-${stage}-${name}`);
    expect(readSplitterEnvironment(environment('traffic-splitter'))).toMatchObject({
      SLUICE_FEED: 'traffic',
      SLUICE_LANE: 'main',
      SLUICE_VERSION: '1.2.3',
      CUT_LIMITS: { maxBatchBytes: 192_000, maxRecordBytes: 65_536 },
      HORIZON: { records: stage === 'prod' ? 36_000 : 6_000, recordsPerSecond: 10 },
      GZIP_LIMITS: { maxRatio: 200, roomMs: stage === 'prod' ? 450_000 : 60_000 },
    });
    expect(readConsumerEnvironment(environment('traffic-consumer')).API).toEqual({
      id: 'https://avstar.example/v1',
      url: 'https://avstar.example/v1',
      requests: 600,
      windowSeconds: 60,
      isPaced: true,
      connectionsPerConsumer: 6,
      connectionsPerLetterConsumer: 1,
    });
    readFinalizerEnvironment(environment('traffic-finalizer'));
  });

  it('passes the express lane’s functions their own queues, and the API that both lanes share', () => {
    const environment = (name: string) => environmentOf(resources, `sluice-${stage}-${name}`);
    const splitter = readSplitterEnvironment(environment('traffic-express-splitter'));
    const consumer = readConsumerEnvironment(environment('traffic-express-consumer'));
    expect(splitter).toMatchObject({ SLUICE_FEED: 'traffic', SLUICE_LANE: 'express' });
    expect(splitter.RECORDS_QUEUE_URL).toBe(consumer.RECORDS_QUEUE_URL);
    expect(consumer.API).toMatchObject({ requests: 600, connectionsPerConsumer: 2 });
    const main = readConsumerEnvironment(environment('traffic-consumer'));
    // The limiter's item is named by it.
    expect(consumer.API.id).toBe(main.API.id);
    expect(consumer.LETTERS_QUEUE_URL).not.toBe(main.LETTERS_QUEUE_URL);
    expect(consumer.FINALIZE_QUEUE_URL).toBe(main.FINALIZE_QUEUE_URL);
    expect(readReconcilerEnvironment(environment('traffic-reconciler')).LANES).toEqual([
      expect.objectContaining({ lane: 'main', recordsQueueUrl: main.RECORDS_QUEUE_URL }),
      expect.objectContaining({ lane: 'express', recordsQueueUrl: consumer.RECORDS_QUEUE_URL }),
    ]);
  });

  it('passes the proxy to the consumer', () => {
    const { resources: proxied } = synthesise(stage, { SLUICE_TRAFFIC_PROXY_URL: 'http://proxy.example:3128' });
    const { API } = readConsumerEnvironment(environmentOf(proxied, `sluice-${stage}-traffic-consumer`));
    expect(API.proxyUrl).toBe('http://proxy.example:3128');
  });

  it('passes the command line everything it needs', () => {
    const feed = ['IntakeQueueUrl', 'IntakeDlqUrl', 'RecordsQueueUrl', 'RecordsDlqUrl', 'LettersQueueUrl', 'DlqUrl'];
    const lane = [...feed, 'SplitterName', 'ConsumerName'];
    const ofFeed = ['TokenSecretArn', 'Api', 'FinalizeQueueUrl', 'FinalizeDlqUrl', 'FinalizerName', 'ReconcilerName'];
    const names = [
      ...[...lane, ...ofFeed].map((name) => `Traffic${name}`),
      ...lane.map((name) => `TrafficExpress${name}`),
    ];
    const shared = ['IntakeBucketName', 'ArchiveBucketName', 'WorkBucketName', 'LedgerTableName'];
    expect(Object.keys(outputs).sort()).toEqual([...names, ...shared, 'DeskTopicArn'].sort());
    expect(JSON.parse(resolved(outputs['TrafficApi']))).toEqual({
      id: 'https://avstar.example/v1',
      deadline: { hour: 5, minute: 0, timeZone: 'America/New_York' },
      url: 'https://avstar.example/v1',
      requests: 600,
      windowSeconds: 60,
      connections: 20,
      consumers: 4,
      isPaced: true,
    });
  });

  it('monitors the deadline: an alarm on the margin notifies the desk, and is silent while no file is open', () => {
    const alarm = one(resources, /^Alarmstrafficdeadlineatrisk/).Properties;
    expect(alarm).toMatchObject({
      AlarmName: `sluice-${stage}-traffic-deadline-at-risk`,
      Namespace: 'Sluice',
      MetricName: 'DeadlineMarginSeconds',
      Dimensions: [
        { Name: 'feed', Value: 'traffic' },
        { Name: 'stack', Value: `sluice-${stage}` },
      ],
      Statistic: 'Minimum',
      Threshold: 0,
      ComparisonOperator: 'LessThanThreshold',
      Period: stage === 'prod' ? 900 : 60,
      TreatMissingData: 'notBreaching',
    });
    expect(alarm['AlarmDescription']).toContain('"Deadline at risk" in docs/operations.md');
    expect(readFileSync(resolve(import.meta.dirname, '../../docs/operations.md'), 'utf8')).toContain(
      '## Deadline at risk\n',
    );
    expect(JSON.stringify(alarm['AlarmActions'])).toContain('DeskTopic');
    const environment = readReconcilerEnvironment(environmentOf(resources, `sluice-${stage}-traffic-reconciler`));
    expect(environment.FEED).toEqual({
      feed: 'traffic',
      api: 'https://avstar.example/v1',
      limit: { requests: 600, windowSeconds: 60, isPaced: true },
      deadline: { hour: 5, minute: 0, timeZone: 'America/New_York' },
    });
    expect(environment.SHARING_FEEDS).toEqual([]);
  });

  it('has no such alarm for a feed without a deadline, and no limit for one without an API', () => {
    const { resources: ofLedger } = synthesise(stage, { SLUICE_FEEDS: 'maintenance' });
    expect(Object.keys(ofLedger).filter((id) => id.includes('deadlineatrisk'))).toEqual([]);
    expect(readReconcilerEnvironment(environmentOf(ofLedger, `sluice-${stage}-maintenance-reconciler`)).FEED).toEqual({
      feed: 'maintenance',
      api: 'record-ledger/maintenance',
    });
  });

  it('has a finalizer and a reconciler for each feed, which have its own queues and the names of feeds that share its API', () => {
    const both = synthesise(stage, {
      SLUICE_FEEDS: 'traffic,maintenance,telemetry',
      SLUICE_MAINTENANCE_SINK: 'http',
      SLUICE_MAINTENANCE_API_URL: 'https://avstar.example/v1/',
      SLUICE_MAINTENANCE_REQUESTS: '600',
      SLUICE_MAINTENANCE_WINDOW_SECONDS: '60',
    });
    const environments = ['traffic', 'maintenance', 'telemetry'].map((feed) =>
      readReconcilerEnvironment(environmentOf(both.resources, `sluice-${stage}-${feed}-reconciler`)),
    );
    expect(environments.map(({ FEED, SHARING_FEEDS }) => [FEED.feed, SHARING_FEEDS])).toEqual([
      ['traffic', ['maintenance']],
      ['maintenance', ['traffic']],
      ['telemetry', []],
    ]);
    const queues = environments.flatMap(({ FINALIZE_QUEUE_URL, LANES }) => [
      FINALIZE_QUEUE_URL,
      ...LANES.map(({ recordsQueueUrl }) => recordsQueueUrl),
    ]);
    expect(new Set(queues).size).toBe(queues.length);
  });

  it('has one lane if the express lane is off', () => {
    const single = synthesise(stage, { SLUICE_TRAFFIC_EXPRESS_LANE: 'off' });
    expect(ofType(single.resources, 'AWS::Lambda::Function')).toHaveLength(4);
    expect(Object.keys(single.outputs).filter((name) => name.includes('Express'))).toEqual([]);
  });

  it('runs on Graviton and Node 24, with a log of its own that expires', () => {
    for (const [, lambda] of ofType(resources, 'AWS::Lambda::Function')) {
      expect(lambda).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        LoggingConfig: { LogFormat: 'JSON' },
      });
    }
    const logs = ofType(resources, 'AWS::Logs::LogGroup').map(([, { RetentionInDays }]) => RetentionInDays);
    expect(logs).toEqual(Array<number>(6).fill(stage === 'prod' ? 365 : 7));
  });

  it('keeps its buckets private, encrypted and reachable over TLS only', () => {
    const buckets = ofType(resources, 'AWS::S3::Bucket');
    expect(buckets).toHaveLength(4);
    const policies = ofType(resources, 'AWS::S3::BucketPolicy').map(([, policy]) => JSON.stringify(policy));
    for (const [id, bucket] of buckets) {
      expect(bucket['PublicAccessBlockConfiguration']).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(JSON.stringify(bucket['BucketEncryption'])).toContain('AES256');
      expect(JSON.stringify(bucket['LifecycleConfiguration'])).toContain('"DaysAfterInitiation":7');
      const own = policies.find((policy) => policy.includes(`{"Bucket":{"Ref":"${id}"}`));
      expect(own).toContain('"aws:SecureTransport":"false"');
    }
  });

  it('has a ledger with two keys, an index that lists files, and items that expire by expiresAt', () => {
    expect(one(resources, /^LedgerTable/).Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byFeed',
          KeySchema: [
            { AttributeName: 'listPk', KeyType: 'HASH' },
            { AttributeName: 'listSk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
  });

  it('generates a token at the deploy, and has none in the template', () => {
    const secret = one(resources, /^trafficTokenSecret/).Properties;
    expect(secret['Name']).toBe(`sluice-${stage}/traffic/token`);
    expect(secret).not.toHaveProperty('SecretString');
    expect(secret).toHaveProperty('GenerateSecretString');
    const withToken = synthesise(stage, { SLUICE_TRAFFIC_API_TOKEN: 'hush-hush' });
    expect(withToken.text).toBe(text);
  });
});

describe('data', () => {
  const data = ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::Logs::LogGroup'];
  const policiesOf = ({ resources }: typeof prod) =>
    Object.values(resources)
      .filter(({ Type }) => data.includes(Type))
      .flatMap(({ DeletionPolicy, UpdateReplacePolicy }) => [DeletionPolicy, UpdateReplacePolicy]);

  it('outlives the stack in prod, and is locked and backed up', () => {
    expect(new Set(policiesOf(prod))).toEqual(new Set(['RetainExceptOnCreate', 'Retain']));
    expect(one(prod.resources, /^LedgerTable/).Properties).toMatchObject({
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
    expect(one(prod.resources, /^ArchiveBucket[^P]*$/).Properties).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 731 } } },
      VersioningConfiguration: { Status: 'Enabled' },
    });
    expect(one(prod.resources, /^IntakeBucket[^P]*$/).Properties).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
    });
  });

  it('is written once in the archive, by policy, and never deleted if it is retained', () => {
    const policyOf = ({ resources }: typeof prod) =>
      z
        .object({ PolicyDocument: z.object({ Statement: z.array(z.looseObject({ Sid: z.string().optional() })) }) })
        .parse(one(resources, /^ArchiveBucketPolicy/).Properties).PolicyDocument.Statement;
    const everything = { Effect: 'Deny', Principal: '*', Resource: expect.anything() as unknown };
    const writeOnce = {
      ...{ Sid: 'WriteOnce', ...everything, Action: 's3:PutObject' },
      Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
    };
    const neverDeleted = { Sid: 'NeverDeleted', ...everything, Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'] };
    expect(policyOf(prod)).toEqual(expect.arrayContaining([writeOnce, neverDeleted]));
    expect(policyOf(local)).toEqual(expect.arrayContaining([writeOnce]));
    expect(policyOf(local).map(({ Sid }) => Sid)).not.toContain('NeverDeleted');
  });

  it('can be locked against administrators too', () => {
    const { resources } = synthesise('prod', { SLUICE_ARCHIVE_LOCK: 'compliance' });
    expect(one(resources, /^ArchiveBucket[^P]*$/).Properties).toMatchObject({
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 731 } } },
    });
  });

  it('is deleted with the stack in a rehearsal, except the access logs: S3 delivers them later', () => {
    const { resources } = synthesise('staging');
    const kept = Object.entries(resources).filter(([, { DeletionPolicy }]) => DeletionPolicy?.startsWith('Retain'));
    expect(kept.map(([id]) => id)).toEqual([expect.stringMatching(/^AccessLogsBucket/)]);
  });

  it('is deleted with the stack on a laptop', () => {
    expect(new Set(policiesOf(local))).toEqual(new Set(['Delete']));
    expect(local.text).not.toContain('ObjectLock');
  });
});
