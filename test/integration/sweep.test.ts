import { randomUUID } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, expect, it } from 'vitest';
import { S3DroppedObjects } from '../../lambdas/adapters/s3-dropped-objects.ts';
import { SqsIntakeQueue } from '../../lambdas/adapters/sqs-queues.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import { sweepIntake } from '../../lambdas/reconciler/sweep-intake.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { silentLog } from '../support/in-memory-ports.ts';
import { invokeFunction } from '../support/invoke-function.ts';
import { header } from '../support/traffic-exports.ts';

let stack: DeployedStack;

beforeAll(() => {
  stack = new DeployedStack();
});

it('a file without an S3 event is announced and processed, and is not announced again', async () => {
  // No notification has this prefix.
  const keyPrefix = `unannounced-${randomUUID()}/`;
  const [bucket, key] = [stack.output('IntakeBucketName'), `${keyPrefix}night log ü+1.csv`];
  const spot = `S${randomUUID().slice(0, 8)}`;
  const body = `${header}\n${spot}-1,WABC,2026-01-05 06:00:00,30,Acme,x\n`;
  const { VersionId: versionId = '' } = await stack.s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }),
  );
  const counted: number[] = [];
  // The deployed reconciler leaves alone what is younger than a quarter of an hour.
  const clock = { now: () => Date.now() + 16 * 60_000 };
  const lane = `sweep-${spot}`;
  const sweep = (hours: number) =>
    sweepIntake('traffic', {
      ledger: stack.ledger,
      sweep: {
        lanes: [
          {
            ...{ lane, keyPrefix, queues: [] },
            intake: new SqsIntakeQueue(stack.sqs, stack.output('TrafficIntakeQueueUrl'), systemClock),
          },
        ],
        dropped: new S3DroppedObjects(stack.s3, bucket),
      },
      metricsOf: () => ({ add: (_, value) => void counted.push(value), flush: () => undefined }),
      clock: { now: () => clock.now() + hours * 3_600_000 },
      log: silentLog,
    });

  await sweep(0);
  const manifest = await stack.manifestOf(fileIdOf('traffic', { bucket, key, versionId }));
  expect(manifest).toMatchObject({ state: 'completed', total_records: 1, source: { key, version_id: versionId } });
  await sweep(1);
  expect(counted).toEqual([1, 0]);
});

it('the deployed reconciler finds objects dropped outside every lane', async () => {
  const prefix = `trafic-${randomUUID()}/`;
  await stack.s3.send(
    new PutObjectCommand({ Bucket: stack.output('IntakeBucketName'), Key: `${prefix}night.csv`, Body: 'x' }),
  );
  await waitFor('the stray object', async () => {
    await invokeFunction(stack.cloud.client, stack.output('TrafficReconcilerName'));
    const places = (await stack.ledger.getStrays('traffic'))?.places ?? [];
    return places.find((place) => place.prefix === prefix);
  });
});

it('the deployed reconciler sweeps both lanes', async () => {
  await waitFor('sweeps of both lanes', async () => {
    await invokeFunction(stack.cloud.client, stack.output('TrafficReconcilerName'));
    const sweeps = await Promise.all(['main', 'express'].map((lane) => stack.ledger.getSweep('traffic', lane)));
    return sweeps.every((state) => state !== undefined) ? true : undefined;
  });
});
