import type { FileAccount } from '../account/file-account.ts';
import type { ManifestFigures } from '../account/manifest.ts';
import type { Revision, RevisionBase } from './revision.ts';
import { certainBases, columnsOf, hasPlan } from './revision.ts';

/** Each of them is read for every part of the file. */
const maxBases = 5;

/** Of all revisions that a file is compared with; they are kept in the splitter's memory. */
const maxKnown = 10_000_000;

/**
 * What a newer revision of a closed file is compared with; undefined if that is not known. If the file did not deliver all
 * of its records, the API may still have what the revisions before it delivered. It may also have what the file no longer
 * had, until a person has removed that: such bases are optional.
 * @param before what is known of the revisions before it
 */
export function basesOf(
  file: FileAccount,
  figures: ManifestFigures | undefined,
  before: readonly RevisionBase[] = file.revision?.bases ?? [],
): RevisionBase[] | undefined {
  if (!figures || figures.checksum === null || !figures.reconciled) return undefined;
  const facts = factsOf(figures);
  // Not if all of it was to be sent as new: then a person may have removed the earlier entries.
  const isPartial = figures.state !== 'completed' && (!file.revision || hasPlan(file.revision));
  const undelivered = figures.total_records - figures.uploaded_records - figures.duplicate_records;
  // Of a file that was stopped, no one removes by hand what it no longer has, even if all of it was delivered.
  const isNeeded = isPartial || undelivered > figures.unchanged_records;
  const earlier = isNeeded ? before : leftBehind(file.revision, before);
  if (!facts) return isNeeded && earlier.length > 0 ? [...earlier] : undefined;
  const columns = columnsOf(file.dialect);
  const own: RevisionBase = {
    fileId: file.fileId,
    ...facts,
    checksum: figures.checksum,
    ...(figures.request_ids_have_file_id ? { idsHaveFileId: true } : {}),
    ...(isPartial ? { isPartial } : {}),
    ...(columns === undefined ? {} : { columns }),
    records: figures.total_records,
  };
  const bases = [own, ...earlier];
  while (isTooMuch(bases) && bases.at(-1)?.isOptional) bases.pop();
  return isTooMuch(bases) ? undefined : bases;
}

/** The base as its file's newest manifest has it: what became of a letter may be known only since. */
export function asAmended(base: RevisionBase, figures: ManifestFigures | undefined): RevisionBase {
  const facts = figures && factsOf(figures);
  if (!facts) return base;
  const { resolutions: _, ...others } = base;
  return { ...others, ...facts };
}

type ManifestFacts = Pick<RevisionBase, 'manifest' | 'manifestSha256' | 'receipts' | 'resolutions'>;

/** Undefined if the file has no receipts. */
function factsOf({ manifest_number, manifest_sha256, archive }: ManifestFigures): ManifestFacts | undefined {
  const { receipts_key: key, receipts_sha256: sha256, resolutions_key, resolutions_sha256 } = archive;
  if (key === null || sha256 === null) return undefined;
  const resolutions =
    resolutions_key === null || resolutions_sha256 === null
      ? {}
      : { resolutions: { key: resolutions_key, sha256: resolutions_sha256 } };
  return { manifest: manifest_number, manifestSha256: manifest_sha256, receipts: { key, sha256 }, ...resolutions };
}

/**
 * The revisions before a file that was delivered whole, as far as the API may still have records of them that the file does
 * not have.
 */
function leftBehind(revision: Revision | undefined, before: readonly RevisionBase[]): RevisionBase[] {
  if (!revision || !hasPlan(revision)) return [];
  // It has all records of those whose removed ones are counted.
  const left = revision.counts.removed > 0 ? before : before.slice(certainBases(before));
  return left.map((base) => ({ ...base, isOptional: true }));
}

const isTooMuch = (bases: readonly RevisionBase[]): boolean =>
  bases.length > maxBases || bases.reduce((sum, base) => sum + base.records, 0) > maxKnown;
