import type { FileAccount } from '../account/file-account.ts';
import type { ManifestFigures } from '../account/manifest.ts';
import type { RevisionBase } from './revision.ts';
import { columnsOf, hasPlan } from './revision.ts';

/** Each of them is read for every part of the file. */
const maxBases = 5;

/** Of all revisions that a file is compared with; they are kept in the splitter's memory. */
const maxKnown = 10_000_000;

/**
 * What a newer revision of a closed file is compared with; undefined if that is not known. If the file did not deliver all
 * of its records, the API may still have what the revisions before it delivered.
 * @param before what is known of these
 */
export function basesOf(
  file: FileAccount,
  figures: ManifestFigures | undefined,
  before: readonly RevisionBase[] = file.revision?.bases ?? [],
): RevisionBase[] | undefined {
  if (!figures || figures.checksum === null || !figures.reconciled) return undefined;
  const { receipts_key: key, receipts_sha256: sha256, resolutions_key, resolutions_sha256 } = figures.archive;
  // Not if all of it was to be sent as new: then a person may have removed the earlier entries.
  const isPartial = figures.failure?.code === 'newer_revision' && (!file.revision || hasPlan(file.revision));
  const undelivered = figures.total_records - figures.uploaded_records - figures.duplicate_records;
  // Of a file that was stopped, no one removes by hand what it no longer has, even if all of it was delivered.
  const earlier = isPartial || undelivered > figures.unchanged_records ? before : [];
  if (key === null || sha256 === null) return earlier.length === 0 ? undefined : [...earlier];
  const columns = columnsOf(file.dialect);
  const own: RevisionBase = {
    fileId: file.fileId,
    manifest: figures.manifest_number,
    manifestSha256: figures.manifest_sha256,
    checksum: figures.checksum,
    ...(figures.request_ids_have_file_id ? { idsHaveFileId: true } : {}),
    ...(isPartial ? { isPartial } : {}),
    ...(columns === undefined ? {} : { columns }),
    records: figures.total_records,
    receipts: { key, sha256 },
    ...(resolutions_key === null || resolutions_sha256 === null
      ? {}
      : { resolutions: { key: resolutions_key, sha256: resolutions_sha256 } }),
  };
  const bases = [own, ...earlier];
  const records = bases.reduce((sum, base) => sum + base.records, 0);
  return bases.length > maxBases || records > maxKnown ? undefined : bases;
}
