import { expectedRecords } from '../../lambdas/core/account/expected-records.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import type { Outcome } from '../../lambdas/core/account/outcome.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import type { Projection } from '../../lambdas/core/deadlines/projection.ts';
import { isoTime, isoTimeOrNull } from '../../lambdas/core/iso-time.ts';

type Counts = { [Name in Outcome as `${Name}_records`]: number };

/** A file in `status --json`, with the manifest's names if it has the same fields. */
export type FileSummary = {
  file_id: string;
  feed: string;
  lane: string;
  state: FileAccount['state'];
  source: { bucket: string; key: string; version_id: string | null; etag: string };
  bytes: number;
  checksum: string | null;
  /** Null while the file is being split. */
  total_records: number | null;
  /** Estimated from the share of bytes that are cut, while the file is being split. */
  expected_records: number | null;
  settled_records: number;
  dead_lettered_records: number;
  resolved_records: number;
  /** Of a closed revision: what the earlier one had and this one does not; to be removed from the schedule by hand. */
  removed_records: number;
  /** Records of an open file that are not settled yet. Null if unknown, and for a closed file. */
  remaining_records: number | null;
  /** The file is not wholly split yet: its number of records is estimated from its size. */
  remaining_is_estimate: boolean | null;
  /** Projected time at which it will be done. */
  projected_done: string | null;
  /** The rate is not known yet: it will not be done earlier. */
  projected_is_earliest: boolean | null;
  deadline: string | null;
  /** Time from the projected end to the deadline; negative if it is late. */
  deadline_margin_seconds: number | null;
  /** Number of small files in this bundle; null for a file that was dropped as it is. */
  bundled_files: number | null;
  /** `manifest`: final counts; `progress`: counts so far, which may lag by a batch. */
  counts_from: 'manifest' | 'progress';
  reconciled: boolean | null;
  duplicate_of: string | null;
  failure: { code: string; message: string } | null;
  warnings: { code: string; message: string }[];
  manifest_key: string | null;
  received: string;
  split: string | null;
  completed: string | null;
  updated: string;
} & Counts;

/** @param projection of an open file */
export function summariseFile(file: FileAccount, manifest?: ManifestSummary, projection?: Projection): FileSummary {
  const counts = Object.fromEntries(
    outcomes.map((name) => [`${name}_records`, manifest ? manifest[`${name}_records`] : (file.settled[name] ?? 0)]),
  ) as Counts;
  const { rejected_records, refused_records, exhausted_records } = counts;
  const { source } = file;
  return {
    file_id: file.fileId,
    feed: file.feed,
    lane: file.lane,
    state: manifest?.state ?? file.state,
    source: { bucket: source.bucket, key: source.key, version_id: source.versionId ?? null, etag: source.etag },
    bundled_files: file.bundle?.members ?? null,
    bytes: source.sizeBytes,
    checksum: file.sha256 ?? null,
    total_records: manifest?.total_records ?? file.totalRecords ?? null,
    expected_records: manifest?.total_records ?? expectedRecords(file) ?? null,
    settled_records: outcomes.reduce((sum, name) => sum + counts[`${name}_records`], 0),
    ...counts,
    dead_lettered_records: manifest?.dead_lettered_records ?? rejected_records + refused_records + exhausted_records,
    resolved_records: manifest?.resolved_records ?? 0,
    removed_records: manifest?.removed_records ?? 0,
    ...projected(projection),
    counts_from: manifest ? 'manifest' : 'progress',
    reconciled: manifest?.reconciled ?? null,
    duplicate_of: file.duplicateOf ?? null,
    failure: manifest?.failure ?? file.failure ?? null,
    warnings: file.warnings ?? [],
    manifest_key: file.manifest?.key ?? null,
    received: isoTime(file.createdAt),
    split: isoTimeOrNull(file.splitAt),
    completed: isoTimeOrNull(file.completedAt),
    updated: isoTime(file.updatedAt),
  };
}

function projected(projection: Projection | undefined) {
  const { remainingRecords, isEstimated, isAtBest, doneAt, deadlineAt, marginSeconds } = projection ?? {};
  return {
    remaining_records: remainingRecords ?? null,
    remaining_is_estimate: isEstimated ?? null,
    projected_is_earliest: isAtBest ?? null,
    projected_done: isoTimeOrNull(doneAt),
    deadline: isoTimeOrNull(deadlineAt),
    deadline_margin_seconds: marginSeconds ?? null,
  };
}
