import type { z } from 'zod';

/** How the records of a file are laid out. */
export type Format = 'csv' | 'jsonl' | 'json-array' | 'json-document';

/** How the bytes of a file spell characters. */
export type Encoding = 'utf-8' | 'windows-1252';

/** Where a feed's records go. */
export type SinkDeclaration = {
  kind: 'http';
  /** Path below the API's base URL that takes one record a POST. */
  path: string;
};

/**
 * A feed: what arrives, what a good record is, and where it goes. One declaration a feed; `feeds/index.ts`
 * registers them. `Payload` is what the sink is given, as the schema's output.
 */
export interface Feed<Payload extends Record<string, unknown> = Record<string, unknown>> {
  /** Lower-case letters, digits and dashes: used in resource names, keys and messages. */
  name: string;
  /** Formats this feed accepts; with a single entry the format isn't detected but fixed. */
  formats: readonly [Format, ...Format[]];
  encoding: Encoding;
  /** Columns a CSV header must have, by the source's names, in any order. Others are ignored. */
  columns: readonly string[];
  /** Fields that must be written as plain integers where a JSON number stands (`30`, not `30.0` or `3e1`). */
  integerFields: readonly string[];
  /** From the source's fields to the payload; its issues become the rejection's field and sentence. */
  schema: z.ZodType<Payload>;
  /** The payload's fields that make a record the same record; hashed with the file's checksum into the request id. */
  identity: (payload: Payload) => readonly string[];
  sink: SinkDeclaration;
  /** A longer record (bytes) is rejected: it travels as its place, length, hash and head only. */
  maxRecordBytes: number;
  /** Past this share of rejects, once `afterRecords` were seen, the file is a wrong file. */
  toleratedRejects: { share: number; afterRecords: number };
}
