import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NightSummary } from '../../cli/nights/summarise-night.ts';
import type { Verification } from '../../cli/show/verification.ts';
import { DynamoItemStore } from '../../lambdas/adapters/dynamo-item-store.ts';
import { KmsSigner } from '../../lambdas/adapters/kms-signer.ts';
import { S3Archive } from '../../lambdas/adapters/s3-archive.ts';
import { nightKey } from '../../lambdas/core/ledger/ledger-keys.ts';
import type { NightEntry } from '../../lambdas/core/nights/night-entry.ts';
import type { NightHead } from '../../lambdas/core/nights/night-head.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import { writeNights } from '../../lambdas/finalizer/write-nights.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { silentLog } from '../support/in-memory-ports.ts';
import { invokeFunction } from '../support/invoke-function.ts';
import { openMailbox } from '../support/mailbox.ts';
import { runSluice } from '../support/run-sluice.ts';

const feed = 'telemetry';
const dayMs = 24 * 3_600_000;

let stack: DeployedStack;
let mailbox: Awaited<ReturnType<typeof openMailbox>>;
const dir = mkdtempSync(join(tmpdir(), 'sluice-nights-'));

beforeAll(async () => {
  stack = new DeployedStack();
  mailbox = await openMailbox(stack);
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await mailbox.close();
});

/** The log, once the deployed reconciler and finalizer have brought it that far. */
const headThat = (what: string, isThere: (head: NightHead) => boolean) =>
  waitFor(what, async () => {
    await invokeFunction(stack.cloud.client, stack.output('TelemetryReconcilerName'));
    const head = await stack.ledger.getNight(feed);
    return head && isThere(head) ? head : undefined;
  });

/** Of a day that has not ended yet: by a clock that is ahead, with the adapters that the finalizer has. */
async function writeTonight(keyArn: string | undefined): Promise<void> {
  const { client } = stack.cloud;
  await writeNights(feed, {
    ledger: stack.ledger,
    archive: new S3Archive(stack.s3, stack.output('ArchiveBucketName')),
    archiveBucket: stack.output('ArchiveBucketName'),
    signer: keyArn === undefined ? undefined : new KmsSigner(new KMSClient(client), keyArn),
    reported: () => undefined,
    nights: { askForNight: async () => undefined },
    desk: { notify: async () => undefined },
    clock: { now: () => Date.now() + 2 * dayMs },
    log: silentLog,
    version: 'test',
    stackName: 'test',
  });
}

it('nights are written, signed and mailed by the deployed functions, and a copy of them is verified', async () => {
  const line = JSON.stringify({ Device: `N${randomUUID().slice(0, 8)}`, TakenAt: '2026-01-05T06:00:00Z', Celsius: 20 });
  const { fileId } = await stack.drop(`${feed}/night-${randomUUID()}.jsonl`, `${line}\n`);
  const manifest = await stack.manifestOf(fileId);

  const begun = await headThat('the night log', ({ isOpening }) => isOpening !== true);
  // Two nights that were missed: nothing was received in them.
  const store = new DynamoItemStore(new DynamoDBClient(stack.cloud.client), stack.output('LedgerTableName'));
  await store.put(nightKey(feed), { ...begun, to: begun.to - 2 * dayMs });
  const head = await headThat('two nights', ({ number }) => number === begun.number + 2);
  const text = await stack.archived(`nights/${feed}/${head.number}.json`);
  expect(sha256Of(text)).toBe(head.sha256);
  const { signature } = JSON.parse(text.toString()) as NightEntry;
  expect(signature?.key_arn).toBe(manifest.signature?.key_arn);
  const mail = await waitFor('the mail of the night', async () =>
    (await mailbox.read()).find(({ subject }) => subject.startsWith(`Sluice ${feed}: night ${head.number} `)),
  );
  expect(mail.text).toContain(`SHA-256 of its entry: ${head.sha256}`);

  await writeTonight(signature?.key_arn);
  const night = await runSluice(stack, ['night', '--feed', feed, '--json']);
  const { entry, hash } = JSON.parse(night.out) as { entry: NightEntry; hash: string };
  expect(entry.number).toBe(head.number + 1);
  expect(entry.received.find(({ file_id: id }) => id === fileId)?.manifest).toEqual({
    ...{ number: 1, key: manifest.archive.manifest_key },
    sha256: sha256Of(await stack.archived(manifest.archive.manifest_key)),
  });
  const listed = JSON.parse((await runSluice(stack, ['nights', '--feed', feed, '--json'])).out) as NightSummary[];
  expect(listed[0]).toMatchObject({ number: entry.number, hash });

  const out = join(dir, 'copy');
  const copied = await runSluice(stack, ['evidence', '--nights', '3', '--feed', feed, '--out', out, '--json']);
  const { verification } = JSON.parse(copied.out) as { verification: Verification };
  expect(verification.valid, copied.out).toBe(true);
  const wrong = await runSluice(stack, ['verify', '--nights', out, '--head', 'f'.repeat(64)]);
  expect([wrong.code, wrong.out.includes('cut, removed or rewritten')]).toEqual([1, true]);
});
