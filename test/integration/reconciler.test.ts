import { randomUUID } from 'node:crypto';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestIdOf, sha256Of } from '../../lambdas/core/records/identity.ts';
import type { BatchMessage } from '../../lambdas/messages.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { limits, rowOf } from '../support/feed-fixture.ts';
import { invokeFunction } from '../support/invoke-function.ts';
import { runSluice } from '../support/run-sluice.ts';
import { openMailbox } from '../support/mailbox.ts';
import { header } from '../support/traffic-exports.ts';

let stack: DeployedStack;
let mailbox: Awaited<ReturnType<typeof openMailbox>>;

beforeAll(async () => {
  stack = new DeployedStack();
  mailbox = await openMailbox(stack);
});

afterAll(() => mailbox.close());

const reconcile = () => invokeFunction(stack.cloud.client, stack.output('TrafficReconcilerName'));

/** The first message about the file; the deployed schedule may have sent it before we asked. */
async function mailAbout(fileId: string): Promise<{ subject: string; text: string }> {
  return waitFor(`mail about ${fileId}`, async () => {
    await reconcile();
    return (await mailbox.read()).find(({ text }) => text.includes(fileId));
  });
}

describe('the desk', () => {
  it('is notified once of what needs attention, and where to find the list', async () => {
    const prefix = `D${randomUUID().slice(0, 8)}`;
    const rows = [`${prefix}-1,W,t,30,c,x`, `${prefix}-2,W,t,30s,c,x`, `${prefix}-3,W,t,30,=HYPERLINK(1),x`, 'no row'];
    await stack.setFaults({ refuseSpots: [`${prefix}-3`] });
    const { fileId } = await stack.drop(`traffic/${prefix}.csv`, [header, ...rows, ''].join('\n'));
    await stack.manifestOf(fileId);
    const { subject, text } = await mailAbout(fileId);
    expect(subject).toMatch(/^Sluice traffic: [\d,]+ records? to inspect/);
    expect(text).toContain(`traffic/${prefix}.csv (file ${fileId}): 3`);

    const key = /s3:\/\/[^/]+\/(reconciliation\/traffic\/\S+\.csv)/.exec(text)?.[1] ?? '';
    const list = parse<Record<string, string>>(await stack.archived(key), { bom: true, columns: true });
    const mine = list.filter((row) => row['sluice_file_id'] === fileId);
    expect(mine).toMatchObject([
      { SpotID: `${prefix}-2`, Duration: '30s', sluice_reason: 'not_an_integer', sluice_record: '2' },
      {
        SpotID: `${prefix}-3`,
        ClientName: String.raw`\=HYPERLINK(1)`,
        sluice_reason: 'http_422',
        sluice_status: '422',
      },
      { SpotID: '', sluice_reason: 'field_count', sluice_raw: 'no row', sluice_line: '5' },
    ]);
    const [refused] = mine.slice(1);
    // None if the list was made before the letter was received.
    expect(refused?.['sluice_message_id']).toMatch(/^([0-9a-f-]{36})?$/);

    await reconcile();
    await reconcile();
    expect((await mailbox.read(1)).filter((each) => each.text.includes(fileId))).toEqual([]);

    await invokeFunction(stack.cloud.client, stack.output('TrafficReconcilerName'), {
      kind: 'deadline',
      feed: 'traffic',
    });
    expect((await mailbox.read(5)).map((each) => each.text.includes(fileId))).toContain(true);
  });
});

describe('a file that its deadline comes too early for', () => {
  const fileId = randomUUID();

  beforeAll(async () => {
    // Under a splitter's lease, so that no function claims it: a hundredth is split, a million records.
    const source = { bucket: 'b', key: `traffic/${fileId}.csv`, etag: '"e"', sizeBytes: 1e10 };
    await stack.ledger.claimFile(fileId, { fileId, feed: 'traffic', lane: 'main', source, limits }, 'test', 600_000);
    const checkpoint = { offset: 1e8, line: 1e6, record: 1e6, batch: 2_000 };
    await stack.ledger.saveSplitProgress(fileId, 1, { checkpoint, leaseUntil: Date.now() + 600_000 });
  });

  afterAll(async () => {
    await stack.ledger.endFile(fileId, 1, { state: 'failed', failure: { code: 'test', message: 'over' } });
    await stack.ledger.closeFile(fileId, {
      state: 'failed',
      manifest: { key: 'none', number: 1 },
      figures: [],
      openLetters: 0,
    });
  });

  it('is reported to the desk long before, with what would help, and shown by status', async () => {
    const { subject, text } = await mailAbout(fileId);
    expect(subject).toMatch(/^Sluice traffic: LATE by \d+ d/);
    expect(text).toContain(`file ${fileId}: about 100,000,000 records left, done at the earliest`);
    expect(text).toContain('SLUICE_TRAFFIC_REQUESTS');
    const status = await runSluice(stack, ['status', fileId, '--json']);
    expect(JSON.parse(status.out)).toMatchObject({ remaining_records: 1e8, remaining_is_estimate: true });
    const { deadline_margin_seconds: margin } = JSON.parse(status.out) as { deadline_margin_seconds: number };
    expect(margin).toBeLessThan(-86_400);
  });
});

describe('a batch that ended every consumer', () => {
  it('is accounted for, and its records are sent one by one when it is redriven', async () => {
    const prefix = `B${randomUUID().slice(0, 8)}`;
    const rows = [1, 2, 3].map((number) => ({ ...rowOf(number), SpotID: `${prefix}-${number}` }));
    const message = await putSplitFile(rows.map((row) => JSON.stringify(row)).join('\n'));
    // As two consumers left it that claimed it and were killed.
    for (const owner of ['killed', 'killed-too']) await stack.ledger.claimBatch(message, owner, -1);
    // Where SQS puts it after its last receive.
    await stack.send('TrafficRecordsDlqUrl', JSON.stringify(message));
    await waitFor('the burial', async () => {
      await reconcile();
      return (await stack.ledger.getFile(message.fileId))?.manifest;
    });
    expect(await stack.manifestOf(message.fileId)).toMatchObject({
      total_records: 3,
      exhausted_records: 3,
      dead_lettered_records: 3,
      reconciled: true,
    });
    expect((await mailAbout(message.fileId)).text).toContain('3  buried_batch');

    await redriveBatch(message.fileId);
    expect(await stack.manifestOf(message.fileId, 2)).toMatchObject({
      uploaded_records: 3,
      resolved_records: 3,
      dead_lettered_records: 0,
      reconciled: true,
    });
    const wanted = rows.map(({ SpotID }) =>
      requestIdOf([SpotID, '2026-01-05 06:00:00'], sha256Of(Buffer.from(bodyOf(message)))),
    );
    expect((await stack.stored(prefix)).map(({ requestId }) => requestId).sort()).toEqual(wanted.sort());
  });
});

const bodyOf = (message: BatchMessage) => (message.kind === 'slice' ? message.body : '');

/** A file as the splitter leaves it, whose one batch is in no queue. */
async function putSplitFile(body: string): Promise<BatchMessage> {
  const fileId = sha256Of(Buffer.from(body)).slice(0, 24);
  const source = {
    bucket: stack.output('IntakeBucketName'),
    key: `traffic/${fileId}.jsonl`,
    etag: '"e"',
    sizeBytes: 1,
  };
  await stack.ledger.claimFile(fileId, { fileId, feed: 'traffic', lane: 'main', source, limits }, 'test', 60_000);
  const dialect = { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 } as const;
  await stack.ledger.saveSplitProgress(fileId, 1, { sha256: sha256Of(Buffer.from(body)), dialect, leaseUntil: 0 });
  const records = body.split('\n').length;
  await stack.ledger.finishSplit(fileId, 1, { records, batches: 1 }, []);
  const place = { batch: 1, attempt: 1, failures: 0, offset: 0, firstRecord: 1, firstLine: 1 };
  return { v: 1, kind: 'slice', feed: 'traffic', fileId, ...place, records, encoding: 'text', body };
}

/** As a console does: the message goes back to its source queue, as it was. */
async function redriveBatch(fileId: string): Promise<void> {
  const QueueUrl = stack.output('TrafficRecordsDlqUrl');
  await waitFor('the batch in its DLQ', async () => {
    const { Messages = [] } = await stack.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
    for (const { Body = '', ReceiptHandle } of Messages) {
      if (!Body.includes(fileId)) continue;
      await stack.send('TrafficRecordsQueueUrl', Body);
      await stack.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      return true;
    }
    return undefined;
  });
}

it('the desk is notified of a file that failed within a minute, without the reconciler', async () => {
  const prefix = `F${randomUUID().slice(0, 8)}`;
  const { fileId } = await stack.drop(`traffic/${prefix}.csv.gz`, 'not a gzip');
  expect(await stack.manifestOf(fileId)).toMatchObject({ state: 'failed' });
  const { subject, text } = await waitFor(`mail about ${fileId}`, async () =>
    (await mailbox.read(5)).find((each) => each.text.includes(fileId)),
  );
  expect(subject).toMatch(/^Sluice traffic: (a file failed, nothing of it was sent|[\d,]+ files )/);
  const { failure } = await stack.manifestOf(fileId);
  expect(text).toContain(failure?.message);
});
