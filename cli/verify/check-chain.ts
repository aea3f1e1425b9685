import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import { checkKept } from './check-decisions.ts';
import type { ReadManifest } from './read-manifest.ts';
import { manifestName, readManifest } from './read-manifest.ts';
import type { Verified } from './verified.ts';
import { mustHold } from './verified.ts';

/**
 * Follows the chain of manifests back to the file's first: each names the previous one by its SHA-256.
 * @param find returns a file's bytes by name; undefined if it is missing
 * @throws DoesNotHoldError
 */
export function* checkChain(newest: ReadManifest, find: (name: string) => Buffer | undefined): Generator<Verified> {
  let read = newest;
  for (let number = newest.manifest.manifest_number; number > 1; number--) {
    const { previous_manifest_sha256: sha256 } = read.manifest;
    if (sha256 === null) {
      yield { sentence: `manifest ${number} is of version 1 and does not name the previous one`, isSkipped: true };
      return;
    }
    const name = manifestName(number - 1);
    const bytes = find(name);
    if (!bytes) {
      yield { sentence: `${name} is missing: earlier manifests were not checked`, isSkipped: true };
      return;
    }
    mustHold(sha256Of(bytes) === sha256, `${name} is not the one that manifest ${number} follows`);
    const { manifest: later } = read;
    read = readManifest(bytes, name);
    const isOfFile = read.folder === newest.folder && read.manifest.manifest_number === number - 1;
    mustHold(isOfFile, `${name} belongs to another file`);
    checkKept(read.manifest, later);
    checkRequestIds(read.manifest, later);
  }
  if (read !== newest)
    yield { sentence: `all earlier manifests are present, and each names the previous one by its SHA-256` };
}

/** A file keeps the form of its request ids once anything of it was sent. */
function checkRequestIds(earlier: Manifest, later: Manifest): void {
  const isSame = earlier.request_ids_have_file_id === later.request_ids_have_file_id;
  const isUnsent = later.request_ids_have_file_id && earlier.held_records === earlier.total_records;
  mustHold(
    isSame || isUnsent,
    `manifests ${earlier.manifest_number} and ${later.manifest_number} name different request ids`,
  );
}
