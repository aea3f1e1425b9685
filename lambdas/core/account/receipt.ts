import * as z from 'zod';
import { outcomes } from './outcome.ts';

/** What happened to one record: a line of a receipts file (NDJSON), version 1. */
export const receipt = z.object({
  record: z.int().positive(),
  line: z.int().positive(),
  /** Bytes from the file's start to the record's first byte; `length` bytes from there are the record. */
  offset: z.int().nonnegative(),
  length: z.int().nonnegative(),
  /** SHA-256 of the record's bytes in the file. */
  sha256: z.string(),
  outcome: z.enum(outcomes),
  /** Null if the record failed before it had one. */
  request_id: z.string().nullable(),
  /** Status of the API's last answer; null if no request was made. */
  status: z.int().nullable(),
  /** Requests made. */
  attempts: z.int().nonnegative(),
  at: z.iso.datetime(),
  /** `409`: the API answered "seen before" to a request that Sluice may have sent before. */
  confirmed_by: z.literal('409').optional(),
  /**
   * Of a revision: SHA-256 of the earlier revisions under whose request ids the API has an earlier version of the record, or
   * may have had it, the newest first; null at the end: or none. Of an unchanged record: the revision that it was sent in.
   */
  earlier_checksums: z.array(z.string().nullable()).optional(),
  /** The request ids that the record supersedes, by these checksums: the first that the API had is replaced. */
  supersedes: z.array(z.string()).optional(),
  /** The id by which people know the record, and its warnings: only of feeds that declare them. */
  correlation_id: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  /** The record's own object, if small files were bundled. */
  source_file: z.string().optional(),
  source_version_id: z.string().optional(),
  /** The API's answer, if it was not a plain success. */
  api_answer: z.string().optional(),
  /** Failed records only: the words are those of the dead-letter format. */
  reason: z.string().optional(),
  error: z.string().optional(),
  field: z.string().nullable().optional(),
  raw_encoding: z.enum(['text', 'base64', 'head']).optional(),
  raw_payload: z.string().optional(),
});
export type Receipt = z.infer<typeof receipt>;
