import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { recordKeyOf } from '../../lambdas/adapters/ledger-sink.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import { DeployedStack } from '../support/deployed-stack.ts';
import { runSluice } from '../support/run-sluice.ts';
import { maintenanceRecord } from '../support/maintenance-records.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

const newId = () => `MR-${randomUUID().slice(0, 13)}`;

async function stored(feed: string, identity: string[]) {
  const client = new DynamoDBClient(stack.cloud.client);
  const Key = { recordKey: { S: recordKeyOf(feed, identity) } };
  const TableName = stack.output('RecordLedgerTableName');
  return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
}

/** Gives an item a TTL, as a person with other permissions may. */
async function changeStored(feed: string, identity: string[]): Promise<{ undo: () => Promise<unknown> }> {
  const client = new DynamoDBClient(stack.cloud.client);
  const place = {
    TableName: stack.output('RecordLedgerTableName'),
    Key: { recordKey: { S: recordKeyOf(feed, identity) } },
  };
  const ExpressionAttributeValues = { ':soon': { N: '1' } };
  await client.send(
    new UpdateItemCommand({ ...place, UpdateExpression: 'SET expiresAt = :soon', ExpressionAttributeValues }),
  );
  return { undo: () => client.send(new UpdateItemCommand({ ...place, UpdateExpression: 'REMOVE expiresAt' })) };
}

describe('maintenance records', () => {
  it('stores one document per file in the record ledger, unchanged', async () => {
    const id = newId();
    const text = `${JSON.stringify(maintenanceRecord(id), null, 2).slice(0, -2)},\n  "cycles": 12345678901234567890\n}\n`;
    const { fileId } = await stack.drop(`maintenance/${id}.json`, text);
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({ state: 'completed', total_records: 1, uploaded_records: 1, reconciled: true });
    const [receipt] = await stack.receiptsOf(manifest);
    expect(receipt).toMatchObject({ correlation_id: id, outcome: 'uploaded', status: 201 });
    const item = await stored('maintenance', [id]);
    expect(item?.['sha256']?.S).toBe(receipt?.sha256);
    expect(item?.['fileSha256']?.S).toBe(sha256Of(Buffer.from(text)));
    const payload = item?.['payload']?.S ?? '';
    expect(payload).toContain('"cycles":12345678901234567890');
    expect(JSON.parse(payload)).toMatchObject({ ...maintenanceRecord(id), form_type_canonical: 'FAA 8130-3' });
  });

  it('in JSON Lines are each accounted for: stored, duplicate, conflict, rejected', async () => {
    const [first, second] = [newId(), newId()];
    const line = JSON.stringify(maintenanceRecord(first));
    const before = await stack.drop(`maintenance/${first}.json`, line);
    await stack.manifestOf(before.fileId);
    const lines = [
      line,
      JSON.stringify(maintenanceRecord(first, { cert_status: 'airworthy' })),
      JSON.stringify(maintenanceRecord(second, { form_type: 'TCCA Form One' })),
      JSON.stringify(maintenanceRecord(second, { removal_date: '2026-02-30' })),
      JSON.stringify({ ...maintenanceRecord('x'), record_id: undefined }),
      `{"record_id": "${second}", `,
    ];
    const { fileId } = await stack.drop(`maintenance/${second}.jsonl`, `${lines.join('\n')}\n`);
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({
      total_records: 6,
      uploaded_records: 1,
      duplicate_records: 1,
      refused_records: 1,
      rejected_records: 3,
      reconciled: true,
    });
    const receipts = await stack.receiptsOf(manifest);
    expect(receipts.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['duplicate', undefined],
      ['refused', 'conflict'],
      ['uploaded', undefined],
      ['rejected', 'not_a_date'],
      ['rejected', 'missing'],
      ['rejected', 'not_json'],
    ]);
    expect(receipts[1]?.api_answer).toContain(receipts[0]?.sha256);
    expect(receipts[1]?.api_answer).toContain(receipts[1]?.sha256);
    expect(receipts[2]?.warnings).toEqual(['form_type is not one that this feed supports']);
    expect(receipts[4]).toMatchObject({ correlation_id: 'unknown', field: 'record_id' });
    expect(JSON.parse((await stored('maintenance', [first]))?.['payload']?.S ?? '')).toMatchObject({
      cert_status: 'serviceable',
    });

    // The ledger holds what the receipts say; one that is changed behind Sluice's back is found.
    expect((await runSluice(stack, ['records', fileId])).out).toMatch(/as their receipts say: 1 of 1\.\n/);
    const changed = await changeStored('maintenance', [second]);
    expect(await runSluice(stack, ['records', fileId.split('.')[1] ?? ''])).toMatchObject({
      code: 1,
      out: expect.stringContaining('record 3: its item has expiresAt') as string,
    });
    await changed.undo();

    const dead = await stack.takeDeadLetters(fileId, 4, 'MaintenanceDlqUrl');
    expect(dead.map(({ letter }) => letter.record).sort()).toEqual([2, 4, 5, 6]);
    for (const { letter } of dead) {
      expect(letter.raw_payload).toBe(lines[letter.record - 1]);
      expect(letter.source_file).toContain(`/maintenance/${second}.jsonl`);
      expect(letter.error).not.toBe('');
    }
  });

  it('that are urgent are processed through their own lane', async () => {
    const id = newId();
    const { fileId } = await stack.drop(`express/maintenance/${id}.json`, JSON.stringify(maintenanceRecord(id)));
    expect(await stack.manifestOf(fileId)).toMatchObject({ lane: 'express', uploaded_records: 1 });
    expect((await stored('maintenance', [id]))?.['sourceKey']?.S).toBe(`express/maintenance/${id}.json`);
  });
});

// docs/adding-a-feed.md, followed to the letter: its file under feeds/ and its line in the registry are all there is.
describe('a feed that was added by the guide', () => {
  it('processes its records with the stack’s options and defaults', async () => {
    const device = `encoder-${randomUUID().slice(0, 8)}`;
    const rows = [
      'Device,TakenAt,Celsius',
      `${device},2026-01-05T06:00:00Z,41.5`,
      `${device},2026-01-05T06:01:00Z,91`,
      `${device},yesterday,40`,
    ];
    const { fileId } = await stack.drop(`telemetry/${device}.csv`, `${rows.join('\n')}\n`);
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({ total_records: 3, uploaded_records: 1, rejected_records: 2, reconciled: true });
    expect(JSON.parse((await stored('telemetry', [device, '2026-01-05T06:00:00Z']))?.['payload']?.S ?? '')).toEqual({
      device,
      taken_at: '2026-01-05T06:00:00Z',
      celsius: 41.5,
    });
    const dead = await stack.takeDeadLetters(fileId, 2, 'TelemetryDlqUrl');
    expect(dead.map(({ letter }) => letter.field).sort()).toEqual(['Celsius', 'TakenAt']);
  });
});
