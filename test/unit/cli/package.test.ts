import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

const app = mkdtempSync(join(tmpdir(), 'sluice-package-'));
const modules = join(app, 'node_modules');
afterAll(() => rmSync(app, { recursive: true, force: true }));

/** As npm runs it: with the Node of these tests first on the PATH. */
const env = { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) };
const npx = (cwd: string, ...args: string[]) =>
  spawnSync('npx', ['--no', 'sluice', '--', ...args], { cwd, encoding: 'utf8', env });

/** Installs the package as npm does, with links to its dependencies; those for development are missing. */
beforeAll(() => {
  execFileSync('npm', ['run', 'prepack'], { cwd: root, env, stdio: 'pipe' });
  // Without `prepare`, which is for checkouts and may change this one.
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', app], { cwd: root, env, stdio: 'pipe' });
  mkdirSync(join(modules, '.bin'), { recursive: true });
  execFileSync('tar', ['-xzf', join(app, `sluice-${manifest.version}.tgz`), '-C', modules]);
  execFileSync('mv', [join(modules, 'package'), join(modules, 'sluice')]);
  symlinkSync('../sluice/cli/bin.mjs', join(modules, '.bin/sluice'));
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(app, 'package.json'), '{}');
});

describe('npx sluice', () => {
  it('works in a checkout', () => {
    expect(npx(root, '--version')).toMatchObject({ stdout: `${manifest.version}\n`, status: 0 });
  });

  it('works if the package is installed', () => {
    expect(npx(app, '--version')).toMatchObject({ stdout: `${manifest.version}\n`, status: 0 });
    writeFileSync(
      join(app, 'bad.csv'),
      'SpotID,StationCode,AirDateTime,Duration,ClientName\nS1,W,2026-01-05 06:00:00,x,A\n',
    );
    const { stdout, status, stderr } = npx(app, 'check', 'bad.csv', '--feed', 'traffic', '--json');
    expect(status, stderr).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ rejected_records: 1 });
  });

  it('has the page of the control room there', () => {
    const page = join(modules, 'sluice/dist/cli/page');
    expect(readFileSync(join(page, 'index.html'), 'utf8')).toBe(
      readFileSync(join(root, 'cli/ui/page/index.html'), 'utf8'),
    );
  });

  it('reports that deploying needs a checkout', () => {
    const { status, stderr } = npx(app, 'up');
    expect(stderr).toContain("`up` needs a checkout of Sluice's repository");
    expect(status).toBe(1);
  });
});
