import * as z from 'zod';

/** How the records of a file are laid out. */
export const formats = ['csv', 'jsonl', 'json-array', 'json-document'] as const;
export type Format = (typeof formats)[number];

/** How the bytes of a file encode characters. */
export const encodings = ['utf-8', 'windows-1252'] as const;
export type Encoding = (typeof encodings)[number];

/** A JSON value that is neither an object nor an array. */
export type JsonScalar = string | number | boolean | null;

/** The part of an answer's body that identifies its meaning. */
export type AnswerMark =
  /** The body is JSON, and the field at this JSON pointer (RFC 6901) has one of these values. */
  | { pointer: string; is: readonly JsonScalar[] }
  /** The body contains this text, in upper or lower case. */
  | { text: string }
  /** There is no body. */
  | { empty: true };

/** What an API's answers mean. Each part has a default. */
export interface AnswerDeclaration {
  /**
   * Which answers say that the record is stored. Any other 2xx counts as a failure, after which the record may be stored.
   */
  success?: {
    /** 200, 201 and 204 by default; each from 200 to 299. */
    statuses?: readonly number[];
    /** Media types, without parameters. By default all except HTML. */
    contentTypes?: readonly string[];
    /**
     * `mayBeMissing`: a body without the field also counts, unless it has an `error`; a body with another value does not.
     */
    field?: { pointer: string; is: readonly JsonScalar[]; mayBeMissing?: boolean };
  };
  /**
   * The meaning of a 409. The first list with a match decides, in this order; a 409 without a match is a refusal. The
   * default lists are in lambdas/core/answers/answer-meaning.ts.
   */
  conflict?: readonly AnswerMark[];
  /** An earlier request with the same id is still in progress: the record is sent again later. */
  inProgress?: readonly AnswerMark[];
  /** The API stored an earlier request with the same id. */
  seenBefore?: readonly AnswerMark[];
}

/** Where a feed's records go, unless `SLUICE_<FEED>_SINK` says otherwise. */
export type SinkDeclaration =
  | {
      kind: 'http';
      /** Path below the API's base URL that accepts one record per POST. */
      path: string;
      answers?: AnswerDeclaration;
    }
  | {
      /** The record ledger: a table of Sluice's own, with one item per record, each written once. */
      kind: 'ledger';
      /** If present, a setting can send the feed to an API instead. */
      path?: string;
      answers?: AnswerDeclaration;
    };

/** The rate that the sink accepts, unless the stage or the environment sets another one. */
export interface SinkLimits {
  requests: number;
  windowSeconds: number;
  connections: number;
}

/** The facts about a feed that do not depend on its options. */
interface FeedFacts {
  /** Lower-case letters, digits and dashes: the prefix of its files, and in resource names, keys and messages. */
  name: string;
  /** Formats that this feed accepts. With a single entry the format is fixed instead of detected. */
  formats: readonly [Format, ...Format[]];
  encoding: Encoding;
  sink: SinkDeclaration;
  limits: SinkLimits;
  /** CSV files may have lines before the header (a report's title): the header is the first line with all `columns`. */
  preamble?: boolean;
  /** The JSON file may be an object whose records are in the array of this name. If unset: in its only array of objects. */
  recordsIn?: string;
  /** A longer record (bytes) is rejected: only its position, length, hash and head are kept. */
  maxRecordBytes: number;
  /** Its files arrive by the thousands, with one record each: those within `maxRecordBytes` are bundled. */
  smallFiles?: boolean;
  /** When its files must be done, unless the stage or the environment sets another time: `05:00 America/New_York`. */
  deadline?: string;
  /** Above this share of rejects, once `afterRecords` have been seen, the file counts as a wrong file. */
  toleratedRejects: { share: number; afterRecords: number };
  /** How long the archive protects the evidence from deletion. */
  archiveRetentionDays: number;
  /** How long the consumer's log is kept, if longer than the stage's. */
  logRetentionDays?: number;
  /** Numbers that a double can't hold are sent as written (JSON) instead of rounded. */
  exactNumbers?: boolean;
  /** Logs each record's outcome. */
  auditEachRecord?: boolean;
  /**
   * Increase it when you change which records are good, or what they become, in a way that the schema's JSON Schema
   * doesn't show: a refinement, a transformation. A file that was sent before is then read differently and may be sent
   * again.
   */
  rulesVersion?: number;
  /** Not deployed unless `SLUICE_FEEDS` names it. */
  isExample?: boolean;
}

/** What a feed derives from a source row; `undefined` if the record could not be read. */
interface RowFacts {
  /** The id by which people know the record. */
  correlationId?: (row: Record<string, unknown> | undefined) => string;
  /** Added at the end of a reject's sentence. */
  describe?: (row: Record<string, unknown> | undefined) => string;
}

/**
 * A feed as the functions use it: its input, its rules for good records, and its sink. `Payload` is the schema's output,
 * which the sink receives.
 */
export interface Feed<Payload extends Record<string, unknown> = Record<string, unknown>> extends FeedFacts, RowFacts {
  /** Columns a CSV header must have, by the source's names, in any order. Others are ignored. */
  columns: readonly string[];
  /** Fields whose JSON numbers must be written as plain integers (`30`, not `30.0` or `3e1`). */
  integerFields: readonly string[];
  /** The options that the deployment sets, or the defaults. */
  optionValues: Readonly<Record<string, unknown>>;
  /** From the source's fields to the payload; its issues become the rejection's field and sentence. */
  schema: z.ZodType<Payload>;
  /** The values that identify a record; hashed with the file's checksum into the request id. */
  identity: (payload: Payload) => readonly string[];
  /** Warnings about a good record that a person should check; kept in its receipt. */
  warningsOf?: (payload: NoInfer<Payload>) => readonly string[];
}

/** A feed's declaration, in one file under `feeds/`. */
export interface FeedDeclaration<Payload extends Record<string, unknown>, Options extends z.ZodRawShape>
  extends FeedFacts, RowFacts {
  columns?: readonly string[];
  integerFields?: readonly string[];
  /** Options that a deployment may set as `SLUICE_<FEED>_<OPTION>`: text, each optional or with a default. */
  options?: z.ZodObject<Options>;
  /** From the source's fields to the payload; built from the options. */
  schema: (options: z.output<z.ZodObject<Options>>) => z.ZodType<Payload>;
  identity: (payload: Payload) => readonly [string, ...string[]];
  warningsOf?: (payload: Payload) => readonly string[];
}

/** What databases and spreadsheets export for a missing value. `Null` is a surname. */
const noValues: ReadonlySet<unknown> = new Set(['\\N', 'NULL', 'null', '(NULL)', '(null)', '<NULL>', '<null>', '#N/A']);

export function isNoValue(value: unknown): boolean {
  return noValues.has(value);
}

/** A feed in the registry; the type of its payload is hidden. */
export interface RegisteredFeed extends FeedFacts {
  columns: readonly string[];
  options: z.ZodObject;
  /** @throws if an option is invalid */
  open: (options: unknown) => Feed;
}

/** Types come from the schema: a field that doesn't exist is a type error. `feedFaults` checks what types can't. */
export function defineFeed<Payload extends Record<string, unknown>, Options extends z.ZodRawShape>(
  declaration: FeedDeclaration<Payload, Options>,
): RegisteredFeed {
  const { schema, options, columns = [], integerFields = [], ...facts } = declaration;
  const optionsSchema = options ?? z.object({});
  const open = (given: unknown): Feed<Payload> => {
    const optionValues = optionsSchema.parse(given);
    return {
      ...facts,
      columns,
      integerFields,
      optionValues,
      schema: schema(optionValues as z.output<z.ZodObject<Options>>),
    };
  };
  return {
    ...facts,
    columns,
    options: optionsSchema,
    // The payloads that the other parts receive are made by the feed's own schema.
    open: open as unknown as (given: unknown) => Feed,
  };
}
