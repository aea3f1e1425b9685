import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, expect, it } from 'vitest';
import { SluiceFunction } from '../../cdk/constructs/sluice-function.ts';
import { readSettings } from '../../cdk/read-settings.ts';
import { feeds } from '../../feeds/index.ts';
import { createIssuer } from '../../localstack/certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('files are copied unchanged beside a function’s code, each function’s own', () => {
  const pem = createIssuer('root').cert;
  const path = join(folder, 'ca.pem');
  writeFileSync(path, pem);
  const environment = { SLUICE_TRAFFIC_CA_FILE: path };
  const settings = readSettings({ stage: 'local', stackName: 'sluice-local', version: '1.2.3', feeds, environment });
  const outdir = join(folder, 'a $HOME "quoted" folder');
  const app = new App({ outdir });
  const stack = new Stack(app, 'Stack');
  const odd = 'it\'s 5 o\'clock: $HOME `date` "x"\n';
  for (const [name, text] of [
    ['api-ca.pem', settings.feeds[0]?.api.caCertificates ?? ''],
    ['odd name $HOME.txt', odd],
  ] as const) {
    new SluiceFunction(stack, name.slice(0, 3), {
      settings,
      root: resolve(import.meta.dirname, '../..'),
      folder: 'consumer',
      functionName: name.slice(0, 3),
      description: 'Delivers.',
      timeoutSeconds: 60,
      memoryMb: 512,
      environment: {},
      queuesToItself: true,
      files: { [name]: text },
    });
  }
  app.synth();
  const assets = readdirSync(outdir).filter((name) => name.startsWith('asset.'));
  const read = (name: string): string[] =>
    assets
      .filter((asset) => readdirSync(join(outdir, asset)).includes(name))
      .map((asset) => readFileSync(join(outdir, asset, name), 'utf8'));
  expect(read('api-ca.pem')).toEqual([pem]);
  expect(read('odd name $HOME.txt')).toEqual([odd]);
  const bundles = read('index.mjs');
  expect(bundles).toEqual([expect.stringContaining('import.meta.url'), expect.any(String)]);
  for (const bundle of bundles) {
    // The largest of the functions: what a cold start has to load.
    expect(bundle.length).toBeLessThan(1_450_000);
    // No function is named while records are sent: that took a fifth of the CPU time.
    expect(bundle).not.toMatch(/"name",\{value:\w+,configurable:!0\}/);
  }
});
