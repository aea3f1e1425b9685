import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { manifestName, readManifest } from '../../cli/verify/read-manifest.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { DeployedStack } from './deployed-stack.ts';
import { verifyByPython, verifyHere, writeEvidence } from './evidence.ts';
import { runSluice } from './run-sluice.ts';

/**
 * A manifest with every object that it and the manifests before it name, copied from the archive, is valid offline by two
 * verifiers.
 */
export async function expectVerified(stack: DeployedStack, manifest: Manifest): Promise<void> {
  const { archive, signature, compression, manifest_number: number } = manifest;
  const keys = new Set(keysOf(manifest));
  // The manifests before it: each is named by the next.
  for (let before = number - 1; before > 0; before--) {
    const key = archive.manifest_key.replace(/manifest[.0-9]*\.json$/, manifestName(before));
    const { manifest: earlier } = readManifest(await stack.archived(key), manifestName(before));
    for (const each of [key, ...keysOf(earlier)]) keys.add(each);
  }
  const dir = mkdtempSync(join(tmpdir(), 'sluice-evidence-'));
  try {
    const objects = await Promise.all([...keys].map(async (key) => [key, await stack.archived(key)] as const));
    writeEvidence(new Map(objects), dir);
    const path = join(dir, basename(archive.manifest_key));
    const verdict = await verifyHere(path);
    expect(verdict.holds, verdict.said).toBe(true);
    // Of a source that was gone nothing more can be checked.
    const isWhole = archive.source_key !== null;
    expect(verdict.isComplete, verdict.said).toBe(isWhole);
    expect(verdict.said).toContain(`signed by ${signature?.key_arn}`);
    const second = verifyByPython(path);
    expect(second?.holds ?? true, second?.said).toBe(true);
    // Python has Zstandard from 3.14 on; earlier versions report what they could not check.
    const isBlind = compression === 'zstd' && second?.said.includes('which is in Zstandard') === true;
    expect(second?.isComplete ?? isWhole, second?.said).toBe(isWhole && !isBlind);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * The revisions of a series, as the command line copies them, are valid offline by two verifiers.
 * @param fileIds of all of them, the newest last
 */
export async function expectSeriesVerified(stack: DeployedStack, fileIds: readonly string[]): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'sluice-series-'));
  try {
    const dir = join(root, 'series');
    const copied = await runSluice(stack, ['evidence', fileIds.at(-1) ?? '', '--series', '--out', dir]);
    expect(copied, `${copied.out}\n${copied.err}`).toMatchObject({ code: 0 });
    expect(readdirSync(dir).toSorted()).toEqual(fileIds.toSorted());
    const second = verifyByPython('--series', dir);
    expect(second?.holds ?? true, second?.said).toBe(true);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function keysOf({ archive, signature, comparison, control }: Manifest): string[] {
  const { control_key = null, differences_key = null } = control ?? {};
  const changes_key = comparison?.changes_key ?? null;
  const named = { ...archive, ...signature, changes_key, control_key, differences_key };
  return Object.entries(named).flatMap(([name, key]) => (/_key$/.test(name) && key !== null ? [key] : []));
}
