import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { isOfReplaced } from '../../lambdas/core/account/manifest.ts';
import { checkManifest, sumOf } from './check-manifest.ts';
import { isAboutRecords, RecordDecisions } from '../../lambdas/core/account/manifest-decision.ts';
import { checkControl } from './check-control.ts';
import { checkRecordDecisions } from './check-decisions.ts';
import { checkReceipts, heldIn } from './check-receipts.ts';
import { openSource } from './check-source.ts';
import { linesOf, readChunks } from './evidence-lines.ts';
import { fileDigest } from './file-digest.ts';
import type { RecordResolution } from './read-receipt.ts';
import { readDecision, readResolution } from './read-receipt.ts';
import type { OnProgress, Verified } from './verified.ts';
import { mustHold } from './verified.ts';

/** The archive's files on this machine; undefined if one is missing. */
export interface EvidenceFiles {
  source?: string | undefined;
  receipts?: string | undefined;
  deadLetters?: string | undefined;
  resolutions?: string | undefined;
  report?: string | undefined;
  changes?: string | undefined;
  /** The control file, and the list of what it does not have in common with the file. */
  control?: string | undefined;
  differences?: string | undefined;
}

/**
 * Recomputes a file's account from its evidence alone. Returns what holds and what could not be checked.
 * @param onProgress called at intervals
 * @throws DoesNotHoldError at the first check that fails, with its position
 */
export async function* verifyAccount(
  manifest: Manifest,
  files: EvidenceFiles,
  onProgress: OnProgress,
): AsyncGenerator<Verified> {
  yield checkManifest(manifest);
  yield* checkObjects(manifest, files, onProgress);
  yield* checkControl(manifest, files);
  const resolutions = await checkResolutions(manifest, files.resolutions);
  const { receipts } = files;
  if (receipts !== undefined && manifest.archive.receipts_key !== null) {
    yield* checkReceipts(manifest, { ...files, receipts }, resolutions, onProgress);
    return;
  }
  if (manifest.archive.receipts_key === null) {
    mustHold(sumOf(manifest) === manifest.held_records, 'the manifest names no receipts, though records were sent');
    const areAll = isOfReplaced(manifest) || heldIn(manifest) === manifest.total_records;
    mustHold(areAll, 'the manifest names no receipts, but the held ranges do not contain all records');
    mustHold(manifest.times.first_upload === null, 'the manifest names no receipts, but a time of an upload');
    yield { sentence: 'there are no receipts, and none are needed' };
  }
  // For a file that was not read to its end, only its bytes can be checked.
  const isRead = manifest.state === 'completed' || manifest.state === 'quarantined';
  if (files.source === undefined || manifest.archive.receipts_key !== null || !isRead) return;
  yield* await (await openSource(manifest, files.source)).end(manifest.total_records === 0);
}

/** Checks each object's stored bytes before anything is read from it. */
async function* checkObjects(
  manifest: Manifest,
  files: EvidenceFiles,
  onProgress: OnProgress,
): AsyncGenerator<Verified> {
  const { archive, comparison, control, checksum, bytes } = manifest;
  const onBytes = (done: number): void => onProgress({ what: 'source bytes', done, whole: bytes });
  for (const [what, key, path, sha256] of [
    ['source', archive.source_key, files.source, checksum],
    ['receipts', archive.receipts_key, files.receipts, archive.receipts_sha256],
    ['dead letters', archive.dead_letters_key, files.deadLetters, archive.dead_letters_sha256],
    ['resolutions', archive.resolutions_key, files.resolutions, archive.resolutions_sha256],
    ['report', archive.report_key, files.report, archive.report_sha256],
    ['list of changes', comparison?.changes_key ?? null, files.changes, comparison?.changes_sha256 ?? null],
    ['control file', control?.control_key ?? null, files.control, control?.sha256 ?? null],
    ['list of differences', control?.differences_key ?? null, files.differences, control?.differences_sha256 ?? null],
  ] as const) {
    if (path === undefined) {
      if (key !== null)
        yield {
          sentence: `the ${what} are missing: ${key}`.replace(/(source|report|list of \w+|control file) are/, '$1 is'),
          isSkipped: true,
        };
      continue;
    }
    const found = await fileDigest(path, what === 'source' ? onBytes : undefined);
    mustHold(
      what !== 'source' || found.bytes === bytes,
      `the source has ${found.bytes} bytes; the manifest says ${bytes}`,
    );
    if (sha256 === null) {
      yield { sentence: `the manifest has no SHA-256 of the ${what}`, isSkipped: true };
      continue;
    }
    mustHold(found.sha256 === sha256, `the SHA-256 of the ${what} is ${found.sha256}; the manifest says ${sha256}`);
    yield { sentence: `the SHA-256 of the ${what} is the manifest's: ${sha256}` };
  }
  if (archive.source_key === null && files.source === undefined) {
    yield {
      sentence: 'the archive does not have the source: it was gone when the account was closed',
      isSkipped: true,
    };
  }
  if (manifest.manifest_version === 1) {
    yield { sentence: 'a manifest of version 1 does not name its report', isSkipped: true };
  }
}

/**
 * The resolutions, in the order of the records; undefined if the manifest names some that are missing.
 * @throws DoesNotHoldError
 */
async function checkResolutions(
  manifest: Manifest,
  path: string | undefined,
): Promise<AsyncIterable<RecordResolution> | undefined> {
  const { resolutions_key: key } = manifest.archive;
  if (key === null) return noResolutions();
  if (path === undefined) return undefined;
  let last = 0;
  // A manifest that was written before the list of decisions names none.
  const isNamed = manifest.decisions?.some(isAboutRecords) ?? false;
  const decisions = new RecordDecisions();
  for await (const line of linesOf(readChunks(path), 'the resolutions')) {
    const { record } = readResolution(line);
    const decision = isNamed ? readDecision(line) : undefined;
    if (decision) decisions.add(decision);
    mustHold(record > last, `the resolutions have record ${record} after ${last}`);
    last = record;
  }
  mustHold(last > 0, 'the resolutions are empty');
  if (isNamed) checkRecordDecisions(manifest, decisions.counted);
  return readResolutions(path);
}

/** Read once more in step with the receipts, rather than kept: there may be millions. */
async function* readResolutions(path: string): AsyncGenerator<RecordResolution> {
  for await (const line of linesOf(readChunks(path), 'the resolutions')) yield readResolution(line);
}

async function* noResolutions(): AsyncGenerator<RecordResolution> {
  yield* [];
}
