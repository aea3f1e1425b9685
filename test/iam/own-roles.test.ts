import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { readDecisions, sessionOf } from '../../localstack/read-decisions.ts';
import { invokeFunction } from '../support/invoke-function.ts';
import { DeployedStack } from '../support/deployed-stack.ts';
import { maintenanceRecord } from '../support/maintenance-records.ts';
import { header } from '../support/traffic-exports.ts';

it('a file is processed with a dead letter and its redrive, each function under its own role', async () => {
  const stack = new DeployedStack();
  const prefix = `P${randomUUID().slice(0, 8)}`;
  await stack.setFaults({ refuseSpots: [`${prefix}-1`] });
  const rows = [`${prefix}-1,W,t,30,c,x`, `${prefix}-2,W,t,30,c,x`, `${prefix}-3,W,t,bad,c,x`];
  const { fileId } = await stack.drop(`traffic/${prefix}.csv`, [header, ...rows, ''].join('\n'));
  expect(await stack.manifestOf(fileId)).toMatchObject({
    uploaded_records: 1,
    refused_records: 1,
    rejected_records: 1,
    reconciled: true,
  });
  // With messages in a DLQ it inspects that queue, and writes the desk's list.
  await invokeFunction(stack.cloud.client, stack.output('TrafficReconcilerName'));
  const dead = await stack.takeDeadLetters(fileId, 2);

  await stack.setFaults({});
  for (const { message } of dead) await stack.send('TrafficLettersQueueUrl', message.Body ?? '');
  expect(await stack.manifestOf(fileId, 2)).toMatchObject({
    uploaded_records: 2,
    rejected_records: 1,
    reconciled: true,
  });

  const record = JSON.stringify(maintenanceRecord(prefix));
  const small = await stack.drop(`maintenance/${prefix}.json`, record);
  expect(await stack.manifestOf(small.fileId)).toMatchObject({ bundled_files: 1, uploaded_records: 1 });

  const callers = new Set(readDecisions(stack.cloud.enforcement?.decisionsFile ?? '').map(sessionOf));
  for (const name of ['Splitter', 'Consumer', 'Finalizer', 'Reconciler'].map((part) => `Traffic${part}Name`)) {
    expect(callers).toContain(stack.output(name));
  }
});
