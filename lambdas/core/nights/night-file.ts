import type { FileAccount } from '../account/file-account.ts';
import type { ManifestSummary } from '../account/manifest.ts';
import { ContradictionError } from '../errors.ts';
import { isoTime, isoTimeOrNull } from '../iso-time.ts';
import type { EarlierFile, NightCounts, NightFile } from './night-entry.ts';
import { isUnfinished, nightCountNames } from './night-entry.ts';

/**
 * Whether the next entry has something to say of a file.
 * @param to the end of its night; milliseconds since 1970
 * @param first the first entry of the same night, if that has some: what they mention is said
 */
export function belongsInEntry(file: FileAccount, to: number, first = Infinity): boolean {
  // However long ago it came: a file that the index or a clock showed too late for its night is in the next entry.
  if (!file.night) return file.createdAt < to;
  const isSaid = file.night.noted >= first;
  return (isUnfinished({ state: stateOf(file) }) && !isSaid) || hasChanged(file, file.night);
}

function hasChanged(file: FileAccount, { manifest, state }: NonNullable<FileAccount['night']>): boolean {
  return (file.manifest?.number ?? 0) !== manifest || stateOf(file) !== state;
}

/**
 * @param figures of its newest manifest, if it has one
 * @param sha256 of that manifest's bytes
 */
export function nightFileOf(
  file: FileAccount,
  newest: { figures: ManifestSummary; sha256: string } | undefined,
): NightFile {
  const state = stateOf(file);
  const isOpen = isUnfinished({ state });
  return {
    file_id: file.fileId,
    lane: file.lane,
    key: file.source.key.toWellFormed(),
    bundled_files: file.bundle?.members ?? null,
    series: file.series?.id ?? null,
    state,
    control: controlOf(file),
    failure_code: isOpen ? null : (newest?.figures.failure?.code ?? null),
    received: isoTime(file.createdAt),
    finished: isOpen ? null : isoTimeOrNull(file.completedAt),
    counts: isOpen || !newest ? null : countsOf(newest.figures),
    manifest: newest
      ? {
          number: newest.figures.manifest_number,
          key: newest.figures.archive.manifest_key,
          sha256: newest.sha256,
        }
      : null,
  };
}

export function earlierFileOf(file: FileAccount, newest: Parameters<typeof nightFileOf>[1]): EarlierFile {
  const { night } = file;
  if (!night) throw new ContradictionError(`The file ${file.fileId} is in no entry of the night log.`);
  const { entry, state, manifest } = night;
  return { ...nightFileOf(file, newest), entry, before: { state, manifest_number: manifest } };
}

function controlOf({ control }: FileAccount): NightFile['control'] {
  if (!control) return null;
  const { state, name, missing, extra } = control;
  return { state, key: name.toWellFormed(), missing: missing ?? null, extra: extra ?? null };
}

function countsOf(figures: ManifestSummary): NightCounts {
  return Object.fromEntries(nightCountNames.map((name) => [name, figures[name]])) as NightCounts;
}

/**
 * A file whose splitter has ended it stands as `failed` or `duplicate` before it has a manifest: until then it is
 * unfinished.
 */
export function stateOf(file: Pick<FileAccount, 'state' | 'fileId' | 'manifest'>): NightFile['state'] {
  if (file.state === 'bundled')
    throw new ContradictionError(`The file ${file.fileId} is in the account of another file.`);
  return file.manifest ? file.state : file.state === 'splitting' ? 'splitting' : 'split';
}
