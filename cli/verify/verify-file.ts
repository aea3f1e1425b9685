import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { CliError } from '../cli-error.ts';
import { checkChain } from './check-chain.ts';
import { checkEarlierManifests } from './check-earlier-manifests.ts';
import { checkSignature } from './check-signature.ts';
import type { ReadManifest } from './read-manifest.ts';
import { readManifest } from './read-manifest.ts';
import { verifyRecordProof } from './record-proof.ts';
import { parseStrictJson } from './strict-json.ts';
import type { OnProgress, Verified } from './verified.ts';
import type { EvidenceFiles } from './verify-account.ts';
import { verifyAccount } from './verify-account.ts';

/** Paths of evidence that is not beside the manifest; `manifest`: the one that a proof refers to. */
export interface GivenFiles extends EvidenceFiles {
  manifest?: string | undefined;
  /** The key with which manifests must be signed: PEM. */
  publicKey?: string | undefined;
}

/**
 * Checks a manifest with its evidence, or the proof of one record. Returns what holds and what could not be checked.
 * @throws DoesNotHoldError at the first check that fails
 * @throws CliError if the file can't be read
 */
export async function* verifyFile(
  path: string,
  given: GivenFiles,
  onProgress: OnProgress = () => undefined,
): AsyncGenerator<Verified> {
  const bytes = readBytes(path);
  const json = parseStrictJson(bytes, path);
  if (typeof json === 'object' && json !== null && Object.hasOwn(json, 'sluice_proof')) {
    yield* verifyProof(json, given);
    return;
  }
  const read = readManifest(bytes, basename(path));
  yield* signatureOf(read, dirname(path), given);
  yield* checkChain(read, (name) => readBeside(join(dirname(path), name)));
  yield* verifyAccount(read.manifest, evidenceOf(read.manifest, dirname(path), given), onProgress);
  yield* checkEarlierManifests(dirname(path), read, (earlier) => signatureOf(earlier, dirname(path), given));
}

/** Checks the signature of a manifest in that folder. @throws DoesNotHoldError */
function* signatureOf(
  { manifest, bytes }: ReadManifest,
  folder: string,
  given: Pick<GivenFiles, 'publicKey'>,
): Generator<Verified> {
  const { signature, archive } = manifest;
  const beside = (key: string | undefined): Buffer | undefined =>
    key === undefined ? undefined : readBeside(join(folder, basename(key)));
  const signed = {
    named: `manifest ${manifest.manifest_number} of the file ${manifest.file_id}`,
    signature,
    namesKeyFile: manifest.manifest_version > 1,
  };
  yield* checkSignature(signed, bytes, {
    // A manifest that names none must not have one.
    signature: beside(signature?.signature_key ?? `${archive.manifest_key}.sig`),
    publicKey: beside(signature?.public_key_key),
    expectedKey: given.publicKey === undefined ? undefined : readBytes(given.publicKey),
  });
}

function* verifyProof(json: object, given: GivenFiles): Generator<Verified> {
  const { manifest: path } = given;
  const manifest = path === undefined ? undefined : readManifest(readBytes(path), basename(path));
  yield* verifyRecordProof(json, manifest);
  if (manifest && path !== undefined) yield* signatureOf(manifest, dirname(path), given);
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliError(`${path} can't be read.`, { cause: error });
  }
}

function readBeside(path: string): Buffer | undefined {
  return isFile(path) ? readFileSync(path) : undefined;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Also for a name that is too long for this machine's file system: S3 allows longer ones.
    return false;
  }
}

/** The evidence beside the manifest, as in the archive, except for the given paths. */
export function evidenceOf(
  { archive, comparison, control }: Manifest,
  folder: string,
  given: GivenFiles,
): EvidenceFiles {
  const beside = (key: string | null, sub = ''): string | undefined => {
    const path = key === null ? undefined : join(folder, sub, basename(key));
    return path !== undefined && isFile(path) ? path : undefined;
  };
  return {
    source: given.source ?? beside(archive.source_key, 'source'),
    receipts: given.receipts ?? beside(archive.receipts_key),
    deadLetters: given.deadLetters ?? beside(archive.dead_letters_key),
    resolutions: given.resolutions ?? beside(archive.resolutions_key),
    report: beside(archive.report_key),
    changes: beside(comparison?.changes_key ?? null),
    control: beside(control?.control_key ?? null),
    differences: beside(control?.differences_key ?? null),
  };
}
