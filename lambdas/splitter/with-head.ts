import type { SourceObject } from '../core/account/file-account.ts';
import type { SourceObjects } from '../ports.ts';

/** Adds the size or ETag that events of older or other senders lack. @throws if there is no such object */
export async function withHead(seen: SourceObject, sources: Pick<SourceObjects, 'head'>): Promise<SourceObject> {
  if (seen.etag !== '' && seen.sizeBytes >= 0) return seen;
  const head = await sources.head(seen);
  if (!head) throw new Error(`s3://${seen.bucket}/${seen.key} was announced but does not exist.`);
  const { etag, sizeBytes, versionId } = head;
  return { ...seen, etag, sizeBytes, ...(versionId === undefined ? {} : { versionId }) };
}
