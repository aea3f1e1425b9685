import { hash } from 'node:crypto';
import type { Dialect } from './dialect.ts';

/**
 * What a file adds to its records' identities to make their request ids: its checksum. If its bytes are those of an older
 * revision of its series, the ids with the checksum alone are used up, and its file id follows.
 */
export type RequestIdSuffix = readonly [checksum: string, fileId?: string];

/**
 * `X-Request-ID`: lower-case hex SHA-256 of the JSON text `[…identity fields, …suffix]`, without spaces. The API drops ids
 * that it has seen, so the same record of the same file never makes a second entry.
 */
export function requestIdOf(identity: readonly string[], ...suffix: RequestIdSuffix): string {
  return sha256Of(JSON.stringify([...identity, ...suffix]));
}

export function suffixOf(file: { fileId: string; sha256: string; idsHaveFileId?: true }): RequestIdSuffix {
  return file.idsHaveFileId ? [file.sha256, file.fileId] : [file.sha256];
}

/** As receipts, letters and messages name it. */
export const suffixText = (suffix: RequestIdSuffix): string => suffix.filter((part) => part !== undefined).join(' ');

export function suffixIn(text: string): RequestIdSuffix {
  const [checksum = '', fileId] = text.split(' ');
  return fileId === undefined ? [checksum] : [checksum, fileId];
}

/** The suffix of a record's request id: that of its file. In a bundle each record is a file. */
export function suffixFor(
  recordSha256: string,
  dialect: Pick<Dialect, 'format'>,
  ofFile: RequestIdSuffix,
): RequestIdSuffix {
  return dialect.format === 'bundle' ? [recordSha256] : ofFile;
}

/** Lower-case hex SHA-256; of a text, over its UTF-8. In one call: twice as fast for the few bytes of a record. */
export function sha256Of(content: Uint8Array | string): string {
  return hash('sha256', content, 'hex');
}
