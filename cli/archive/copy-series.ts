import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { FileLedger } from '../../lambdas/ports.ts';
import { manifestName, readManifest } from '../verify/read-manifest.ts';
import type { CopiedEvidence, CopyRequest } from './copy-evidence.ts';
import { copyEvidence, refuseIfUsed } from './copy-evidence.ts';
import type { ArchivedStack } from './read-archive.ts';

/** More than a revision is compared with, and each of those again: a series is exported a few times. */
const maxRevisions = 100;

/**
 * Copies a file's folder and those of the revisions before it: each that it was compared with, that these were compared with,
 * and so on, each into a folder with its file id. The folder gets its name when it is complete.
 * @throws as `copyEvidence`
 */
export async function copySeries(
  stack: ArchivedStack & { ledger: Pick<FileLedger, 'getFile'> },
  request: CopyRequest,
): Promise<Omit<CopiedEvidence, 'manifest' | 'renamedSource'>> {
  const { dir } = request;
  await refuseIfUsed(dir);
  const draft = `${dir}.partial-${process.pid}`;
  const keys = [request.manifestKey];
  const sum = { objects: 0, bytes: 0 };
  try {
    await mkdir(draft, { recursive: true });
    for (let n = 0; n < Math.min(keys.length, maxRevisions); n++) {
      const manifestKey = keys[n] ?? '';
      const folder = join(draft, basename(dirname(manifestKey)));
      const onProgress = (objects: number) => request.onProgress(sum.objects + objects);
      const copied = await copyEvidence(stack, { ...request, manifestKey, dir: folder, onProgress });
      sum.objects += copied.objects;
      sum.bytes += copied.bytes;
      const { manifest } = readManifest(await readFile(copied.manifest), basename(copied.manifest));
      for (const base of manifest.compared_with) {
        const key = await newestManifestOf(base, stack.ledger);
        if (!keys.some((known) => dirname(known) === dirname(key))) keys.push(key);
      }
    }
    await rename(draft, dir);
    return sum;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** The ledger forgets files; the archive does not. */
async function newestManifestOf(
  { file_id: fileId, receipts_key: receipts, manifest_number: number }: Manifest['compared_with'][number],
  ledger: Pick<FileLedger, 'getFile'>,
): Promise<string> {
  return (await ledger.getFile(fileId))?.manifest?.key ?? `${dirname(receipts)}/${manifestName(number)}`;
}
