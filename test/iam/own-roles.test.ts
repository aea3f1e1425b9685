import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { readDecisions, sessionOf } from '../../localstack/read-decisions.ts';
import { invokeFunction } from '../support/invoke-function.ts';
import { DeployedStack } from '../support/deployed-stack.ts';
import { maintenanceRecord } from '../support/maintenance-records.ts';
import { header } from '../support/traffic-exports.ts';

it('a revision is compared with the evidence of the one before, which it stops or takes over from', async () => {
  const stack = new DeployedStack();
  const prefix = `R${randomUUID().slice(0, 8)}`;
  const row = (n: number, client = 'c') => `${prefix}-${n},W,t,30,${client},x`;
  const exportOf = (rows: string[]) => [header, ...rows, ''].join('\n');
  const rows = [row(1), row(2), `${prefix}-3,W,t,bad,c,x`];
  const first = await stack.drop(`traffic/revisions/${prefix}_R1.csv`, exportOf(rows));
  expect(await stack.manifestOf(first.fileId)).toMatchObject({ uploaded_records: 2, rejected_records: 1 });
  const second = await stack.drop(
    `express/traffic/revisions/${prefix}_R2.csv`,
    exportOf([row(2), row(3), row(4, 'new')]),
  );
  const manifest = await stack.manifestOf(second.fileId);
  expect(manifest).toMatchObject({ state: 'completed', unchanged_records: 1, uploaded_records: 2, removed_records: 1 });
  expect((await stack.archived(manifest.comparison?.changes_key ?? '')).toString()).toContain('removed,');
  expect(await stack.manifestOf(first.fileId, 2)).toMatchObject({ handled_records: 1, dead_lettered_records: 0 });

  const empty = await stack.drop(`traffic/revisions/${prefix}_R3.csv`, exportOf([]));
  expect(await stack.manifestOf(empty.fileId)).toMatchObject({
    ...{ state: 'quarantined', total_records: 0, failure: { code: 'revision_differs' } },
  });
});

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
