import type { KnownRevision } from '../core/series/earlier-revisions.ts';
import { mayHaveBeenSent, newestOf, repeatsOlder } from '../core/series/earlier-revisions.ts';
import type { FileLedger } from '../ports.ts';

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

/** @param file an id that is once part of its request ids remains it @param isOnlyWarned it is of no configured series */
export async function standingOf(
  own: KnownRevision,
  earlier: readonly KnownRevision[],
  ledger: Pick<FileLedger, 'getFile'>,
  { idsHaveFileId = false }: { idsHaveFileId?: boolean },
  isOnlyWarned = false,
): Promise<Standing> {
  const sent = await sentOf(earlier, ledger);
  const outdone = await supersededAmong(earlier, own, ledger);
  const isRepetition = idsHaveFileId || (!isOnlyWarned && (outdone.size > 0 || repeatsOlder(own, earlier, sent)));
  const hasSameBytes = ({ sha256 }: KnownRevision) => sha256 === own.sha256;
  return {
    before: newestOf(isRepetition ? sent : sent.filter((each) => !hasSameBytes(each))),
    isRepetition,
    same: isRepetition ? undefined : newestOf(sent.filter(hasSameBytes)),
    outdone,
  };
}

/**
 * Those with the same bytes from which a revision with other bytes has taken over, by their file ids. Even if nothing of that
 * one was sent: their dead letters were settled for it, and only a file that is sent has these records once more.
 */
async function supersededAmong(
  earlier: readonly KnownRevision[],
  own: KnownRevision,
  ledger: Pick<FileLedger, 'getFile'>,
): Promise<Set<string>> {
  const same = earlier.filter(({ sha256 }) => sha256 === own.sha256);
  const files = await Promise.all(same.map(({ fileId }) => ledger.getFile(fileId)));
  const isOther = (by: string | undefined) =>
    earlier.some(({ fileId, sha256 }) => fileId === by && sha256 !== own.sha256);
  return new Set(files.flatMap((file) => (file && isOther(file.supersededBy?.fileId) ? [file.fileId] : [])));
}

/**
 * Those that may have been sent. A duplicate stands for the revision with its bytes, in the place that it has itself: what
 * came between the two is not the newest.
 */
async function sentOf(
  revisions: readonly KnownRevision[],
  ledger: Pick<FileLedger, 'getFile'>,
): Promise<KnownRevision[]> {
  const files = await Promise.all(revisions.map(({ fileId }) => ledger.getFile(fileId)));
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
