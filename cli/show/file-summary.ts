import { expectedRecords } from '../../lambdas/core/account/expected-records.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import type { Outcome } from '../../lambdas/core/account/outcome.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import type { Projection } from '../../lambdas/core/deadlines/projection.ts';

type Counts = { [Name in Outcome as `${Name}_records`]: number };

/** A file as `status --json` tells of it: the manifest's words where it has them. */
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
  /** A guess while it is being split: from the share of the bytes that is cut. */
  expected_records: number | null;
  settled_records: number;
  dead_lettered_records: number;
  resolved_records: number;
  /** Of a file under way: not settled yet. Null where nobody can tell, and of a file that is done. */
  remaining_records: number | null;
  /** The file isn't wholly split yet: its records are guessed by its size. */
  remaining_is_estimate: boolean | null;
  /** When it will be done, as it looks now. */
  projected_done: string | null;
  deadline: string | null;
  /** From then to the deadline; negative where it is late. */
  deadline_margin_seconds: number | null;
  /** Small files that went as this one; null for a file as it was dropped. */
  bundled_files: number | null;
  /** `manifest`: counted for good; `progress`: as far as it has got, a batch behind at times. */
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

/** @param projection of a file under way */
export function summariseFile(file: FileAccount, manifest?: ManifestSummary, projection?: Projection): FileSummary {
  const counts = Object.fromEntries(
    outcomes.map((name) => [`${name}_records`, manifest ? manifest[`${name}_records`] : file.settled[name]]),
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
    ...projected(projection),
    counts_from: manifest ? 'manifest' : 'progress',
    reconciled: manifest?.reconciled ?? null,
    duplicate_of: file.duplicateOf ?? null,
    failure: file.failure ?? null,
    warnings: file.warnings ?? [],
    manifest_key: file.manifest?.key ?? null,
    received: timeOf(file.createdAt),
    split: file.splitAt === undefined ? null : timeOf(file.splitAt),
    completed: file.completedAt === undefined ? null : timeOf(file.completedAt),
    updated: timeOf(file.updatedAt),
  };
}

function projected(projection: Projection | undefined) {
  const { remainingRecords, isEstimated, doneAt, deadlineAt, marginSeconds } = projection ?? {};
  return {
    remaining_records: remainingRecords ?? null,
    remaining_is_estimate: isEstimated ?? null,
    projected_done: doneAt === undefined ? null : timeOf(doneAt),
    deadline: deadlineAt === undefined ? null : timeOf(deadlineAt),
    deadline_margin_seconds: marginSeconds ?? null,
  };
}

const timeOf = (atMs: number): string => new Date(atMs).toISOString();
