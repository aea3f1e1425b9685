import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import type { Manifest } from '../../lambdas/core/manifest.ts';
import type { DeployedStack } from './deployed-stack.ts';
import { verifyByPython, verifyHere, writeEvidence } from './evidence.ts';

/** A manifest with all that it names, copied out of the archive: it holds offline, by two verifiers. */
export async function expectVerified(stack: DeployedStack, { archive, signature }: Manifest): Promise<void> {
  const named = { ...archive, ...signature };
  const keys = Object.entries(named).flatMap(([name, key]) => (/_key$/.test(name) && key !== null ? [key] : []));
  const dir = mkdtempSync(join(tmpdir(), 'sluice-evidence-'));
  try {
    const objects = await Promise.all(keys.map(async (key) => [key, await stack.archived(key)] as const));
    writeEvidence(new Map(objects), dir);
    const path = join(dir, basename(archive.manifest_key));
    const verdict = await verifyHere(path);
    expect(verdict.holds, verdict.said).toBe(true);
    expect(verdict.said).not.toContain('not here');
    expect(verdict.said).toContain(`signed by ${signature?.key_arn}`);
    const second = verifyByPython(path);
    expect(second?.holds ?? true, second?.said).toBe(true);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
