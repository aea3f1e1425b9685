import { createHash, randomUUID } from 'node:crypto';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { ControlKind } from '../../feeds/control-rule.ts';
import { configureFunction } from '../support/configure-function.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { expectVerified } from '../support/expect-verified.ts';
import { runSluice } from '../support/run-sluice.ts';

let stack: DeployedStack;
let restore: () => Promise<void> = async () => undefined;

beforeAll(() => {
  stack = new DeployedStack();
});

afterEach(() => restore());

/** The lane's splitter as a stack with this setting has it. */
async function requireControl(kind: ControlKind): Promise<void> {
  const name = (stack.output('TelemetryExpressIntakeQueueUrl').split('/').at(-1) ?? '').replace(/intake$/, 'splitter');
  const control = { suffix: '.ctl', comes: 'after', kind, waitMinutes: 30, keyPrefix: 'express/telemetry/' };
  restore = await configureFunction(stack.cloud.client, name, (before) => {
    const { Variables } = before.Environment;
    const more = { CONTROL: JSON.stringify(control), ARCHIVE_BUCKET: stack.output('ArchiveBucketName') };
    return { ...before, Environment: { Variables: { ...Variables, ...more } } };
  });
}

const device = `control-${randomUUID().slice(0, 8)}`;
const times = ['2026-01-05T06:00:00Z', '2026-01-05T06:01:00Z', '2026-01-05T06:02:00Z'];
const exportOf = (kind: ControlKind) =>
  `Device,TakenAt,Celsius\n${times.map((at) => `${device}-${kind},${at},20\n`).join('')}`;

const controls: Record<ControlKind, (text: string, name: string) => string> = {
  sha256sum: (text, name) => `${createHash('sha256').update(text).digest('hex')}  ${name}\n`,
  counts: (text) => JSON.stringify({ records: times.length, bytes: text.length }),
  rows: () => `TakenAt\n${times.toReversed().join('\n')}\n`,
};

it.each(['sha256sum', 'counts', 'rows'] as const)('a file is sent once its control file agrees: %s', async (kind) => {
  await requireControl(kind);
  const text = exportOf(kind);
  const key = `express/telemetry/${device}-${kind}.csv`;
  const { fileId } = await stack.drop(key, text);
  const waits = await waitFor('the file to wait', async () => {
    const file = await stack.ledger.getFile(fileId);
    return file?.control?.state === 'waiting' ? file : undefined;
  });
  expect(waits.control).toMatchObject({ kind, name: `${device}-${kind}.csv.ctl` });
  const { out } = await runSluice(stack, ['status', '--feed', 'telemetry']);
  expect(out).toContain(`waits for its control file ${device}-${kind}.csv.ctl since`);
  const name = `${device}-${kind}.csv`;
  await stack.drop(`${key}.ctl`, controls[kind](text, name));
  const manifest = await stack.manifestOf(fileId);
  expect(manifest).toMatchObject({
    state: 'completed',
    uploaded_records: times.length,
    control: { kind, result: 'agrees' },
  });
  await expectVerified(stack, manifest);
});

it('a file that differs is stopped, and a person sends it', async () => {
  await requireControl('rows');
  const text = exportOf('rows').replaceAll(`${device}-rows`, `${device}-other`);
  const key = `express/telemetry/${device}-other.csv`;
  const { fileId } = await stack.drop(key, text);
  await stack.drop(`${key}.ctl`, 'TakenAt\n2026-01-05T07:00:00Z\n');
  const first = await stack.manifestOf(fileId);
  expect(first).toMatchObject({
    state: 'quarantined',
    held_records: 3,
    control: { result: 'differs', missing: 1, extra: 3 },
  });
  const list = (await stack.archived(first.control?.differences_key ?? '')).toString();
  expect(list).toContain('missing,line 2,2026\\-01\\-05T07:00:00Z'.replaceAll('\\-', '-'));
  await expectVerified(stack, first);
  const { code } = await runSluice(stack, ['release', fileId, '--why', 'the control file is wrong', '--by', 'ann']);
  expect(code).toBe(0);
  const second = await stack.manifestOf(fileId, 2);
  expect(second).toMatchObject({ state: 'completed', uploaded_records: 3, control: { result: 'differs' } });
  await expectVerified(stack, second);
});
