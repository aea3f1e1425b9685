import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import type { FileLedger } from '../../lambdas/ports.ts';
import type { ArchivedStack } from './read-archive.ts';
import { readManifest } from './read-archive.ts';

type SummarisedStack = ArchivedStack & { ledger: Pick<FileLedger, 'getManifestFigures'> };

/**
 * What the newest manifest of a file counts, from the ledger: no object is read. From the archive only where the ledger
 * keeps no figures of it: an earlier version closed the file, or the item has expired.
 * @throws CliError where the file has no manifest yet
 */
export async function readSummary(stack: SummarisedStack, file: FileAccount): Promise<ManifestSummary> {
  const kept = file.manifest && (await stack.ledger.getManifestFigures(file.fileId, file.manifest.number));
  return kept ?? (await readManifest(stack, file)).manifest;
}

/** The stack with its manifests' counts by file. */
export function withSummaries<S extends SummarisedStack>(
  stack: S,
): S & { readSummary: (file: FileAccount) => Promise<ManifestSummary> } {
  return { ...stack, readSummary: (file) => readSummary(stack, file) };
}
