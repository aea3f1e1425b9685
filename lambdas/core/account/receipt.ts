import * as z from 'zod';
import { outcomes } from './outcome.ts';

/** What happened to one record: a line of a receipts file (NDJSON), version 1. */
export const receipt = z.object({
  record: z.int().positive(),
  line: z.int().positive(),
  /** Bytes from the file's start to the record's first byte; `length` bytes from there are the record. */
  offset: z.int().nonnegative(),
  length: z.int().nonnegative(),
  /** Of the record's bytes as they stand in the file. */
  sha256: z.string(),
  outcome: z.enum(outcomes),
  /** Null where the record never got as far as having one. */
  request_id: z.string().nullable(),
  /** The API's last answer; null where it was never asked. */
  status: z.int().nullable(),
  /** Requests made. */
  attempts: z.int().nonnegative(),
  at: z.iso.datetime(),
  /** `409`: the API said "seen before" to a request that we may have sent ourselves before. */
  confirmed_by: z.literal('409').optional(),
  /** What people know the record by, and what it is still to be looked at for: of feeds that say so. */
  correlation_id: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  /** The object that the record was, where small files were bundled into one. */
  source_file: z.string().optional(),
  source_version_id: z.string().optional(),
  /** What the API said to a record that it did not simply take. */
  api_answer: z.string().optional(),
  /** Failed records only: see the dead-letter format for the words. */
  reason: z.string().optional(),
  error: z.string().optional(),
  field: z.string().nullable().optional(),
  raw_encoding: z.enum(['text', 'base64', 'head']).optional(),
  raw_payload: z.string().optional(),
});
export type Receipt = z.infer<typeof receipt>;
