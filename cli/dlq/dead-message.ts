import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import type { Letter } from '../../lambdas/messages.ts';
import { batchMessage, correctionMessage, finalizeMessage, letter, notifyMessage } from '../../lambdas/messages.ts';
import { parseIntakeMessage } from '../../lambdas/intake-message.ts';
import type { LaneName } from '../stack/stack-outputs.ts';
import type { QueuedMessage } from '../../lambdas/ports.ts';

/** The queue whose DLQ holds the message: says what kind of work failed. */
export type DlqName = 'letters' | 'records' | 'intake' | 'finalize';

/** The SQS message of an entry of `dlq list --json`. */
interface Carrier {
  queue: DlqName;
  /** Null for the finalizer's DLQ, which both lanes share. */
  lane: LaneName | null;
  message_id: string;
  /** When SQS accepted it. */
  sent_at: string;
  receives: number;
}

/** A message that is not a letter: it concerns several records, or none. */
interface DeadTask {
  kind: 'batch' | 'announcement' | 'finalize' | 'correction' | 'unknown';
  file_id: string | null;
  source_file: string | null;
  /** A batch's first record and number of records. */
  record: number | null;
  records: number | null;
  batch: number | null;
  line: number | null;
  offset: number | null;
  outcome: null;
  reason: 'buried_batch' | 'intake_failed' | 'finalize_failed' | 'correction_failed' | 'unknown_message';
  error: string;
  field: null;
  raw_encoding: 'text' | 'base64';
  raw_payload: string;
}

/** A message in a DLQ: a failed record or a failed task. */
export type DeadMessage = Carrier & (Letter | DeadTask);

/** @param feed the queue's feed: an announcement from S3 does not name it */
export function readDeadMessage(
  feed: string,
  from: Pick<Carrier, 'queue' | 'lane'>,
  message: QueuedMessage,
): DeadMessage {
  const carrier: Carrier = {
    ...from,
    message_id: message.messageId,
    sent_at: new Date(message.sentAt).toISOString(),
    receives: message.receives,
  };
  const body = jsonOf(message.body);
  const asLetter = letter.safeParse(body);
  return { ...carrier, ...(asLetter.success ? asLetter.data : readWork(feed, body, message.body)) };
}

/** The file a message is about; null if it does not say. */
export function fileIdOfBody(feed: string, text: string): string | null {
  return readWork(feed, jsonOf(text), text).file_id;
}

function readWork(feed: string, body: unknown, text: string): DeadTask {
  return (
    asBatch(body) ??
    asFinalize(body, text) ??
    asNotify(body, text) ??
    asCorrection(body, text) ??
    asAnnouncement(feed, body, text) ??
    unknown(text)
  );
}

function asBatch(body: unknown): DeadTask | undefined {
  const parsed = batchMessage.safeParse(body);
  if (!parsed.success) return undefined;
  const batch = parsed.data;
  const raw =
    batch.kind === 'slice'
      ? { raw_encoding: batch.encoding, raw_payload: batch.body }
      : { raw_encoding: 'base64' as const, raw_payload: batch.head };
  return {
    ...nothing,
    kind: 'batch',
    file_id: batch.fileId,
    record: batch.firstRecord,
    records: batch.records,
    batch: batch.batch,
    line: batch.firstLine,
    offset: batch.offset,
    reason: 'buried_batch',
    error: `batch ${batch.batch} (${batch.records} records from ${batch.firstRecord}) killed every consumer that received it`,
    ...raw,
  };
}

function asFinalize(body: unknown, text: string): DeadTask | undefined {
  const parsed = finalizeMessage.safeParse(body);
  if (!parsed.success) return undefined;
  return {
    ...nothing,
    kind: 'finalize',
    file_id: parsed.data.fileId,
    reason: 'finalize_failed',
    error: 'the file could not be finalized: its manifest is missing or out of date',
    raw_payload: text,
  };
}

function asNotify(body: unknown, text: string): DeadTask | undefined {
  if (!notifyMessage.safeParse(body).success) return undefined;
  const error = 'the desk could not be notified of the ends of files';
  return { ...nothing, kind: 'finalize', reason: 'finalize_failed', error, raw_payload: text };
}

function asCorrection(body: unknown, text: string): DeadTask | undefined {
  const parsed = correctionMessage.safeParse(body);
  if (!parsed.success) return undefined;
  return {
    ...nothing,
    kind: 'correction',
    file_id: parsed.data.file_id,
    record: parsed.data.record,
    reason: 'correction_failed',
    error: `the corrected row that ${parsed.data.by} sent killed every consumer that received it`,
    raw_payload: text,
  };
}

function asAnnouncement(feed: string, body: unknown, text: string): DeadTask | undefined {
  let message: ReturnType<typeof parseIntakeMessage>;
  try {
    message = parseIntakeMessage(body);
  } catch {
    return undefined;
  }
  if (message.kind === 'test') return undefined;
  const common = { ...nothing, kind: 'announcement', reason: 'intake_failed', raw_payload: text } as const;
  const error = 'the file could not be split: every splitter that received it failed';
  if (message.kind !== 'dropped') return { ...common, file_id: message.fileId, error };
  const [source] = message.sources;
  if (!source) return undefined;
  return { ...common, file_id: fileIdOf(feed, source), source_file: `s3://${source.bucket}/${source.key}`, error };
}

function unknown(text: string): DeadTask {
  return {
    ...nothing,
    kind: 'unknown',
    reason: 'unknown_message',
    error: 'not a message of Sluice, or one of another version',
    raw_payload: text,
  };
}

const nothing = {
  file_id: null,
  source_file: null,
  record: null,
  records: null,
  batch: null,
  line: null,
  offset: null,
  outcome: null,
  field: null,
  raw_encoding: 'text',
} as const;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
