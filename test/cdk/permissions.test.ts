import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ofType, resolved, synthesise } from './synthesise.ts';

const list = z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]);
const statements = z.object({
  Statement: z.array(
    z.looseObject({ Effect: z.string(), Action: list, Resource: list, Principal: z.unknown().optional() }),
  ),
});

const { resources } = synthesise('prod');

function grantsOf(of: typeof resources) {
  return ofType(of, 'AWS::IAM::Policy').flatMap(([id, { PolicyDocument }]) =>
    statements
      .parse(PolicyDocument)
      .Statement.flatMap((statement) =>
        statement.Action.map((action) => ({ id, action: String(action), resources: statement.Resource.map(place) })),
      ),
  );
}

const grants = grantsOf(resources);

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
  it('name their resources and actions: no wildcard but under a prefix of a bucket', () => {
    expect(grants.length).toBeGreaterThan(20);
    for (const { action, resources: places } of grants) {
      expect(action).not.toContain('*');
      for (const each of places) {
        expect(each).not.toBe('*');
        if (each.includes('*'))
          expect([action.slice(0, 3), each]).toEqual(['s3:', expect.stringMatching(/^[^*]+\/\*$/)]);
      }
    }
  });

  it('come from no managed policy, and are for Lambda and the schedule alone', () => {
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
  const onLedger = (...actions: string[]) =>
    Object.fromEntries(actions.map((action) => [`dynamodb:${action}`, ['LedgerTable']]));

  const lanes = [
    ['trafficmain', 'traffic/'],
    ['trafficexpress', 'express/traffic/'],
  ] as const;

  it.each(lanes)('let the splitter of %s read its own prefix and queue work in its lane', (lane, prefix) => {
    expect(granted(new RegExp(`^${lane}Splitter`))).toEqual({
      ...log,
      ...receives(`${lane}intakeQueue`),
      ...onLedger('GetItem', 'PutItem', 'Query', 'UpdateItem'),
      's3:GetObject': [`IntakeBucket/${prefix}*`],
      's3:GetObjectVersion': [`IntakeBucket/${prefix}*`],
      's3:ListBucket': ['IntakeBucket'],
      'sqs:SendMessage': ['trafficFinalizerfinalizeQueue', `${lane}intakeQueue`, `${lane}recordsQueue`],
    });
  });

  it.each(lanes)(
    'let the consumer of %s read the token, store receipts and tell of the breaker, and not see a bucket’s files',
    (lane) => {
      expect(granted(new RegExp(`^${lane}Consumer`))).toEqual({
        ...log,
        ...receives(`${lane}lettersQueue`, `${lane}recordsQueue`),
        ...onLedger('GetItem', 'UpdateItem'),
        'events:PutEvents': [expect.stringMatching(/:event-bus\/default$/)],
        's3:PutObject': ['WorkBucket/receipts/*'],
        'secretsmanager:GetSecretValue': ['trafficTokenSecret'],
        'sqs:SendMessage': ['trafficFinalizerfinalizeQueue', `${lane}lettersQueue`, `${lane}recordsQueue`],
      });
    },
  );

  it.each(['maintenancemain', 'maintenanceexpress'])(
    'let the consumer of %s put into the record ledger, and neither read nor change what is there',
    (lane) => {
      const both = synthesise('prod', { SLUICE_FEEDS: 'traffic,maintenance' });
      const onRecords = grantsOf(both.resources).filter(({ resources: places }) =>
        places.includes('RecordLedgerTable'),
      );
      expect(new Set(onRecords.map(({ action }) => action))).toEqual(new Set(['dynamodb:PutItem']));
      expect(onRecords.map(({ id }) => id.replace(/ConsumerRole.*/, '')).sort()).toEqual([
        'maintenanceexpress',
        'maintenancemain',
      ]);
      expect(granted(new RegExp(`^${lane}Consumer`), grantsOf(both.resources))).toEqual({
        ...log,
        ...receives(`${lane}lettersQueue`, `${lane}recordsQueue`),
        ...onLedger('GetItem', 'UpdateItem'),
        'dynamodb:PutItem': ['RecordLedgerTable'],
        'events:PutEvents': [expect.stringMatching(/:event-bus\/default$/)],
        's3:PutObject': ['WorkBucket/receipts/*'],
        'sqs:SendMessage': ['maintenanceFinalizerfinalizeQueue', `${lane}lettersQueue`, `${lane}recordsQueue`],
      });
    },
  );

  it('let the finalizer copy into the archive, and delete nothing', () => {
    const dropped = ['IntakeBucket/express/traffic/*', 'IntakeBucket/traffic/*'];
    expect(granted(/^trafficFinalizer/)).toEqual({
      ...log,
      'kms:GetPublicKey': ['SigningKey'],
      'kms:Sign': ['SigningKey'],
      ...receives('trafficFinalizerfinalizeQueue'),
      ...onLedger('GetItem', 'Query', 'UpdateItem'),
      'events:PutEvents': [expect.stringMatching(/:event-bus\/default$/)],
      's3:AbortMultipartUpload': ['ArchiveBucket/*'],
      's3:GetObject': ['ArchiveBucket/*', ...dropped, 'WorkBucket/receipts/*'],
      's3:GetObjectTagging': dropped,
      's3:GetObjectVersion': dropped,
      's3:GetObjectVersionTagging': dropped,
      's3:ListBucket': ['ArchiveBucket', 'IntakeBucket'],
      's3:PutObject': ['ArchiveBucket/*'],
      's3:PutObjectTagging': ['ArchiveBucket/*'],
      'sns:Publish': ['DeskTopic'],
      'sqs:SendMessage': ['trafficFinalizerfinalizeQueue'],
    });
  });

  it('let the reconciler look, queue, list and tell, and note that it did', () => {
    const lanes = ['trafficmain', 'trafficexpress'].flatMap((lane) =>
      ['intake', 'letters', 'records'].map((queue) => `${lane}${queue}Dlq`),
    );
    const dlqs = ['trafficFinalizerfinalizeDlq', ...lanes].sort();
    expect(granted(/^trafficReconcilerFunction/)).toEqual({
      ...log,
      'dynamodb:BatchGetItem': ['LedgerTable'],
      'dynamodb:GetItem': ['LedgerTable'],
      'dynamodb:PutItem': ['LedgerTable'],
      'dynamodb:Query': ['LedgerTable', 'LedgerTable/index/byFeed'],
      'dynamodb:UpdateItem': ['LedgerTable'],
      's3:AbortMultipartUpload': ['ArchiveBucket/reconciliation/*'],
      's3:GetObject': ['ArchiveBucket/*', 'WorkBucket/receipts/*'],
      's3:ListBucket': ['ArchiveBucket'],
      's3:PutObject': ['ArchiveBucket/reconciliation/*', 'WorkBucket/receipts/*'],
      'sns:Publish': ['DeskTopic'],
      'sqs:ChangeMessageVisibility': dlqs,
      'sqs:GetQueueAttributes': [...dlqs, 'trafficexpressrecordsQueue', 'trafficmainrecordsQueue'].sort(),
      'sqs:ListMessageMoveTasks': dlqs,
      'sqs:ReceiveMessage': dlqs,
      'sqs:SendMessage': ['trafficFinalizerfinalizeQueue', 'trafficexpressintakeQueue', 'trafficmainintakeQueue'],
    });
  });

  it('let the deadline’s schedule run the reconciler, and nothing else', () => {
    expect(granted(/^trafficReconcilerDeadline/)).toEqual({ 'lambda:InvokeFunction': ['trafficReconcilerFunction'] });
  });
});
