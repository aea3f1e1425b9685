import { hash } from 'node:crypto';
import type { SourceObject } from '../account/file-account.ts';
import type { Dialect } from './dialect.ts';

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

/**
 * `X-Request-ID`: lower-case hex SHA-256 of the JSON text `[…identity fields, file checksum]`, without spaces. The API
 * drops ids that it has seen, so the same record of the same file never makes a second entry.
 */
export function requestIdOf(identity: readonly string[], fileSha256: string): string {
  return sha256Of(JSON.stringify([...identity, fileSha256]));
}

/** The checksum in a record's request id: that of its file. In a bundle each record is a file. */
export function checksumFor(recordSha256: string, dialect: Pick<Dialect, 'format'>, fileSha256: string): string {
  return dialect.format === 'bundle' ? recordSha256 : fileSha256;
}

/** Lower-case hex SHA-256; of a text, over its UTF-8. In one call: twice as fast for the few bytes of a record. */
export function sha256Of(content: Uint8Array | string): string {
  return hash('sha256', content, 'hex');
}
