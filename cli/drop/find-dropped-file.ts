import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import type { FileLedger } from '../../lambdas/ports.ts';

/** A file that was dropped by this command. */
export interface DroppedObject {
  feed: string;
  bucket: string;
  key: string;
  etag: string;
  versionId?: string;
  droppedAtMs: number;
  /** If it is already known. */
  fileId?: string;
}

/** Maximum difference between this machine's clock and the ledger's. Milliseconds. */
const clockSkewMs = 5 * 60_000;
const listed = 100;

/** The file's id if the bucket is versioned; otherwise S3's event decides it, and only the ledger knows it. */
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
  // A small file is accounted for by the bundle it was put into.
  if (byId?.bundleId !== undefined) return ledger.getFile(byId.bundleId);
  if (byId) return byId;
  // Also if S3's answer has a version and its event has none, as with some local clouds.
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
