import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Manifest } from '../../lambdas/core/manifest.ts';
import { manifest as manifestSchema } from '../../lambdas/core/manifest.ts';
import { CliError } from '../cli-error.ts';
import { recordProof, verifyRecordProof } from './record-proof.ts';
import type { EvidenceFiles, OnProgress, Verified } from './verify-account.ts';
import { DoesNotHoldError, verifyAccount } from './verify-account.ts';

/** Where evidence lies that isn't beside the manifest; `manifest`: the one that a proof is about. */
export interface GivenFiles extends EvidenceFiles {
  manifest?: string | undefined;
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
  const { json } = readJson(path);
  if (typeof json === 'object' && json !== null && 'sluice_proof' in json) {
    yield* verifyProof(json, given);
    return;
  }
  const manifest = manifestOf(json, path);
  yield {
    sentence: `manifest ${manifest.manifest_number} of the file ${manifest.file_id} is unsigned`,
    isSkipped: true,
  };
  try {
    yield* verifyAccount(manifest, evidenceOf(manifest, dirname(path), given), onProgress);
  } catch (error) {
    // What can't be unpacked or read as what it should be doesn't hold either.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!(error instanceof SyntaxError) && !code.startsWith('Z_')) throw error;
    throw new DoesNotHoldError(`a file of the evidence can't be read: ${(error as Error).message}`, { cause: error });
  }
}

function* verifyProof(json: unknown, { manifest: path }: GivenFiles): Generator<Verified> {
  const read = recordProof.safeParse(json);
  if (!read.success) throw new DoesNotHoldError('the proof has not the form of one');
  const proof = read.data;
  const manifest = path === undefined ? undefined : readJson(path);
  const { record, sha256, outcome, request_id, status, at } = verifyRecordProof(
    proof,
    manifest && path !== undefined ? { text: manifest.text, manifest: manifestOf(manifest.json, path) } : undefined,
  );
  const request = request_id === null ? 'never sent' : `request ${request_id}`;
  yield {
    sentence: `record ${record} (SHA-256 ${sha256}) is ${outcome}: ${request}, status ${status ?? 'none'}, ${at}`,
  };
  yield { sentence: `its receipt is one of ${proof.leaves} under the root ${proof.receipts_root}` };
  const named = `manifest ${proof.manifest_number} of the file ${proof.file_id}`;
  if (manifest) yield { sentence: `the root is that of ${named}` };
  else yield { sentence: `whether the root is that of ${named} was not looked at: --manifest`, isSkipped: true };
}

function readJson(path: string): { text: string; json: unknown } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(`${path} can't be read.`, { cause: error });
  }
  try {
    return { text, json: JSON.parse(text) as unknown };
  } catch {
    throw new DoesNotHoldError(`${path} is no JSON`);
  }
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
