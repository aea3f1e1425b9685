import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const copy = mkdtempSync(join(tmpdir(), 'sluice-add-a-feed-'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** CI checks that read the list of feeds, each a second or two. */
const affectedTests = ['test/unit/feeds/telemetry.test.ts', 'test/unit/cli/feed-variables.test.ts'];

/** Adds the guide's feed under another name, as a feed that is deployed, to a copy of the repository. */
beforeAll(() => {
  for (const part of [
    'cdk',
    'cli',
    'docs',
    'feeds',
    'lambdas',
    'localstack',
    'test',
    'package.json',
    'tsconfig.json',
  ]) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  for (const part of ['vitest.config.ts', '.prettierrc.json', 'cdk.json']) cpSync(join(root, part), join(copy, part));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const guide = readFileSync(join(root, 'docs/adding-a-feed.md'), 'utf8');
  const [, declaration = ''] = /^`feeds\/telemetry\.ts`:\n\n```ts\n([^]*?)```/m.exec(guide) ?? [];
  const renamed = declaration.replaceAll('telemetry', 'readings').replace('  isExample: true,\n', '');
  writeFileSync(join(copy, 'feeds/readings.ts'), renamed);
  const registry = readFileSync(join(copy, 'feeds/index.ts'), 'utf8');
  const added = `import { readings } from './readings.ts';\n${registry.replace(/(= \[[^\]]*)\];/, '$1, readings];')}`;
  writeFileSync(join(copy, 'feeds/index.ts'), added);
});

const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });

describe('a feed that was added by following the guide', () => {
  it('is known to the command line', () => {
    writeFileSync(
      join(copy, 'readings.csv'),
      'Device,TakenAt,Celsius\nencoder-1,2026-01-05T06:00:00Z,41.5\nencoder-1,2026-01-05T06:01:00Z,91\n',
    );
    const { stdout, stderr, status } = run('cli/sluice.ts', 'check', 'readings.csv', '--feed', 'readings', '--json');
    expect(status, stderr).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ valid_records: 1, rejected_records: 1 });
    expect(run('cli/sluice.ts', 'completion', 'bash').stdout).toContain('readings');
  });

  it('leaves the generated pages unchanged', () => {
    expect(run('cli/schemas/write-schemas.ts').status).toBe(0);
    for (const page of ['docs/commands.md', 'docs/schemas/dead-letter.v1.json']) {
      expect(readFileSync(join(copy, page), 'utf8')).toBe(readFileSync(join(root, page), 'utf8'));
    }
  });

  it('keeps the tests green that read the list of feeds', () => {
    const vitest = 'node_modules/vitest/vitest.mjs';
    const { status, stdout } = run(vitest, 'run', '--project', 'unit', '--root', copy, ...affectedTests);
    expect(status, stdout).toBe(0);
  });
});
