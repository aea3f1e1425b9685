import type { FileAccount } from '../core/account/file-account.ts';
import type { KnownRevision } from '../core/series/earlier-revisions.ts';
import { mayHaveBeenSent, newestOf, repeatsOlder } from '../core/series/earlier-revisions.ts';
import type { FileLedger } from '../ports.ts';

/** A file of a series, and the revisions that entered before it. */
export interface AmongRevisions {
  own: KnownRevision;
  earlier: readonly KnownRevision[];
  /** An id that is once part of its request ids remains it. */
  idsHaveFileId?: boolean | undefined;
  /** It is of no configured series: the desk is only warned. */
  isOnlyWarned?: boolean;
}

/** How a file stands to the revisions that entered before it. It changes while one of them may still be sent. */
export interface Standing {
  /** The newest of them that may have been sent. One with the same request ids does not count: the API knows what it has. */
  before: KnownRevision | undefined;
  /** Its bytes are those of an older one: the request ids of the bytes alone are used up. */
  isRepetition: boolean;
  /** The newest with its bytes and its request ids that may have been sent. */
  same: KnownRevision | undefined;
  /** Those with its bytes from which a revision with other bytes has taken over. */
  outdone: ReadonlySet<string>;
}

export async function standingOf(
  { own, earlier, idsHaveFileId = false, isOnlyWarned = false }: AmongRevisions,
  ledger: Pick<FileLedger, 'getFile'>,
): Promise<Standing> {
  const files = await Promise.all(earlier.map(({ fileId }) => ledger.getFile(fileId)));
  const sent = sentOf(earlier, files);
  const outdone = supersededAmong(earlier, files, own);
  const isRepetition = idsHaveFileId || (!isOnlyWarned && (outdone.size > 0 || repeatsOlder(own, earlier, sent)));
  const hasSameBytes = ({ sha256 }: KnownRevision) => sha256 === own.sha256;
  return {
    before: newestOf(isRepetition ? sent : sent.filter((each) => !hasSameBytes(each))),
    isRepetition,
    same: isRepetition ? undefined : newestOf(sent.filter(hasSameBytes)),
    outdone,
  };
}

export function isSameStanding(a: Standing, b: Standing): boolean {
  return (
    a.before?.fileId === b.before?.fileId &&
    a.isRepetition === b.isRepetition &&
    a.same?.fileId === b.same?.fileId &&
    a.outdone.size === b.outdone.size
  );
}

/**
 * Those with the same bytes from which a revision with other bytes has taken over, by their file ids. Even if nothing of that
 * one was sent: their dead letters were settled for it, and only a file that is sent has these records once more.
 * @param files the revisions' accounts
 */
function supersededAmong(
  revisions: readonly KnownRevision[],
  files: readonly (FileAccount | undefined)[],
  own: KnownRevision,
): Set<string> {
  const others = new Set(revisions.flatMap(({ fileId, sha256 }) => (sha256 === own.sha256 ? [] : [fileId])));
  const isOutdone = (file: FileAccount | undefined) => others.has(file?.supersededBy?.fileId ?? '');
  return new Set(
    revisions.flatMap(({ fileId, sha256 }, index) =>
      sha256 === own.sha256 && isOutdone(files[index]) ? [fileId] : [],
    ),
  );
}

/**
 * Those that may have been sent. A duplicate stands for the revision with its bytes, in the place that it has itself: what
 * came between the two is not the newest.
 * @param files the revisions' accounts
 */
function sentOf(revisions: readonly KnownRevision[], files: readonly (FileAccount | undefined)[]): KnownRevision[] {
  const sent = revisions.filter((_, index) => mayHaveBeenSent(files[index]));
  const successors = new Map(
    files.flatMap((file) => (file?.supersededBy ? [[file.fileId, file.supersededBy.fileId]] : [])),
  );
  /** After a deployment or a stop, another file with the same bytes may have sent what this one had not. */
  const newestSame = (fileId: string, sha256: string): string => {
    const next = sent.find((each) => each.fileId === successors.get(fileId) && each.sha256 === sha256);
    return next ? newestSame(next.fileId, sha256) : fileId;
  };
  return revisions.flatMap((revision, index) => {
    const { duplicateOf } = files[index] ?? {};
    if (duplicateOf === undefined) return sent.includes(revision) ? [revision] : [];
    if (!sent.some(({ fileId }) => fileId === duplicateOf)) return [];
    return [{ ...revision, fileId: newestSame(duplicateOf, revision.sha256) }];
  });
}
