import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ofType, synthesise, targetOf } from './synthesise.ts';

const redrive = z.object({ deadLetterTargetArn: z.unknown(), maxReceiveCount: z.number() });

describe.each(['local', 'prod'] as const)('queues of stage %s', (stage) => {
  const { resources, template } = synthesise(stage);
  const queues = new Map(ofType(resources, 'AWS::SQS::Queue'));
  const named = (name: string) => {
    const found = [...queues].find(([, { QueueName }]) => QueueName === `sluice-${stage}-${name}`);
    if (!found) throw new Error(`no queue ${name}`);
    return { id: found[0], properties: found[1] };
  };
  const mappings = ofType(resources, 'AWS::Lambda::EventSourceMapping').map(([, mapping]) => mapping);

  it.each([
    ['traffic-intake', 'traffic-intake-dlq', 5],
    ['traffic-records', 'traffic-records-dlq', 5],
    ['traffic-letters', 'traffic-dlq', 3],
    ['traffic-express-intake', 'traffic-express-intake-dlq', 5],
    ['traffic-express-records', 'traffic-express-records-dlq', 5],
    ['traffic-express-letters', 'traffic-express-dlq', 3],
    ['traffic-finalize', 'traffic-finalize-dlq', 5],
  ])('%s moves messages to %s after %i receives, and no other queue may', (name, dlqName, receives) => {
    const queue = named(name);
    const dlq = named(dlqName);
    const policy = redrive.parse(queue.properties['RedrivePolicy']);
    expect(targetOf(policy.deadLetterTargetArn)).toBe(dlq.id);
    expect(policy.maxReceiveCount).toBe(receives);
    const allowed = JSON.stringify(dlq.properties['RedriveAllowPolicy']);
    expect(allowed).toContain('"redrivePermission":"byQueue"');
    expect(allowed).toContain(`:sluice-${stage}-${name}"`);
  });

  it('keep every message for 14 days, encrypted', () => {
    expect(queues.size).toBe(14);
    for (const [, queue] of queues) {
      expect(queue['MessageRetentionPeriod']).toBe(14 * 24 * 60 * 60);
      expect(queue['SqsManagedSseEnabled']).toBe(true);
    }
  });

  it('refuse requests without TLS', () => {
    const policies = ofType(resources, 'AWS::SQS::QueuePolicy').map(([, policy]) => policy);
    for (const id of queues.keys()) {
      const own = policies.filter(({ Queues }) => z.array(z.unknown()).parse(Queues).map(targetOf).includes(id));
      // Of two policies the one that is attached later would take the place of the other.
      expect(own).toHaveLength(1);
      const text = JSON.stringify(own);
      expect(text).toContain('"aws:SecureTransport":"false"');
      expect(text).toContain('"Effect":"Deny"');
    }
  });

  it('have a visibility timeout of six times the timeout of their function', () => {
    expect(mappings).toHaveLength(7);
    for (const mapping of mappings) {
      const queue = queues.get(targetOf(mapping['EventSourceArn']));
      const worker = resources[targetOf(mapping['FunctionName'])];
      const timeout = z.number().parse(worker?.Properties['Timeout']);
      expect(z.number().parse(queue?.['VisibilityTimeout'])).toBe(2 * timeout);
    }
  });

  it('are consumed with a concurrency limit, and report failures per message', () => {
    const found = mappings.map((mapping) => ({
      queue: queues.get(targetOf(mapping['EventSourceArn']))?.['QueueName'],
      batchSize: mapping['BatchSize'],
      concurrency: z.object({ MaximumConcurrency: z.number() }).parse(mapping['ScalingConfig']).MaximumConcurrency,
      responses: mapping['FunctionResponseTypes'],
    }));
    const responses = ['ReportBatchItemFailures'];
    expect(found).toHaveLength(7);
    expect(found).toEqual(
      expect.arrayContaining([
        { queue: `sluice-${stage}-traffic-intake`, batchSize: 1, concurrency: stage === 'prod' ? 3 : 2, responses },
        { queue: `sluice-${stage}-traffic-records`, batchSize: 1, concurrency: 2, responses },
        { queue: `sluice-${stage}-traffic-letters`, batchSize: 10, concurrency: 2, responses },
        { queue: `sluice-${stage}-traffic-express-intake`, batchSize: 1, concurrency: 2, responses },
        { queue: `sluice-${stage}-traffic-express-records`, batchSize: 1, concurrency: 2, responses },
        { queue: `sluice-${stage}-traffic-express-letters`, batchSize: 10, concurrency: 2, responses },
        { queue: `sluice-${stage}-traffic-finalize`, batchSize: 1, concurrency: 2, responses },
      ]),
    );
  });

  it('batch letters for some seconds, and never messages that wait for the API', () => {
    const windows = mappings.map((mapping) => [
      queues.get(targetOf(mapping['EventSourceArn']))?.['QueueName'],
      mapping['MaximumBatchingWindowInSeconds'],
    ]);
    expect(windows.filter(([, seconds]) => seconds !== undefined).toSorted()).toEqual([
      [`sluice-${stage}-traffic-express-letters`, 1],
      [`sluice-${stage}-traffic-letters`, 5],
    ]);
  });

  it('accept a letter whose 64 KiB JSON has escaped sixfold, and a batch of a revision', () => {
    const letters = ['traffic-letters', 'traffic-dlq', 'traffic-express-letters', 'traffic-express-dlq'];
    const records = ['traffic', 'traffic-express'].flatMap((lane) => [`${lane}-records`, `${lane}-records-dlq`]);
    for (const name of [...letters, ...records]) {
      expect(named(name).properties['MaximumMessageSize']).toBe(1024 * 1024);
    }
  });

  it.each([
    ['traffic-intake', 'traffic/'],
    ['traffic-express-intake', 'express/traffic/'],
  ])('%s gets events of new objects under %s only from the intake bucket, once its policy exists', (name, prefix) => {
    const intake = named(name);
    const [[, bucket] = ['', undefined]] = Object.entries(resources).filter(
      ([, { Properties }]) => Properties['NotificationConfiguration'],
    );
    const { QueueConfigurations } = z
      .object({ QueueConfigurations: z.array(z.unknown()) })
      .parse(bucket?.Properties['NotificationConfiguration']);
    expect(QueueConfigurations).toHaveLength(2);
    expect(QueueConfigurations).toContainEqual({
      Event: 's3:ObjectCreated:*',
      Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: prefix }] } },
      Queue: { 'Fn::GetAtt': [intake.id, 'Arn'] },
    });
    const [policyId, policy] =
      ofType(resources, 'AWS::SQS::QueuePolicy').find(([, { Queues }]) => JSON.stringify(Queues).includes(intake.id)) ??
      [];
    expect(bucket?.DependsOn).toContain(policyId);
    const text = JSON.stringify(policy);
    expect(text).toContain('"Service":"s3.amazonaws.com"');
    expect(text).toContain(`:s3:::sluice-${stage}-intake-`);
    expect(text).toContain('"aws:SourceAccount":{"Ref":"AWS::AccountId"}');
  });

  it('allow splitter, consumer and finalizer to queue to themselves, and no other function', () => {
    const loops = ofType(resources, 'AWS::Lambda::Function').map(([, { FunctionName, RecursiveLoop }]) => [
      FunctionName,
      RecursiveLoop,
    ]);
    expect(Object.fromEntries(loops)).toEqual({
      [`sluice-${stage}-traffic-splitter`]: 'Allow',
      [`sluice-${stage}-traffic-consumer`]: 'Allow',
      [`sluice-${stage}-traffic-express-splitter`]: 'Allow',
      [`sluice-${stage}-traffic-express-consumer`]: 'Allow',
      [`sluice-${stage}-traffic-finalizer`]: 'Allow',
      [`sluice-${stage}-traffic-reconciler`]: 'Terminate',
    });
    template.resourceCountIs('AWS::Lambda::Function', 6);
  });
});
