import type { Manifest } from '../account/manifest.ts';
import { isWithoutRecords } from '../account/is-without-records.ts';
import type { FileAccount } from '../account/file-account.ts';
import { nameOfFile } from '../account/file-account.ts';
import { plainText } from '../plain-text.ts';
import { verdictOf } from '../report/verdict.ts';
import type { RevisionCounts } from '../series/known-records.ts';
import type { HeldRevision } from '../series/release-choices.ts';
import { heldRevisionOf } from '../series/release-choices.ts';

/**
 * What the desk is notified of when a file's account is closed: everything but "sent, with or without dead letters".
 *
 * - `failed`: it can't be read as a file of the feed; `empty`: it has no records. Nothing was sent.
 * - `stopped`: what was not sent is held
 * - `replaced`: under the same key, while it was read
 * - `duplicate`, `older-revision`: not sent, because of another file. They are not failures.
 * - `newer-revision`: what was not sent is held, because a newer revision is sent. It is not a failure.
 * - `dropped-again`: all of it was sent as new, although its key was dropped before
 * - `removed-records`: a revision was sent, and a person must remove records from the schedule. It is not a failure.
 */
export const noticeKinds = [
  'failed',
  'empty',
  'stopped',
  'replaced',
  'dropped-again',
  'removed-records',
  'duplicate',
  'older-revision',
  'newer-revision',
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** Nothing of the file was sent, and not because of another file. */
export const isUnsent = (kind: NoticeKind | undefined): boolean => kind === 'failed' || kind === 'empty';

/** One file's end, kept for the desk's next mail and for the screens. */
export interface FileNotice {
  kind: NoticeKind;
  feed: string;
  fileId: string;
  /** Of the manifest that says so: a released file may be stopped again. */
  manifestNumber: number;
  /** When the manifest was made. Milliseconds since 1970. */
  at: number;
  /** The file's key, or the number of small files in a bundle; on one line. */
  name: string;
  manifestUri: string;
  code?: string;
  /** What was found, as a sentence. */
  message: string;
  uploaded: number;
  rejected: number;
  held: number;
  total: number;
  duplicateOf?: string;
  /** Of a revision that was compared, or that is held as one. */
  revision?: NoticedRevision;
}

export interface NoticedRevision {
  counts?: RevisionCounts;
  /** Of the list of what it changes. */
  changesUri?: string;
  /** A release must say what it sends. */
  held?: HeldRevision;
}

/** Keeps the ledger's item small. Characters. */
const maxNameCharacters = 300;
const maxMessageCharacters = 1_000;

/** Of a file with a header only, which has no warning. */
export const noRecords = 'The file has no records.';

/** The parts of a manifest or of a file's summary that decide how it ended. */
interface Ended {
  state: Manifest['state'] | 'bundled';
  total_records: number | null;
  failure: { code: string } | null;
  warnings: readonly { code: string }[];
  removed_records: number;
}

/** Undefined if it was sent, or is not closed yet. */
export function noticeKindOf({
  state,
  total_records: total,
  failure,
  warnings,
  removed_records: removed,
}: Ended): NoticeKind | undefined {
  if (state === 'failed' || state === 'duplicate') return state;
  if (state === 'quarantined') return 'stopped';
  if (state === 'superseded' && failure?.code === 'newer_revision') return 'newer-revision';
  if (state === 'superseded') return failure?.code === 'older_revision' ? 'older-revision' : 'replaced';
  if (state !== 'completed') return undefined;
  if (isWithoutRecords({ total_records: total, removed_records: removed })) return 'empty';
  if (removed > 0) return 'removed-records';
  return warnings.some(({ code }) => code === 'key_dropped_again') ? 'dropped-again' : undefined;
}

/** Undefined if the desk has nothing to know. @param file that the manifest is about */
export function noticeOf(
  manifest: Manifest,
  file: Pick<FileAccount, 'quarantine' | 'revision'>,
): FileNotice | undefined {
  const kind = noticeKindOf(manifest);
  if (!kind) return undefined;
  const { feed, file_id: fileId, source, failure, warnings, archive, duplicate_of: duplicateOf } = manifest;
  const about = failure ?? warnings.find(({ code }) => kind !== 'dropped-again' || code === 'key_dropped_again');
  const isSent = kind === 'removed-records';
  const message = isSent ? verdictOf(manifest, 'the API', undefined).sentence : about?.message;
  const revision = revisionOf(manifest, file);
  return {
    ...{ kind, feed, fileId, manifestNumber: manifest.manifest_number },
    at: Date.parse(manifest.times.completed),
    name: plainText(nameOfFile(source.key, manifest.bundled_files), maxNameCharacters),
    manifestUri: `s3://${archive.bucket}/${archive.manifest_key}`,
    ...(about && !isSent ? { code: about.code } : {}),
    message: plainText(message ?? (kind === 'empty' ? noRecords : ''), maxMessageCharacters),
    uploaded: manifest.uploaded_records,
    rejected: manifest.rejected_records,
    held: manifest.held_records,
    total: manifest.total_records,
    ...(duplicateOf === null ? {} : { duplicateOf }),
    ...(revision ? { revision } : {}),
  };
}

function revisionOf(
  { state, comparison, compared_with: bases, archive }: Manifest,
  file: Pick<FileAccount, 'quarantine' | 'revision'>,
): NoticedRevision | undefined {
  const held = state === 'quarantined' ? heldRevisionOf(file) : undefined;
  const counts = bases.length > 0 ? file.revision?.counts : undefined;
  if (!held && !counts && !comparison) return undefined;
  return {
    ...(counts ? { counts } : {}),
    ...(comparison ? { changesUri: `s3://${archive.bucket}/${comparison.changes_key}` } : {}),
    ...(held ? { held } : {}),
  };
}
