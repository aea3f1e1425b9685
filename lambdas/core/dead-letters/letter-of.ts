import { isUtf8 } from 'node:buffer';
import type { FailedOutcome } from '../account/outcome.ts';
import { revisionVersion } from '../account/schema-version.ts';
import type { EarlierVersions } from '../series/revision-plan.ts';
import type { UnnotedLetter } from '../../messages.ts';
import type { SourceFields } from '../account/source-uri.ts';
import { uriOf } from '../account/source-uri.ts';

/** Above this size, a dead letter shows a record's head and points to the object with the whole record. Bytes. */
export const maxRawPayloadBytes = 64 * 1024;

/** Bytes of the head that represents a payload too long to show. */
const headBytes = 1024;

export interface RawPayload {
  raw_encoding: 'text' | 'base64' | 'head';
  raw_payload: string;
}

/** A record as in the file: as text if text is exact, otherwise base64; only the head if it is too long. */
export function rawPayloadOf(bytes: Buffer, wholeLength: number = bytes.length): RawPayload {
  if (wholeLength > maxRawPayloadBytes || wholeLength > bytes.length) {
    return { raw_encoding: 'head', raw_payload: bytes.subarray(0, headBytes).toString('base64') };
  }
  return wholePayloadOf(bytes);
}

/** The whole record, of any length. */
export function wholePayloadOf(bytes: Buffer): RawPayload {
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    // SQS refuses U+FFFE and U+FFFF; JSON escapes all other unpaired or control characters.
    if (!/[\uFFFE\uFFFF]/.test(text)) return { raw_encoding: 'text', raw_payload: text };
  }
  return { raw_encoding: 'base64', raw_payload: bytes.toString('base64') };
}

/**
 * Whether the record is stored in the work bucket next to its letter: too long for the letter, but not for the feed. A
 * record that is too long for the feed is never held as a whole and never stored.
 */
export function isStoredApart(file: Pick<LetterFile, 'limits'>, { length }: { length: number }): boolean {
  return length > maxRawPayloadBytes && length <= file.limits.maxRecordBytes;
}

/** Key of the stored record in the work bucket. It names the content, so storing it again changes nothing. */
export function payloadKeyOf(fileId: string, sha256: string): string {
  return `payloads/${fileId}/${sha256}`;
}

/** The letter of a record whose batch killed its consumers; the same each time. It was planned, but not parsed. */
export const buriedLetterId = (fileId: string, record: number): string => `buried-${fileId}-${record}`;

/** The facts about the file that each letter needs. */
export interface LetterFile {
  limits: { maxRecordBytes: number };
  fileId: string;
  feed: string;
  source: { bucket: string; key: string };
}

export interface LetterRecord extends SourceFields {
  batch: number;
  record: number;
  line: number;
  offset: number;
  length: number;
  sha256: string;
  raw: RawPayload;
  earlier?: EarlierVersions | undefined;
}

export interface LetterFault {
  outcome: FailedOutcome;
  reason: string;
  error: string;
  field: string | null;
  status: number | null;
  answer: string | null;
  requestId: string | null;
  attempts: number;
}

export function letterOf(file: LetterFile, record: LetterRecord, fault: LetterFault, nowMs: number): UnnotedLetter {
  return {
    v: record.earlier ? revisionVersion : 1,
    kind: 'letter',
    timestamp: new Date(nowMs).toISOString(),
    feed: file.feed,
    source_file: record.source_file ?? uriOf(file.source),
    ...(record.source_version_id === undefined ? {} : { source_version_id: record.source_version_id }),
    record: record.record,
    line: record.line,
    outcome: fault.outcome,
    reason: fault.reason,
    error: fault.error,
    field: fault.field,
    http_status: fault.status,
    api_answer: fault.answer,
    ...record.raw,
    ...(isStoredApart(file, record) ? { payload_key: payloadKeyOf(file.fileId, record.sha256) } : {}),
    attempts: fault.attempts,
    request_id: fault.requestId,
    ...(record.earlier ? { earlier_checksums: [...record.earlier] } : {}),
    sha256: record.sha256,
    offset: record.offset,
    length: record.length,
    batch: record.batch,
    file_id: file.fileId,
  };
}
