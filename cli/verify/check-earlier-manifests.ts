import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { fileDigest } from './file-digest.ts';
import type { ReadManifest } from './read-manifest.ts';
import { manifestName, readManifest } from './read-manifest.ts';
import type { Verified } from './verified.ts';
import { mustHold } from './verified.ts';

/**
 * The objects of a file's earlier manifests, which its newest one does not name any more: each must be there with its hash.
 * One that both name is the same object. That the manifests themselves are the right ones is checked with the chain.
 * @param folder has them all
 * @param signatureOf checks the signature of an earlier manifest
 * @throws DoesNotHoldError
 */
export async function* checkEarlierManifests(
  folder: string,
  { manifest: newest }: ReadManifest,
  signatureOf: (earlier: ReadManifest) => Iterable<Verified>,
): AsyncGenerator<Verified> {
  const known = new Map(objectsOf(newest));
  let checked = 0;
  let later = newest;
  while (later.manifest_number > 1) {
    const name = manifestName(later.manifest_number - 1);
    // The chain ends here, which is said already.
    if (later.previous_manifest_sha256 === null || !existsSync(join(folder, name))) return;
    const read = readManifest(readFileSync(join(folder, name)), name);
    later = read.manifest;
    for (const verified of signatureOf(read)) if (verified.isSkipped) yield verified;
    for (const [key, sha256] of objectsOf(read.manifest)) {
      const isNew = !known.has(key);
      mustHold((known.get(key) ?? sha256) === sha256, `${key} is not the object that ${name} names`);
      known.set(key, sha256);
      if (!isNew) continue;
      const path = join(folder, basename(key));
      if (!existsSync(path)) {
        yield { sentence: `${key}, which ${name} names, is missing`, isSkipped: true };
        continue;
      }
      mustHold((await fileDigest(path)).sha256 === sha256, `${key} is not the object that ${name} names`);
      checked++;
    }
  }
  if (checked > 0)
    yield {
      sentence: `${checked} ${checked === 1 ? 'object' : 'objects'} that only earlier manifests name: each has its hash`,
    };
}

/** Objects with a hash; the source is the same for all manifests of a file. */
function objectsOf({ archive, comparison, control }: Manifest): [key: string, sha256: string][] {
  const named: [string | null | undefined, string | null | undefined][] = [
    [archive.receipts_key, archive.receipts_sha256],
    [archive.dead_letters_key, archive.dead_letters_sha256],
    [archive.resolutions_key, archive.resolutions_sha256],
    [archive.report_key, archive.report_sha256],
    [comparison?.changes_key, comparison?.changes_sha256],
    [control?.control_key, control?.sha256],
    [control?.differences_key, control?.differences_sha256],
  ];
  return named.flatMap(([key, sha256]) => (key == null || sha256 == null ? [] : [[key, sha256] as [string, string]]));
}
