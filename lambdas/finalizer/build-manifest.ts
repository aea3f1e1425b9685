import { ContradictionError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { HeldRange, Manifest } from '../core/account/manifest.ts';
import { manifestVersion } from '../core/account/manifest.ts';
import type { ManifestDecision } from '../core/account/manifest-decision.ts';
import type { OutcomeCounts } from '../core/account/outcome.ts';
import { countFailed, sumCounts } from '../core/account/outcome.ts';
import { hasPlan } from '../core/series/revision.ts';
import { isOutrun, isQuarantined } from '../core/account/stops.ts';
import { endsInQuarantine, endsWithHeld, wasReplaced } from '../core/account/quarantine.ts';
import type { Audit } from './audit-file.ts';

export interface ManifestFacts {
  file: FileAccount;
  audit: Audit;
  decisions: readonly ManifestDecision[];
  held: readonly HeldRange[];
  number: number;
  /** SHA-256 of the previous manifest's bytes; null for the first. */
  previousSha256: string | null;
  version: string;
  archive: Manifest['archive'];
  comparison: Manifest['comparison'];
  control: Manifest['control'];
  signature: Manifest['signature'];
  completedAt: number;
}

/** The account of one file, in the documented form. */
export function buildManifest(facts: ManifestFacts): Manifest {
  const { file, audit, decisions, held, number, previousSha256, version, archive, comparison, signature, completedAt } =
    facts;
  const { counts, records } = audit;
  // For a replaced file, the sent records count: how many more it had can't be read any more.
  const total = wasReplaced(file) ? records : (file.totalRecords ?? 0);
  const failed = countFailed(counts);
  return {
    manifest_version: manifestVersion,
    manifest_number: number,
    previous_manifest_sha256: previousSha256,
    tool: 'sluice',
    tool_version: version,
    file_id: file.fileId,
    feed: file.feed,
    lane: file.lane,
    state: endStateOf(file),
    source: {
      bucket: file.source.bucket,
      key: file.source.key,
      version_id: file.source.versionId ?? null,
      etag: file.source.etag,
    },
    archive,
    checksum: file.sha256 ?? null,
    bytes: file.source.sizeBytes,
    format: file.dialect?.format ?? null,
    encoding: file.dialect?.encoding ?? null,
    compression: file.content?.compression ?? null,
    zip_member: file.content?.member?.name ?? null,
    decoded_from: file.content?.decodedFrom ?? null,
    bundled_files: file.bundle?.members ?? null,
    content_bytes: file.content?.bytes ?? file.source.sizeBytes,
    body_offset: file.dialect?.bodyOffset ?? null,
    ...preambleOf(file),
    total_records: total,
    valid_records: total - counts.rejected,
    uploaded_records: counts.uploaded,
    duplicate_records: counts.duplicate,
    unchanged_records: counts.unchanged,
    removed_records: isCompared(file, counts) ? (file.revision?.counts.removed ?? 0) : 0,
    compared_with: isCompared(file, counts) ? comparedWith(file) : [],
    ...(comparison ? { comparison } : {}),
    ...(facts.control ? { control: facts.control } : {}),
    request_ids_have_file_id: file.idsHaveFileId === true,
    rejected_records: counts.rejected,
    refused_records: counts.refused,
    exhausted_records: counts.exhausted,
    held_records: counts.held,
    held_ranges: [...held],
    dead_lettered_records: failed - audit.handled,
    resolved_records: audit.resolved,
    handled_records: audit.handled,
    reconciled: sumCounts(counts) === total && records + audit.heldUnsent === total,
    proof: audit.proof,
    signature,
    duplicate_of: file.duplicateOf ?? null,
    failure: failureOf(file),
    warnings: [...(file.warnings ?? []), ...audit.warnings],
    ...(decisions.length > 0 ? { decisions: [...decisions] } : {}),
    errors: audit.errors,
    errors_truncated: audit.errors.length < failed - audit.handled,
    errors_by_reason: audit.errorsByReason,
    times: timesOf(file, audit, completedAt),
  };
}

/** Not if all of it was sent as new records. */
const isCompared = ({ revision }: FileAccount, { unchanged }: OutcomeCounts): boolean =>
  revision !== undefined && (hasPlan(revision) || (unchanged ?? 0) > 0);

function comparedWith({ revision }: FileAccount): Manifest['compared_with'] {
  return (revision?.bases ?? []).map(({ fileId, manifest, manifestSha256, receipts }) => ({
    file_id: fileId,
    manifest_number: manifest,
    ...(manifestSha256 === undefined ? {} : { manifest_sha256: manifestSha256 }),
    receipts_key: receipts.key,
    receipts_sha256: receipts.sha256,
  }));
}

function preambleOf({ dialect }: FileAccount): Pick<Manifest, 'preamble_bytes'> {
  const bytes = dialect?.format === 'csv' ? dialect.preambleBytes : undefined;
  return bytes === undefined ? {} : { preamble_bytes: bytes };
}

export function endStateOf(file: FileAccount): Manifest['state'] {
  if (endsInQuarantine(file)) return 'quarantined';
  // Of one that turned out to be a duplicate, or unreadable, after a newer revision had stopped it, nothing was cut.
  const hasEnded = file.state === 'duplicate' || file.state === 'failed';
  if (isOutrun(file) && !hasEnded) return 'superseded';
  if (file.state === 'bundled')
    throw new ContradictionError(`The file ${file.fileId} is in the account of another file.`);
  return file.state === 'split' ? 'completed' : file.state;
}

function failureOf(file: FileAccount): Manifest['failure'] {
  if (isQuarantined(file) && endsWithHeld(file)) {
    return { code: file.quarantine?.code ?? 'too_many_rejects', message: file.quarantine?.message ?? '' };
  }
  const other = file.checkpoint?.otherHeader;
  // For a replaced file, the replacement is the reason.
  if (other && endsInQuarantine(file)) return { code: 'other_header', message: other.message };
  return file.failure ?? null;
}

function timesOf(file: FileAccount, audit: Audit, completedAt: number): Manifest['times'] {
  const { firstUploadAt, lastUploadAt } = audit;
  const uploadSeconds =
    firstUploadAt === undefined || lastUploadAt === undefined ? 0 : (lastUploadAt - firstUploadAt) / 1000;
  return {
    received: new Date(file.createdAt).toISOString(),
    split: timeOrNull(file.splitAt),
    first_upload: timeOrNull(firstUploadAt),
    last_upload: timeOrNull(lastUploadAt),
    completed: new Date(completedAt).toISOString(),
    duration_seconds: Math.max(0, completedAt - file.createdAt) / 1000,
    upload_seconds: uploadSeconds,
    delivered_records: audit.delivered,
    records_per_second: uploadSeconds === 0 ? 0 : Math.round((audit.delivered / uploadSeconds) * 100) / 100,
  };
}

function timeOrNull(atMs: number | undefined): string | null {
  return atMs === undefined ? null : new Date(atMs).toISOString();
}
