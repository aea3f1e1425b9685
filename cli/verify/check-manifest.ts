import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { isOfReplaced, maxErrors, maxReasons } from '../../lambdas/core/account/manifest.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import { checkDecisions } from './check-decisions.ts';
import type { Verified } from './verified.ts';
import { mustHold } from './verified.ts';

export const sumOf = (manifest: Manifest): number =>
  outcomes.reduce((sum, outcome) => sum + manifest[`${outcome}_records`], 0);

/**
 * Checks a manifest's fields against each other.
 * @throws DoesNotHoldError
 */
export function checkManifest(manifest: Manifest): Verified {
  checkSums(manifest);
  checkState(manifest);
  checkHeldRanges(manifest);
  checkErrors(manifest);
  checkTimes(manifest);
  checkDecisions(manifest);
  checkComparison(manifest);
  checkControlFields(manifest);
  if (manifest.manifest_version > 1) checkPresence(manifest);
  return { sentence: `the sum is exact: ${manifest.total_records} records` };
}

function checkSums(manifest: Manifest): void {
  const { total_records: total, rejected_records: rejected, reconciled } = manifest;
  mustHold(
    sumOf(manifest) === total,
    `the outcomes are ${sumOf(manifest)} in all, and the manifest's total is ${total}`,
  );
  mustHold(manifest.valid_records === total - rejected, 'valid_records is not the total minus the rejected records');
  const open = rejected + manifest.refused_records + manifest.exhausted_records - manifest.handled_records;
  mustHold(
    manifest.dead_lettered_records === open,
    `${open} dead letters should be open, the manifest says ${manifest.dead_lettered_records}`,
  );
  mustHold(reconciled, 'the manifest itself says that it is not reconciled');
}

function checkState({ state, total_records: total, duplicate_of: first, failure, archive }: Manifest): void {
  mustHold((state === 'duplicate') === (first !== null), `duplicate_of does not match the state ${state}`);
  mustHold(state !== 'failed' || failure !== null, 'the file failed, and the manifest does not say why');
  mustHold(
    (state !== 'duplicate' && state !== 'failed') || (total === 0 && archive.receipts_key === null),
    `a file that is ${state} has no records of its own`,
  );
}

/** Checks that ranges are in order, do not overlap, and lie within the file. */
function checkHeldRanges(manifest: Manifest): void {
  const { held_ranges: ranges, total_records: total, held_records: held } = manifest;
  mustHold(!isOfReplaced(manifest) || ranges.length === 0, 'which records of a replaced file are held is unknown');
  let end = 0;
  let records = 0;
  for (const { first_record: first, last_record: last } of ranges) {
    const isNext = first > (end === 0 ? 0 : end + 1) && last >= first && last <= total;
    mustHold(
      isNext,
      `the held range from ${first} to ${last} does not follow ${end}, or is not one of ${total} records`,
    );
    records += last - first + 1;
    end = last;
  }
  mustHold(records <= held, `the held ranges have ${records} records, and ${held} are held`);
}

function checkErrors(manifest: Manifest): void {
  const { errors, errors_truncated: isTruncated, errors_by_reason: reasons, dead_lettered_records: open } = manifest;
  mustHold(
    errors.length === Math.min(open, maxErrors),
    `${open} dead letters are open, and ${errors.length} are shown`,
  );
  mustHold(isTruncated === errors.length < open, 'errors_truncated does not match the errors');
  if (manifest.manifest_version === 1) return;
  const counted = reasons.reduce((sum, { records }) => sum + records, 0);
  mustHold(counted === open, `${open} dead letters are open, and ${counted} are counted by reason`);
  mustHold(reasons.filter(({ reason }) => reason !== null).length <= maxReasons, 'too many reasons are counted apart');
}

function checkComparison({
  comparison,
  compared_with: bases,
  removed_records: removed,
  total_records: total,
}: Manifest) {
  mustHold(bases.length > 0 || (!comparison && removed === 0), 'changes are counted, and nothing was compared');
  const changed = (comparison?.new_records ?? 0) + (comparison?.changed_records ?? 0);
  mustHold(changed <= total, `${changed} records are new or changed, and the file has ${total}`);
}

function checkTimes({ times, uploaded_records: uploaded }: Manifest): void {
  const seconds = Math.max(0, Date.parse(times.completed) - Date.parse(times.received)) / 1000;
  mustHold(times.duration_seconds === seconds, `the file took ${seconds} s, not ${times.duration_seconds}`);
  const { first_upload: first, last_upload: last } = times;
  mustHold(
    (first === null) === (last === null) && (first ?? '') <= (last ?? ''),
    'the last upload is before the first',
  );
  const upload = first === null || last === null ? 0 : (Date.parse(last) - Date.parse(first)) / 1000;
  mustHold(times.upload_seconds === upload, `uploading took ${upload} s, not ${times.upload_seconds}`);
  const delivered = times.delivered_records ?? uploaded;
  mustHold(first !== null || (times.delivered_records ?? 0) === 0, 'records were delivered, and there is no upload');
  mustHold(delivered <= uploaded, `${uploaded} records are uploaded, and ${delivered} of them were delivered at first`);
  const speed = upload === 0 ? 0 : Math.floor((delivered / upload) * 100 + 0.5) / 100;
  mustHold(
    times.records_per_second === speed,
    `${speed} records a second were uploaded, not ${times.records_per_second}`,
  );
}

/** Checks fields that must be present together or not at all. */
function checkPresence(manifest: Manifest): void {
  const { archive, manifest_number: number, format, state } = manifest;
  const together = (one: unknown, other: unknown, what: string): void =>
    mustHold((one === null) === (other === null), `${what} are not both present or both null`);
  together(archive.receipts_key, archive.receipts_sha256, "the receipts' key and hash");
  together(archive.receipts_key, manifest.proof, 'receipts and roots');
  together(archive.dead_letters_key, archive.dead_letters_sha256, "the dead letters' key and hash");
  together(archive.resolutions_key, archive.resolutions_sha256, "the resolutions' key and hash");
  together(archive.report_key, archive.report_sha256, "the report's key and hash");
  together(format, manifest.body_offset, 'format and body_offset');
  mustHold(
    archive.receipts_key !== null || archive.dead_letters_key === null,
    'there are dead letters, but no receipts',
  );
  mustHold(
    (number === 1) === (manifest.previous_manifest_sha256 === null),
    'only the first manifest has no previous one',
  );
  const { content_bytes: bytes, body_offset: offset, compression, bundled_files: bundled } = manifest;
  const isPlain = compression === null && manifest.decoded_from === null;
  mustHold(
    !isPlain || bytes === manifest.bytes,
    'content_bytes differs from bytes, although nothing is compressed or decoded',
  );
  mustHold(compression === 'zip' || manifest.zip_member === null, 'zip_member is present, but there is no ZIP archive');
  mustHold((offset ?? 0) <= (bytes ?? 0), 'body_offset is after the end of the content');
  const { preamble_bytes: preamble } = manifest;
  const hasHeader = preamble === undefined || (format === 'csv' && preamble < (offset ?? 0));
  mustHold(hasHeader, 'preamble_bytes is present, but there is no header after them');
  mustHold((bundled !== null) === (format === 'bundle'), 'bundled_files does not match the format');
  mustHold(
    bundled === null || state !== 'completed' || bundled === manifest.total_records,
    'bundled_files differs from the total',
  );
  mustHold(
    archive.resolutions_key !== null || (manifest.resolved_records === 0 && manifest.handled_records === 0),
    'dead letters were resolved, and the manifest names no resolutions',
  );
}

/** Nothing of a file whose control file does not agree is sent without a person's decision. */
function checkControlFields({ control, archive, decisions = [] }: Manifest): void {
  if (!control) return;
  const { result, source, sha256, control_key: key, missing, extra } = control;
  const together = (one: unknown, other: unknown): boolean => (one === null) === (other === null);
  mustHold(
    together(source, sha256) || (source !== null && key === null),
    "the control file's version and hash are not both present",
  );
  mustHold(key === null || sha256 !== null, 'the archive has a control file, and the manifest has no hash of it');
  mustHold(result === 'not_compared' || source !== null, 'a control file was compared, and the manifest names none');
  mustHold(result !== 'agrees' || missing + extra === 0, 'the control file agrees, and values are missing or extra');
  mustHold(
    together(control.differences_key, control.differences_sha256),
    "the list of differences' key and hash are not both present or both null",
  );
  const isReleased = decisions.some(({ kind }) => kind === 'release');
  mustHold(
    result === 'agrees' || archive.receipts_key === null || isReleased,
    'records were sent although the control file does not agree, and no one released the file',
  );
}
