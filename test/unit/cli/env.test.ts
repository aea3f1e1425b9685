import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { variablesOf } from '../../../cli/commands/env.ts';

const sluice = resolve(import.meta.dirname, '../../../cli/sluice.ts');
const stateDir = mkdtempSync(join(tmpdir(), 'sluice-env-'));
const endpointUrl = 'http://127.0.0.1:4599';
beforeAll(() => {
  const stack = { endpointUrl, stateDir, kind: 'ministack' };
  writeFileSync(join(stateDir, 'stacks.json'), JSON.stringify({ 'sluice-local': stack }));
});
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

const users = {
  ...{ AWS_PROFILE: 'mine', AWS_ACCESS_KEY_ID: 'AKIAMINE', AWS_SECRET_ACCESS_KEY: 'mine', AWS_SESSION_TOKEN: 'mine' },
  ...{ AWS_ENDPOINT_URL_S3: 'https://elsewhere.example', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
};
const env = { PATH: process.env['PATH'], SLUICE_STATE_DIR: stateDir, ...users };

describe.each([
  ['bash', ['--norc'], 'eval "$(%)"'],
  ['fish', ['--no-config'], '% | source'],
])('sluice env in %s', (shell, args, load) => {
  it.skipIf(spawnSync(shell, ['-c', 'true']).status !== 0)(
    'sets the local cloud’s address and credentials, and removes the user’s own',
    () => {
      const command = `'${process.execPath}' '${sluice}' env --shell ${shell === 'fish' ? 'fish' : 'posix'}`;
      const script = `${load.replace('%', command)}; env | grep ^AWS_`;
      const lines = execFileSync(shell, [...args, '-c', script], { env, encoding: 'utf8' })
        .trim()
        .split('\n');
      const found = Object.fromEntries(lines.map((line) => line.split('=') as [string, string]));
      expect(found).toMatchObject({
        AWS_ENDPOINT_URL: endpointUrl,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_REGION: 'us-east-1',
      });
      expect(Object.keys(found).filter((name) => /PROFILE|TOKEN|_S3|IGNORE/.test(name))).toEqual([]);
      expect(Object.values(found)).not.toContain('mine');
    },
  );
});

it('excludes the local cloud from a proxy, if there is one', () => {
  const proxied = variablesOf(undefined, { ...env, https_proxy: 'http://proxy.example', no_proxy: 'example.com' });
  expect(proxied.set).toMatchObject({ NO_PROXY: 'example.com,127.0.0.1', no_proxy: 'example.com,127.0.0.1' });
  expect(variablesOf(undefined, env).set).not.toHaveProperty('NO_PROXY');
});

it('sets nothing for a stack in AWS', () => {
  expect(() => variablesOf('sluice-prod', env)).toThrow('not in a local cloud');
});
