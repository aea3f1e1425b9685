import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, expect, it } from 'vitest';
import { SluiceFunction } from '../../cdk/constructs/sluice-function.ts';
import { readSettings } from '../../cdk/settings.ts';
import { feeds } from '../../feeds/index.ts';
import { createIssuer } from '../support/certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('a function’s files lie beside its code, to the byte', () => {
  const pem = createIssuer('root').cert;
  const path = join(folder, 'ca.pem');
  writeFileSync(path, pem);
  const environment = { SLUICE_TRAFFIC_CA_FILE: path };
  const settings = readSettings({ stage: 'local', stackName: 'sluice-local', version: '1.2.3', feeds, environment });
  const outdir = join(folder, 'a $HOME "quoted" folder');
  const app = new App({ outdir });
  new SluiceFunction(new Stack(app, 'Stack'), 'Function', {
    settings,
    root: resolve(import.meta.dirname, '../..'),
    folder: 'consumer',
    functionName: 'consumer',
    description: 'Delivers.',
    timeoutSeconds: 60,
    memoryMb: 512,
    environment: {},
    queuesToItself: true,
    files: {
      'api-ca.pem': settings.feeds[0]?.api.caCertificates ?? '',
      'any.txt': 'it\'s 5 o\'clock: $HOME `date` "x"\n',
    },
  });
  app.synth();
  const asset = readdirSync(outdir).find((name) => name.startsWith('asset.')) ?? '';
  expect(readdirSync(join(outdir, asset)).sort()).toEqual(['any.txt', 'api-ca.pem', 'index.mjs', 'index.mjs.map']);
  expect(readFileSync(join(outdir, asset, 'api-ca.pem'), 'utf8')).toBe(pem);
  expect(readFileSync(join(outdir, asset, 'any.txt'), 'utf8')).toBe('it\'s 5 o\'clock: $HOME `date` "x"\n');
  expect(readFileSync(join(outdir, asset, 'index.mjs'), 'utf8')).toContain('import.meta.url');
});
