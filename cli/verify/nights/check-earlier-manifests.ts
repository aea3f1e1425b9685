import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { fileDigest } from '../file-digest.ts';
import { signatureOf } from '../verify-file.ts';
import { manifestName, readManifest } from '../read-manifest.ts';
import type { Verified } from '../verified.ts';
import { mustHold } from '../verified.ts';

/**
 * The objects of a file's earlier manifests, which its newest one does not name any more: each must be there with its hash.
 * That the manifests themselves are is checked with the newest one.
 * @throws DoesNotHoldError
 */
export async function* checkEarlierManifests(
  dir: string,
  newestKey: string,
  publicKey: string | undefined,
): AsyncGenerator<Verified> {
  const folder = join(dir, dirname(newestKey));
  const newest = readManifest(readFileSync(join(dir, newestKey)), newestKey.slice(newestKey.lastIndexOf('/') + 1));
  const known = new Set(objectsOf(newest.manifest).map(([key]) => key));
  for (let number = newest.manifest.manifest_number - 1; number > 0; number--) {
    const name = manifestName(number);
    // It is missing, which is said already.
    if (!existsSync(join(folder, name))) return;
    const read = readManifest(readFileSync(join(folder, name)), name);
    for (const verified of signatureOf(read, folder, { publicKey })) if (verified.isSkipped) yield verified;
    for (const [key, sha256] of objectsOf(read.manifest)) {
      if (known.has(key)) continue;
      known.add(key);
      const path = join(folder, key.slice(dirname(newestKey).length + 1));
      if (!existsSync(path)) yield { sentence: `${key}, which ${name} names, is missing`, isSkipped: true };
      else mustHold((await fileDigest(path)).sha256 === sha256, `${key} is not the object that ${name} names`);
    }
  }
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
