import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { readRecordLedger } from '../../cli/demo/maintenance/read-record-ledger.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import type { Dropped } from '../support/deployed-stack.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { expectVerified } from '../support/expect-verified.ts';
import { maintenanceRecord } from '../support/maintenance-records.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

const textOf = (id: string) => JSON.stringify(maintenanceRecord(id), null, 2);

/** Drops several at a time, as a scanner's folder is emptied. */
async function dropAll(files: readonly { key: string; text: string }[]): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  for (let from = 0; from < files.length; from += 25) {
    const some = files.slice(from, from + 25);
    dropped.push(...(await Promise.all(some.map(({ key, text }) => stack.drop(key, Buffer.from(text))))));
  }
  return dropped;
}

function announcementOf(dropped: readonly Dropped[]): string {
  const bucket = { name: stack.output('IntakeBucketName') };
  const records = dropped.map(({ key, versionId, etag, sizeBytes }) => ({
    eventName: 'ObjectCreated:Put',
    s3: {
      bucket,
      object: { key: encodeURIComponent(key).replaceAll('%20', '+'), versionId, eTag: etag, size: sizeBytes },
    },
  }));
  return JSON.stringify({ Records: records });
}

/** The manifests that contain them, each once. */
async function accountsOf(dropped: readonly Dropped[]): Promise<Manifest[]> {
  const ids = new Set<string>();
  for (const { fileId, key } of dropped) {
    const place = await waitFor<FileAccount>(`an account of ${key}`, () => stack.ledger.getFile(fileId));
    ids.add(place.bundleId ?? place.fileId);
  }
  const manifests: Manifest[] = [];
  for (const id of ids) manifests.push(await stack.manifestOf(id));
  return manifests;
}

describe('a burst of small files', () => {
  it('is accounted for completely, although each file is announced twice', async () => {
    const run = `B${randomUUID().slice(0, 8)}`;
    const [twin, alone] = [`${run}-twin`, `${run}-alone`];
    const rows = Array.from({ length: 400 }, (_, n) =>
      JSON.stringify(maintenanceRecord(`${run}-L${n}`, { remark: 'x'.repeat(50_000) })),
    );
    const good = Array.from({ length: 200 }, (_, n) => ({
      key: `maintenance/${run}/${n}.json`,
      text: textOf(`${run}-${n}`),
    }));
    const odd = [
      { key: `maintenance/${run}/twin 1.json`, text: textOf(twin) },
      { key: `maintenance/${run}/twin+2.json`, text: textOf(twin) },
      { key: `maintenance/${run}/empty.json`, text: '' },
      { key: `maintenance/${run}/broken.json`, text: textOf(alone).slice(0, -30) },
      // 20 MB: more than one record, so it has an account of its own.
      { key: `maintenance/${run}/large.jsonl`, text: `${rows.join('\n')}\n` },
    ];
    const dropped = await dropAll([...good.slice(0, 100), ...odd, ...good.slice(100)]);
    // While the first announcements are processed, all are repeated, in groups of other sizes.
    for (let from = 0; from < dropped.length; from += 40) {
      await stack.send('MaintenanceIntakeQueueUrl', announcementOf(dropped.slice(from, from + 40)));
    }
    const manifests = await accountsOf(dropped);

    const sum = (name: keyof Manifest) => manifests.reduce((total, each) => total + Number(each[name] ?? 0), 0);
    expect(manifests.every(({ reconciled }) => reconciled)).toBe(true);
    expect(sum('bundled_files')).toBe(dropped.length - 1);
    expect(sum('total_records')).toBe(dropped.length - 1 + rows.length);
    expect(outcomes.reduce((total, name) => total + sum(`${name}_records`), 0)).toBe(sum('total_records'));
    expect([sum('uploaded_records'), sum('duplicate_records'), sum('rejected_records')]).toEqual([
      good.length + 1 + rows.length,
      1,
      2,
    ]);

    for (const manifest of manifests.slice(0, 3)) await expectVerified(stack, manifest);
    const receipts = (await Promise.all(manifests.map((each) => stack.receiptsOf(each)))).flat();
    const bucket = stack.output('IntakeBucketName');
    for (const { key, text } of [...good, ...odd.slice(0, 4)]) {
      const own = receipts.filter(({ source_file: source }) => source === `s3://${bucket}/${key}`);
      expect(own.map(({ sha256 }) => sha256)).toEqual([sha256Of(Buffer.from(text))]);
    }
    const empty = receipts.find(({ source_file: source }) => source?.endsWith('/empty.json'));
    expect(empty).toMatchObject({ outcome: 'rejected', reason: 'empty', length: 0 });

    const stored = await readRecordLedger(
      new DynamoDBClient(stack.cloud.client),
      stack.output('RecordLedgerTableName'),
    );
    const mine = stored.filter(({ recordId }) => recordId.startsWith(run)).map(({ recordId }) => recordId);
    expect(mine.sort()).toEqual(
      [twin, ...good.map((_, n) => `${run}-${n}`), ...rows.map((_, n) => `${run}-L${n}`)].sort(),
    );

    const broken = manifests.find(({ errors }) => errors.some(({ reason }) => reason === 'not_json'));
    const letters = await stack.takeDeadLetters(
      broken?.file_id ?? '',
      broken?.dead_lettered_records ?? 0,
      'MaintenanceDlqUrl',
    );
    const letter = letters.find((each) => each.letter.reason === 'not_json')?.letter;
    expect(letter).toMatchObject({ source_file: `s3://${bucket}/maintenance/${run}/broken.json`, line: 1 });
    expect(letter?.raw_payload).toBe(textOf(alone).slice(0, -30));
  });
});
