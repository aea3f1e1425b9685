import { sha256Of } from '../records/identity.ts';
import type { SourceObject } from './file-account.ts';

/**
 * One id per upload, however often S3 announces it: `<feed>.<24 hex digits>`. 96 bits are short enough to type at 4 a.m.,
 * and no two of 10^9 files share them (probability below 10^-10). The feed comes first, so that IAM policies, which match
 * prefixes of keys, can restrict each function to its own feed's items and objects; feeds' names have no dots.
 */
export function fileIdOf(
  feed: string,
  source: Pick<SourceObject, 'bucket' | 'key' | 'versionId' | 'sequencer'>,
): string {
  const upload = source.versionId ?? source.sequencer ?? '';
  return `${feed}.${sha256Of(JSON.stringify([source.bucket, source.key, upload])).slice(0, 24)}`;
}

/** An id without its feed: as people type it, and as an earlier version made it. */
export function isBareId(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text);
}

/** Whether the text has the form of a file id, of this version or an earlier one. */
export function isFileId(text: string): boolean {
  return isBareId(text.replace(/^[a-z][a-z0-9-]*\./, ''));
}

/**
 * Whether the id can be that of a file of the feed. A function may not read other feeds' items, and the check must not
 * fail: ids begin with their feed's name, those of an earlier version are bare.
 */
export function mayBeOfFeed(fileId: string, feed: string): boolean {
  return fileId.startsWith(`${feed}.`) || isBareId(fileId);
}
