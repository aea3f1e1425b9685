import { expect } from 'vitest';
import type { SourceObject } from '../../lambdas/core/account/file-account.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { BundleWorld } from './bundle-world.ts';

/** Each member's record is in one account, with its file's bytes, and the accounts state how many they have. */
export function expectEachInOneBundle(world: BundleWorld, sources: readonly SourceObject[]): void {
  const records = world.records();
  const { files } = world.ports.ledger;
  const keyOf = (key: string | undefined) => key ?? '';
  expect(records.map(({ record }) => keyOf(record.source?.key)).sort()).toEqual(sources.map(({ key }) => key).sort());
  for (const { fileId, record } of records) {
    const bytes = world.objects.get(keyOf(record.source?.key))?.bytes ?? Buffer.alloc(0);
    expect(record.sha256).toBe(sha256Of(bytes));
    const member = sources.find(({ key }) => key === record.source?.key) as SourceObject;
    expect(files.get(fileIdOf('maintenance', member))).toMatchObject({ state: 'bundled', bundleId: fileId });
  }
  const bundles = files.values().filter((file) => file.bundle);
  for (const file of bundles) expect(file).toMatchObject({ state: 'split', totalRecords: file.bundle?.members });
  expect(bundles.reduce((sum, file) => sum + (file.bundle?.members ?? 0), 0)).toBe(sources.length);
}
