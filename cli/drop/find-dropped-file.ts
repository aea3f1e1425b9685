import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { fileIdOf } from '../../lambdas/core/records/identity.ts';
import type { FileLedger } from '../../lambdas/ports.ts';

/** What is known here of a file that was dropped. */
export interface DroppedObject {
  feed: string;
  bucket: string;
  key: string;
  etag: string;
  versionId?: string;
  droppedAtMs: number;
  /** Where it is known already. */
  fileId?: string;
}

/** This machine's clock and the ledger's may differ by so much. Milliseconds. */
const clockSkewMs = 5 * 60_000;
const listed = 100;

/** The file's id, where the bucket is versioned: else S3's event decides it, and only the ledger can tell. */
export function idOfDropped(dropped: DroppedObject): string | undefined {
  if (dropped.fileId !== undefined) return dropped.fileId;
  return dropped.versionId === undefined ? undefined : fileIdOf(dropped.feed, dropped);
}

/** Undefined until a splitter has claimed the file. */
export async function findDroppedFile(
  ledger: Pick<FileLedger, 'getFile' | 'listFiles'>,
  dropped: DroppedObject,
): Promise<FileAccount | undefined> {
  const id = idOfDropped(dropped);
  const byId = id === undefined ? undefined : await ledger.getFile(id);
  // A small file's account is that of the bundle it went in.
  if (byId?.bundleId !== undefined) return ledger.getFile(byId.bundleId);
  if (byId) return byId;
  // Also where S3's answer has a version and its event has none, as some local clouds have it.
  const lists = await Promise.all([
    ledger.listFiles(dropped.feed, 'open', listed),
    ledger.listFiles(dropped.feed, 'closed', listed),
  ]);
  return lists.flat().find((file) => isThisDrop(file, dropped));
}

function isThisDrop(file: FileAccount, dropped: DroppedObject): boolean {
  const { source } = file;
  if (source.bucket !== dropped.bucket || source.key !== dropped.key) return false;
  if (source.versionId !== undefined && dropped.versionId !== undefined) return source.versionId === dropped.versionId;
  return bare(source.etag) === bare(dropped.etag) && file.createdAt >= dropped.droppedAtMs - clockSkewMs;
}

const bare = (etag: string): string => etag.replaceAll('"', '');
