import * as z from 'zod';
import { carriedPause } from './core/limiter/pause-evidence.ts';
import { refuseNewer } from './core/account/schema-version.ts';

/**
 * Everything that travels through a queue. This is the contract between the functions and between their versions: a message
 * of the previous version must still be understood (`v` is raised when it can't be; messages of every released version are
 * kept under test/fixtures/messages/).
 */

/**
 * Parses a message by its schema.
 * @throws NewerVersionError if a later version of Sluice sent it; ZodError if it is none of ours
 */
export function readMessage<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  refuseNewer('message', body);
  return schema.parse(body);
}

/**
 * Computed with the file's key over the rest of the message (core/authenticity.ts). Absent if an earlier version claimed
 * the file.
 */
const mac = z.string().optional();

const position = z.object({
  offset: z.int().nonnegative(),
  line: z.int().positive(),
  record: z.int().nonnegative(),
  batch: z.int().nonnegative(),
});

/** Intake queue: continue with a file (a continuation, or picked up by the reconciler). */
export const continueMessage = z.object({
  v: z.literal(1),
  kind: z.literal('continue'),
  feed: z.string(),
  fileId: z.string(),
});
export type ContinueMessage = z.infer<typeof continueMessage>;

/** Intake queue: cut the file again and send the batches that are not settled (lost through a purge or expiry). */
export const reemitMessage = z.object({
  v: z.literal(1),
  kind: z.literal('reemit'),
  feed: z.string(),
  fileId: z.string(),
  from: position.optional(),
  mac,
});
export type ReemitMessage = z.infer<typeof reemitMessage>;

/** Checksums of earlier revisions, the newest first; null: the API may have none. */
const earlierVersions = z.array(z.string().nullable()).min(1);

const batchPlace = {
  v: z.literal([1, 2, 3]),
  feed: z.string(),
  fileId: z.string(),
  batch: z.int().positive(),
  /** 1 for the splitter's message; each successor adds 1. */
  attempt: z.int().positive(),
  /** Attempts that ended with records the API had failed on; waiting never counts. */
  failures: z.int().nonnegative(),
  offset: z.int().nonnegative(),
  firstRecord: z.int().positive(),
  firstLine: z.int().positive(),
  /**
   * Of a revision: what becomes of each record (core/series/revision-plan.ts). Absent if all of them are sent; with it, or
   * with `earlier`, `v` is 3.
   */
  plans: z.base64().optional(),
  /** Of a revision: under which request ids the API has earlier versions of the records. Absent if it has none. */
  earlier: z.object({ lists: z.array(earlierVersions), of: z.base64() }).optional(),
  /** Records for which the API has asked to wait; absent if there are none, and in older messages. */
  pauses: z.array(carriedPause).optional(),
  mac,
};

/** Records queue: a slice of the file. */
export const sliceMessage = z.object({
  ...batchPlace,
  kind: z.literal('slice'),
  records: z.int().positive(),
  /** `text`: `body` is the bytes as UTF-8; `base64` if SQS or JSON can't carry them as text. */
  encoding: z.enum(['text', 'base64']),
  body: z.string(),
});
export type SliceMessage = z.infer<typeof sliceMessage>;

/** Records queue: one record over the feed's limit, without its bytes. */
export const oversizeMessage = z.object({
  ...batchPlace,
  kind: z.literal('oversize'),
  records: z.literal(1),
  length: z.int().positive(),
  sha256: z.string(),
  /** The record's first bytes, base64. */
  head: z.base64(),
});

export const batchMessage = z.discriminatedUnion('kind', [sliceMessage, oversizeMessage]);
export type BatchMessage = z.infer<typeof batchMessage>;

/**
 * Letters queue and DLQ: one failed record, written to be read in the SQS console. It uses the operator's terms: this is
 * the documented dead-letter format, version 1.
 */
export const letter = z.object({
  /** 3 if it has `earlier_checksums`. */
  v: z.literal([1, 3]),
  kind: z.literal('letter'),
  timestamp: z.iso.datetime(),
  feed: z.string(),
  source_file: z.string(),
  /** The version of a bundled small file; for other files, it is in their account. */
  source_version_id: z.string().optional(),
  record: z.int().positive(),
  line: z.int().positive(),
  outcome: z.enum(['rejected', 'refused', 'exhausted']),
  /** A machine-readable word: a problem's reason, `http_422`, `circuit_open`, … */
  reason: z.string(),
  /** A sentence that explains the failure to a reader. */
  error: z.string(),
  field: z.string().nullable(),
  http_status: z.int().nullable(),
  /** What the API answered, trimmed. */
  api_answer: z.string().nullable(),
  /** `text`: as in the file; `base64`: if text can't represent it; `head`: base64 of its first bytes only. */
  raw_encoding: z.enum(['text', 'base64', 'head']),
  raw_payload: z.string(),
  /**
   * The key of the whole record in the work bucket, whose bytes have `sha256`. Set if the letter has only the head of a
   * record within the feed's limit.
   */
  payload_key: z.string().optional(),
  /** Number of requests for this record so far. */
  attempts: z.int().nonnegative(),
  request_id: z.string().nullable(),
  /** What the record supersedes: see `earlier_checksums` of a receipt. */
  earlier_checksums: earlierVersions.optional(),
  /** SHA-256 of the record's bytes as in the file. */
  sha256: z.string(),
  /** Byte offset of the record in the file; the record is `length` bytes long. */
  offset: z.int().nonnegative(),
  length: z.int().nonnegative(),
  batch: z.int().positive(),
  file_id: z.string(),
  /** New for every letter sent, to distinguish two letters of one record. */
  letter_id: z.string(),
});
export type Letter = z.infer<typeof letter>;

/** A letter that is not noted in the ledger yet: the note assigns its id. */
export type UnnotedLetter = Omit<Letter, 'letter_id'>;

/**
 * Letters queue: a row that the desk has corrected, in place of a dead record. It is tried like a letter, but never becomes
 * one: if it fails, the record's own letter remains.
 */
export const correctionMessage = z.object({
  v: z.literal(1),
  kind: z.literal('correction'),
  correction_id: z.string(),
  feed: z.string(),
  file_id: z.string(),
  record: z.int().positive(),
  /** SHA-256 of the record that it replaces, as in the file. */
  sha256: z.string(),
  /** By the source's column names. */
  row: z.record(z.string(), z.unknown()),
  changed: z.array(z.string()),
  by: z.string(),
  /** The reason. Absent if none was stated, and in older messages. */
  why: z.string().optional(),
  /** The person knows that the API has no earlier version of the row: it is sent as a new record. */
  as_new: z.literal(true).optional(),
  at: z.iso.datetime(),
  /** Failed tries over all receives; waiting never counts. */
  failures: z.int().nonnegative(),
  mac,
});
export type CorrectionMessage = z.infer<typeof correctionMessage>;

/** Finalize queue: check whether the file is done, and close its account if so; `amend` reopens a closed one. */
export const finalizeMessage = z.object({
  v: z.literal(1),
  kind: z.literal('finalize'),
  feed: z.string(),
  fileId: z.string(),
  amend: z.boolean().default(false),
});
export type FinalizeMessage = z.infer<typeof finalizeMessage>;

/** Finalize queue: notify the feed's desk of the files that ended since its last mail. */
export const notifyMessage = z.object({ v: z.literal(1), kind: z.literal('notify'), feed: z.string() });
export type NotifyMessage = z.infer<typeof notifyMessage>;

/** Finalize queue: write the entries of the feed's night log that are due. */
export const nightMessage = z.object({ v: z.literal(1), kind: z.literal('night'), feed: z.string() });
export type NightMessage = z.infer<typeof nightMessage>;

/** What the finalizer receives. */
export const finalizerMessage = z.discriminatedUnion('kind', [finalizeMessage, notifyMessage, nightMessage]);

/** The attribute of a message that was put back: outside the body, whose MAC or digest must still match. */
export const waitAttribute = 'SluiceWait';

/** The attribute's value, as JSON: AWS failed, and the message waits until it recovers. */
export const waitNote = z.object({
  /** How many times in a row it was put back. */
  times: z.int().positive(),
  /** When it was put back, by the function's clock, and its delay. Milliseconds since 1970; seconds. */
  at: z.int().nonnegative(),
  delaySeconds: z.number().nonnegative(),
  /** When the first of these messages was sent, by SQS's clock. */
  firstSentAt: z.int().nonnegative(),
});
export type WaitNote = z.infer<typeof waitNote>;
