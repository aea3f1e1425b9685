import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ofType, resolved, synthesise } from './synthesise.ts';

const list = z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]);
const statements = z.object({
  Statement: z.array(
    z.looseObject({
      Effect: z.string(),
      Action: list,
      Resource: list,
      Principal: z.unknown().optional(),
      Condition: z.record(z.string(), z.record(z.string(), list)).default({}),
    }),
  ),
});

const { resources } = synthesise('prod');

function grantsOf(of: typeof resources) {
  return ofType(of, 'AWS::IAM::Policy').flatMap(([id, { PolicyDocument }]) =>
    statements
      .parse(PolicyDocument)
      .Statement.flatMap((statement) =>
        statement.Action.map((action) => ({ id, action: String(action), resources: placesOf(statement) })),
      ),
  );
}

const grants = grantsOf(resources);

/** Where it may do so; of a table, on which partition keys: `<table>: <key>`. */
function placesOf({ Resource, Condition }: z.infer<typeof statements>['Statement'][number]): string[] {
  const places = Resource.map(place);
  const prefixes = Condition['StringEquals']?.['s3:prefix'];
  const elsewhere = Condition['StringNotLike']?.['s3:prefix'];
  if (elsewhere) return places.flatMap((each) => elsewhere.map((prefix) => `${each}: not ${String(prefix)}`));
  if (prefixes) return places.flatMap((each) => prefixes.map((prefix) => `${each}: ${String(prefix)}`));
  const { 'ForAllValues:StringLike': keys, Null, ...others } = Condition;
  if (!keys) return places;
  // Without the second, a call that names no key would pass; and nothing else is asked for.
  expect(Null).toEqual({ 'dynamodb:LeadingKeys': ['false'] });
  expect(others).toEqual({});
  expect(Object.keys(keys)).toEqual(['dynamodb:LeadingKeys']);
  return places.flatMap((each) => (keys['dynamodb:LeadingKeys'] ?? []).map((key) => `${each}: ${String(key)}`));
}

/** An ARN without what only a deploy knows. */
function place(resource: unknown): string {
  return resolved(resource)
    .replaceAll('https://made-up.example/', '')
    .replace(/[0-9A-F]{8}(?=$|\/)/, '');
}

const granted = (role: RegExp, all = grants) =>
  Object.fromEntries(
    [...new Set(all.filter(({ id }) => role.test(id)).map(({ action }) => action))].sort().map((action) => [
      action,
      all
        .filter((grant) => role.test(grant.id) && grant.action === action)
        .flatMap((grant) => grant.resources)
        .sort(),
    ]),
  );

describe('permissions', () => {
  it('name their resources and actions: no wildcard except below a prefix of a bucket', () => {
    expect(grants.length).toBeGreaterThan(20);
    for (const { action, resources: places } of grants) {
      expect(action).not.toContain('*');
      for (const each of places) {
        expect(each).not.toBe('*');
        const ofAnotherKind = [
          [
            's3',
            /^[^*]+\/[^*]+\/\*$|^WorkBucket\/(receipts|payloads|closing)\/[a-z-]+\.\*$|^(Archive|Intake)Bucket\/[a-z-]+\/\*$|^IntakeBucket: not [a-z/-]+\/\*$/,
          ],
          ['dynamodb', /^LedgerTable: (FILE#[a-z-]+\.|SERIES#[a-z-]+\.|SHA#[a-z-]+#)\*$/],
        ] as const;
        const [, allowed = /^[^*]*$/] = ofAnotherKind.find(([service]) => action.startsWith(`${service}:`)) ?? [];
        if (each.includes('*')) expect(each).toMatch(allowed);
        // A table without keys would be every feed's.
        if (action.startsWith('dynamodb:')) expect(each).toMatch(/: ./);
      }
    }
  });

  it('come from no managed policy, and are only for Lambda and the schedule', () => {
    for (const [, role] of ofType(resources, 'AWS::IAM::Role')) {
      expect(role).not.toHaveProperty('ManagedPolicyArns');
      expect(JSON.stringify(role['AssumeRolePolicyDocument'])).toMatch(
        /"Principal":\{"Service":"(lambda|scheduler)\.amazonaws\.com"\}/,
      );
    }
  });

  const log = { 'logs:CreateLogStream': [expect.any(String)], 'logs:PutLogEvents': [expect.any(String)] };
  const receives = (...queues: string[]) =>
    Object.fromEntries(
      ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', 'ReceiveMessage'].map(
        (action) => [`sqs:${action}`, queues],
      ),
    );
  const onLedger = (keys: string[], ...actions: string[]) =>
    Object.fromEntries(actions.map((action) => [`dynamodb:${action}`, keys.map((key) => `LedgerTable: ${key}`)]));

  const lanes = [
    ['trafficmain', 'traffic/'],
    ['trafficexpress', 'express/traffic/'],
  ] as const;

  it.each(lanes)('allow the splitter of %s to read its own prefix and to queue batches in its lane', (lane, prefix) => {
    expect(granted(new RegExp(`^${lane}Splitter`))).toEqual({
      ...log,
      ...receives(`${lane}intakeQueue`),
      ...onLedger(['FILE#traffic.*', 'SERIES#traffic.*', 'SHA#traffic#*'], 'GetItem', 'UpdateItem'),
      ...onLedger(['FILE#traffic.*'], 'Query'),
      's3:GetObject': [`IntakeBucket/${prefix}*`],
      's3:GetObjectVersion': [`IntakeBucket/${prefix}*`],
      's3:ListBucket': ['IntakeBucket'],
      'sqs:SendMessage': ['trafficFinalizerfinalizeQueue', `${lane}intakeQueue`, `${lane}recordsQueue`],
    });
  });

  it('allow a splitter to read control files of every lane and to list what differs, if the feed requires them', () => {
    const { resources: more } = synthesise('prod', {
      SLUICE_TRAFFIC_CONTROL: '{"suffix":".ctl","comes":"after","kind":"rows"}',
    });
    const all = grantsOf(more);
    for (const [lane] of lanes) {
      const own = granted(new RegExp(`^${lane}Splitter`), all);
      expect(own['s3:GetObjectVersion']).toEqual(['IntakeBucket/express/traffic/*', 'IntakeBucket/traffic/*']);
      expect(own['s3:PutObject']).toEqual(['ArchiveBucket/quarantine/traffic/*/control-differences.*.csv']);
      const keys = ['CONTROL#traffic#*', 'FILE#traffic.*', 'SERIES#traffic.*', 'SHA#traffic#*'];
      expect(own['dynamodb:UpdateItem']).toEqual(keys.map((key) => `LedgerTable: ${key}`));
    }
    expect(granted(/^trafficReconciler/, all)['dynamodb:UpdateItem']).toContain('LedgerTable: CONTROL#traffic#*');
  });

  it.each(lanes)(
    'allow the splitter of %s to read evidence and both lanes’ files where a series is configured',
    (lane) => {
      const configured = synthesise('prod', { SLUICE_TRAFFIC_SERIES: '{station}_{yyyyMMdd}_R{#}.csv' });
      const grants = granted(new RegExp(`^${lane}Splitter`), grantsOf(configured.resources));
      const files = ['IntakeBucket/express/traffic/*', 'IntakeBucket/traffic/*'];
      const evidence = ['ArchiveBucket/quarantine/traffic/*', 'ArchiveBucket/traffic/*'];
      const lists = ['ArchiveBucket/quarantine/traffic/*/changes*.csv', 'ArchiveBucket/traffic/*/changes*.csv'];
      expect([...(grants['s3:GetObject'] ?? [])].sort()).toEqual([...evidence, ...files]);
      expect(grants['s3:GetObjectVersion']).toEqual(files);
      expect(grants['s3:PutObject']).toEqual(lists);
      expect(grants['s3:DeleteObject']).toBeUndefined();
    },
  );

  it.each(lanes)(
    'allow the consumer of %s to read the token, store receipts and long records and report the breaker, and not to read a bucket’s files',
    (lane) => {
      expect(granted(new RegExp(`^${lane}Consumer`))).toEqual({
        ...log,
        ...receives(`${lane}lettersQueue`, `${lane}recordsQueue`),
        ...onLedger(
          ['ALTERED#traffic', 'FILE#traffic.*', 'LIMITER#https://avstar.example/v1'],
          'GetItem',
          'UpdateItem',
        ),
        'events:PutEvents': [expect.stringMatching(/:event-bus\/default$/)],
        's3:GetObject': ['WorkBucket/payloads/traffic.*'],
        's3:PutObject': ['WorkBucket/payloads/traffic.*', 'WorkBucket/receipts/traffic.*'],
        'secretsmanager:GetSecretValue': ['trafficTokenSecret'],
        'sqs:SendMessage': ['trafficFinalizerfinalizeQueue', `${lane}lettersQueue`, `${lane}recordsQueue`],
      });
    },
  );

  it.each(['maintenancemain', 'maintenanceexpress'])(
    'allow the consumer of %s to put into the record ledger, and neither to read nor to change it',
    (lane) => {
      const both = synthesise('prod', { SLUICE_FEEDS: 'traffic,maintenance' });
      const onRecords = grantsOf(both.resources).filter(({ resources: places }) =>
        places.some((each) => each.startsWith('RecordLedgerTable')),
      );
      expect(new Set(onRecords.map(({ action }) => action))).toEqual(new Set(['dynamodb:PutItem']));
      expect(onRecords.map(({ id }) => id.replace(/ConsumerRole.*/, '')).sort()).toEqual([
        'maintenanceexpress',
        'maintenancemain',
      ]);
      expect(granted(new RegExp(`^${lane}Consumer`), grantsOf(both.resources))).toEqual({
        ...log,
        ...receives(`${lane}lettersQueue`, `${lane}recordsQueue`),
        ...onLedger(
          ['ALTERED#maintenance', 'FILE#maintenance.*', 'LIMITER#record-ledger/maintenance'],
          'GetItem',
          'UpdateItem',
        ),
        'dynamodb:PutItem': ['RecordLedgerTable: maintenance#*'],
        'events:PutEvents': [expect.stringMatching(/:event-bus\/default$/)],
        's3:GetObject': ['WorkBucket/payloads/maintenance.*'],
        's3:PutObject': ['WorkBucket/payloads/maintenance.*', 'WorkBucket/receipts/maintenance.*'],
        'sqs:SendMessage': ['maintenanceFinalizerfinalizeQueue', `${lane}lettersQueue`, `${lane}recordsQueue`],
      });
    },
  );

  it('allow the finalizer to copy into the archive, and not to delete', () => {
    const dropped = ['IntakeBucket/express/traffic/*', 'IntakeBucket/traffic/*'];
    const folders = ['ArchiveBucket/nights/traffic/*', 'ArchiveBucket/quarantine/traffic/*', 'ArchiveBucket/traffic/*'];
    expect(granted(/^trafficFinalizer/)).toEqual({
      ...log,
      ...onLedger(['FILE#traffic.*'], 'BatchGetItem'),
      'kms:GetPublicKey': ['SigningKey'],
      'kms:Sign': ['SigningKey'],
      ...receives('trafficFinalizerfinalizeQueue'),
      ...onLedger(['DESK#traffic', 'FILE#traffic.*'], 'GetItem', 'UpdateItem'),
      'dynamodb:Query': [
        ...['CLOSED', 'DEAD', 'OPEN'].map((list) => `LedgerTable/index/byFeed: ${list}#traffic`),
        ...['DESK#traffic', 'FILE#traffic.*', 'LIMITER#https://avstar.example/v1'].map((key) => `LedgerTable: ${key}`),
      ],
      'events:PutEvents': [expect.stringMatching(/:event-bus\/default$/)],
      's3:AbortMultipartUpload': folders,
      's3:GetObject': [...folders, ...dropped, 'WorkBucket/closing/traffic.*', 'WorkBucket/receipts/traffic.*'],
      's3:GetObjectTagging': dropped,
      's3:GetObjectVersion': dropped,
      's3:GetObjectVersionTagging': dropped,
      's3:ListBucket': ['ArchiveBucket', 'IntakeBucket'],
      's3:PutObject': [...folders, 'WorkBucket/closing/traffic.*'],
      's3:PutObjectTagging': folders,
      'sns:Publish': ['DeskTopic'],
      'sqs:SendMessage': ['trafficFinalizerfinalizeQueue'],
    });
  });

  it('allow the finalizer to wake files in both lanes where a series is configured', () => {
    const configured = synthesise('prod', { SLUICE_TRAFFIC_SERIES: '{station}_{yyyyMMdd}_R{#}.csv' });
    const finalizer = /^trafficFinalizer/;
    const [with_, without] = [granted(finalizer, grantsOf(configured.resources)), granted(finalizer)];
    const queues = ['trafficFinalizerfinalizeQueue', 'trafficexpressintakeQueue', 'trafficmainintakeQueue'];
    expect([...(with_['sqs:SendMessage'] ?? [])].sort()).toEqual(queues);
    const isNew = (action: string) => (key: string) => !without[action]?.includes(key);
    expect(with_['dynamodb:GetItem']?.filter(isNew('dynamodb:GetItem'))).toEqual(['LedgerTable: SERIES#traffic.*']);
    expect(with_['dynamodb:UpdateItem']).toEqual(without['dynamodb:UpdateItem']);
  });

  it('allow the reconciler to inspect, queue, list and notify, and to store that it did', () => {
    const lanes = ['trafficmain', 'trafficexpress'].flatMap((lane) =>
      ['intake', 'letters', 'records'].map((queue) => `${lane}${queue}Dlq`),
    );
    const dlqs = ['trafficFinalizerfinalizeDlq', ...lanes].sort();
    expect(granted(/^trafficReconcilerFunction/)).toEqual({
      ...log,
      ...onLedger(['FILE#traffic.*'], 'BatchGetItem'),
      ...onLedger(
        ['ALTERED#traffic', 'DESK#traffic', 'FILE#traffic.*', 'LIMITER#https://avstar.example/v1'],
        'GetItem',
      ),
      ...onLedger(['DESK#traffic'], 'PutItem'),
      'dynamodb:Query': [
        ...['CLOSED', 'DEAD', 'OPEN'].map((list) => `LedgerTable/index/byFeed: ${list}#traffic`),
        ...['ALTERED#traffic', 'DESK#traffic', 'FILE#traffic.*'].map((key) => `LedgerTable: ${key}`),
      ],
      ...onLedger(['ALTERED#traffic', 'DESK#traffic', 'FILE#traffic.*', 'RECONCILER#traffic'], 'UpdateItem'),
      's3:AbortMultipartUpload': ['ArchiveBucket/reconciliation/traffic/*'],
      's3:GetObject': [
        'ArchiveBucket/quarantine/traffic/*',
        'ArchiveBucket/reconciliation/traffic/*',
        'ArchiveBucket/traffic/*',
        'WorkBucket/payloads/traffic.*',
        'WorkBucket/receipts/traffic.*',
      ],
      's3:ListBucket': [
        'ArchiveBucket',
        // The other names: it looks for what no lane takes.
        ...['express/', 'express/traffic/*', 'express/traffic/*', 'traffic/*', 'traffic/*'].map(
          (prefix) => `IntakeBucket: not ${prefix}`,
        ),
      ],
      's3:ListBucketVersions': ['IntakeBucket: express/traffic/', 'IntakeBucket: traffic/'],
      's3:PutObject': [
        'ArchiveBucket/reconciliation/traffic/*',
        'WorkBucket/payloads/traffic.*',
        'WorkBucket/receipts/traffic.*',
      ],
      'sns:Publish': ['DeskTopic'],
      'sqs:ChangeMessageVisibility': dlqs,
      'sqs:GetQueueAttributes': [
        ...dlqs,
        ...['trafficexpress', 'trafficmain'].flatMap((lane) => [`${lane}intakeQueue`, `${lane}recordsQueue`]),
      ].sort(),
      'sqs:ListMessageMoveTasks': dlqs,
      'sqs:ReceiveMessage': dlqs,
      'sqs:SendMessage': ['trafficFinalizerfinalizeQueue', 'trafficexpressintakeQueue', 'trafficmainintakeQueue'],
    });
  });

  it('allow the reconciler only to read the files of feeds that share its API', () => {
    const sharing = synthesise('prod', {
      SLUICE_FEEDS: 'traffic,maintenance',
      SLUICE_MAINTENANCE_SINK: 'http',
      SLUICE_MAINTENANCE_API_URL: 'https://avstar.example/v1',
      SLUICE_MAINTENANCE_REQUESTS: '600',
      SLUICE_MAINTENANCE_WINDOW_SECONDS: '60',
    });
    const foreign = grantsOf(sharing.resources)
      .filter(({ id }) => id.startsWith('trafficReconcilerFunction'))
      .flatMap(({ action, resources: places }) =>
        places
          .filter((each) => each.includes('maintenance') && !each.includes(': not '))
          .map((each) => `${action} ${each}`),
      );
    expect(foreign.sort()).toEqual([
      'dynamodb:BatchGetItem LedgerTable: FILE#maintenance.*',
      ...['CLOSED', 'DEAD', 'OPEN'].map((list) => `dynamodb:Query LedgerTable/index/byFeed: ${list}#maintenance`),
    ]);
  });

  it('allow the deadline’s schedule only to run the reconciler', () => {
    expect(granted(/^trafficReconcilerDeadline/)).toEqual({ 'lambda:InvokeFunction': ['trafficReconcilerFunction'] });
  });
});
