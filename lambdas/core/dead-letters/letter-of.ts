import { isUtf8 } from 'node:buffer';
import type { FailedOutcome } from '../account/outcome.ts';
import type { UnnotedLetter } from '../../messages.ts';
import type { SourceFields } from '../account/source-uri.ts';
import { uriOf } from '../account/source-uri.ts';

/** Beyond this many bytes a dead letter shows a record's head, length and place instead of all of it. */
export const maxRawPayloadBytes = 64 * 1024;

/** Bytes of the head that stands for a payload too long to show. */
const headBytes = 1024;

export interface RawPayload {
  raw_encoding: 'text' | 'base64' | 'head';
  raw_payload: string;
}

/** A record as it stood in the file: text where text can carry it exactly, base64 where not, the head where it is too long. */
export function rawPayloadOf(bytes: Buffer, wholeLength: number = bytes.length): RawPayload {
  if (wholeLength > maxRawPayloadBytes || wholeLength > bytes.length) {
    return { raw_encoding: 'head', raw_payload: bytes.subarray(0, headBytes).toString('base64') };
  }
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    // SQS refuses U+FFFE and U+FFFF; all other unpaired or control characters are escaped by JSON.
    if (!/[\uFFFE\uFFFF]/.test(text)) return { raw_encoding: 'text', raw_payload: text };
  }
  return { raw_encoding: 'base64', raw_payload: bytes.toString('base64') };
}

/** What is known of the file, wherever a letter is written. */
export interface LetterFile {
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
    v: 1,
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
    attempts: fault.attempts,
    request_id: fault.requestId,
    sha256: record.sha256,
    offset: record.offset,
    length: record.length,
    batch: record.batch,
    file_id: file.fileId,
  };
}
