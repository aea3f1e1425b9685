import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { afterAll, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const outdir = mkdtempSync(join(tmpdir(), 'sluice-app-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

it('without settings, the app exits normally and its stack carries the messages: `cdk bootstrap` needs no settings', () => {
  const { status } = spawnSync(process.execPath, ['cdk/app.ts'], {
    cwd: root,
    env: { PATH: process.env['PATH'], CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: '{"stage":"prod"}' },
  });
  expect(status).toBe(0);
  const errors = new CloudAssembly(outdir)
    .getStackByName('sluice-prod')
    .messages.filter(({ entry }) => entry.type === 'aws:cdk:error');
  expect(errors.map(({ entry }) => entry.data)).toEqual([expect.stringContaining('SLUICE_TRAFFIC_API_URL is not set')]);
});
