import { hash } from 'node:crypto';
import type { Dialect } from './dialect.ts';

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
