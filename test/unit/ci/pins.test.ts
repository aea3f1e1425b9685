import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isNewEnough } from '../../../cli/node-version.mjs';

const root = resolve(import.meta.dirname, '../../..');
const jsonOf = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));

const text = z.union([z.string().transform((one) => [one]), z.array(z.string())]).optional();
const lockedPackage = z.object({
  version: z.string().optional(),
  integrity: z.string().optional(),
  inBundle: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  os: text,
  cpu: text,
});
const { packages } = z.object({ packages: z.record(z.string(), lockedPackage) }).parse(jsonOf('package-lock.json'));
const { optionalDependencies } = z
  .object({ optionalDependencies: z.record(z.string(), z.string()) })
  .parse(jsonOf('package.json'));

/** What the README promises; WSL is Linux. */
const platforms = [
  ['linux', 'x64'],
  ['linux', 'arm64'],
  ['darwin', 'x64'],
  ['darwin', 'arm64'],
] as const;

const isFor = ({ os, cpu }: z.infer<typeof lockedPackage>, [system, machine]: (typeof platforms)[number]) =>
  (os?.includes(system) ?? true) && (cpu?.includes(machine) ?? true);

describe('the lockfile', () => {
  it('pins every package by its hash', () => {
    const loose = Object.entries(packages).filter(
      ([path, { integrity, inBundle }]) => path !== '' && !integrity && !inBundle,
    );
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  it.each(platforms)('has one Node for %s %s, new enough for the sources', (...platform) => {
    const nodes = Object.entries(optionalDependencies).filter(([name]) => /^node-(bin-)?(linux|darwin)-/.test(name));
    const found = nodes.filter(([name]) => {
      const locked = packages[`node_modules/${name}`];
      return locked !== undefined && isFor(locked, platform);
    });
    expect(found).toHaveLength(1);
    const [[name, version] = ['', '']] = found;
    expect(packages[`node_modules/${name}`]?.version).toBe(version);
    expect(isNewEnough(version)).toBe(true);
  });

  it.each(platforms)('has a bundler for %s %s', (system, machine) => {
    expect(packages[`node_modules/@esbuild/${system}-${machine}`]).toBeDefined();
  });

  it('contains no package whose install script downloads what the lockfile does not pin', () => {
    const scripts = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    // esbuild's checks its binary, fsevents is built from its own sources.
    const known = /^(node_modules\/(.+\/)?(esbuild|fsevents))?$/;
    expect(scripts.map(([path]) => path).filter((path) => !known.test(path))).toEqual([]);
  });
});

describe('the workflows', () => {
  const folder = join(root, '.github/workflows');
  it('use actions by commit, with the release in a comment', () => {
    const uses = readdirSync(folder).flatMap((name) =>
      readFileSync(join(folder, name), 'utf8')
        .split('\n')
        .filter((line) => /^\s*-?\s*uses:/.test(line)),
    );
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$/);
  });
});

describe('the minimum version of Node', () => {
  it.each(['v22.18.0', 'v22.20.1', 'v23.0.0', 'v24.0.0', '24.21.0', 'v26.12.1', 'v100.0.0'])(
    'accepts %s',
    (version) => {
      expect(isNewEnough(version)).toBe(true);
    },
  );
  it.each(['v20.20.2', 'v22.17.1', 'v22.6.0', 'v18.19.1', 'v9.0.0', ''])('refuses %s', (version) => {
    expect(isNewEnough(version)).toBe(false);
  });
});
