import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Manifest } from '../../lambdas/core/manifest.ts';
import { manifest as manifestSchema } from '../../lambdas/core/manifest.ts';
import { CliError } from '../cli-error.ts';
import { checkSignature } from './check-signature.ts';
import { recordProof, verifyRecordProof } from './record-proof.ts';
import type { EvidenceFiles, OnProgress, Verified } from './verify-account.ts';
import { DoesNotHoldError, verifyAccount } from './verify-account.ts';

/** Where evidence lies that isn't beside the manifest; `manifest`: the one that a proof is about. */
export interface GivenFiles extends EvidenceFiles {
  manifest?: string | undefined;
  /** The key that manifests have to be signed with: PEM. */
  publicKey?: string | undefined;
}

/**
 * Looks at a manifest with its evidence, or at the proof of one record, and gives what holds.
 * @throws DoesNotHoldError at the first thing that doesn't; CliError where the file can't be read
 */
export async function* verifyFile(
  path: string,
  given: GivenFiles,
  onProgress: OnProgress = () => undefined,
): AsyncGenerator<Verified> {
  const { bytes, json } = readJson(path);
  if (typeof json === 'object' && json !== null && 'sluice_proof' in json) {
    yield* verifyProof(json, given);
    return;
  }
  const manifest = manifestOf(json, path);
  yield* signatureOf(manifest, bytes, path, given);
  try {
    yield* verifyAccount(manifest, evidenceOf(manifest, dirname(path), given), onProgress);
  } catch (error) {
    // What can't be unpacked or read as what it should be doesn't hold either.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!(error instanceof SyntaxError) && !code.startsWith('Z_')) throw error;
    throw new DoesNotHoldError(`a file of the evidence can't be read: ${(error as Error).message}`, { cause: error });
  }
}

function* signatureOf(manifest: Manifest, bytes: Buffer, path: string, given: GivenFiles): Generator<Verified> {
  const { signature } = manifest;
  const beside = (key: string | undefined): Buffer | undefined => {
    const place = key === undefined ? undefined : join(dirname(path), basename(key));
    return place !== undefined && existsSync(place) ? readFileSync(place) : undefined;
  };
  yield* checkSignature(manifest, bytes, {
    // One that says nothing of it mustn't have one either.
    signature: beside(signature?.signature_key ?? `${basename(path)}.sig`),
    publicKey: beside(signature?.public_key_key),
    expectedKey: given.publicKey === undefined ? undefined : readBytes(given.publicKey),
  });
}

function* verifyProof(json: unknown, given: GivenFiles): Generator<Verified> {
  const { manifest: path } = given;
  const read = recordProof.safeParse(json);
  if (!read.success) throw new DoesNotHoldError('the proof has not the form of one');
  const proof = read.data;
  const manifest = path === undefined ? undefined : readManifestFile(path);
  const { record, sha256, outcome, request_id, status, at } = verifyRecordProof(proof, manifest);
  const request = request_id === null ? 'never sent' : `request ${request_id}`;
  yield {
    sentence: `record ${record} (SHA-256 ${sha256}) is ${outcome}: ${request}, status ${status ?? 'none'}, ${at}`,
  };
  yield { sentence: `its receipt is one of ${proof.leaves} under the root ${proof.receipts_root}` };
  const named = `manifest ${proof.manifest_number} of the file ${proof.file_id}`;
  if (manifest && path !== undefined) {
    yield { sentence: `the root is that of ${named}` };
    yield* signatureOf(manifest.manifest, manifest.bytes, path, given);
  } else yield { sentence: `whether the root is that of ${named} was not looked at: --manifest`, isSkipped: true };
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliError(`${path} can't be read.`, { cause: error });
  }
}

function readJson(path: string): { bytes: Buffer; json: unknown } {
  const bytes = readBytes(path);
  try {
    return { bytes, json: JSON.parse(bytes.toString()) as unknown };
  } catch {
    throw new DoesNotHoldError(`${path} is no JSON`);
  }
}

function readManifestFile(path: string): { bytes: Buffer; manifest: Manifest } {
  const { bytes, json } = readJson(path);
  return { bytes, manifest: manifestOf(json, path) };
}

function manifestOf(json: unknown, path: string): Manifest {
  const read = manifestSchema.safeParse(json);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new DoesNotHoldError(`${path} is no manifest: ${issue?.path.join('.')} ${issue?.message}`);
}

/** As they lie beside the manifest in the archive, but for those that are given. */
function evidenceOf({ archive }: Manifest, folder: string, given: GivenFiles): EvidenceFiles {
  const beside = (key: string | null, sub = ''): string | undefined => {
    const path = key === null ? undefined : join(folder, sub, basename(key));
    return path !== undefined && existsSync(path) ? path : undefined;
  };
  return {
    source: given.source ?? beside(archive.source_key, 'source'),
    receipts: given.receipts ?? beside(archive.receipts_key),
    deadLetters: given.deadLetters ?? beside(archive.dead_letters_key),
    resolutions: given.resolutions ?? beside(archive.resolutions_key),
  };
}
