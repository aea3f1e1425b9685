import * as z from 'zod';

/** How the records of a file are laid out. */
export type Format = 'csv' | 'jsonl' | 'json-array' | 'json-document';

/** How the bytes of a file spell characters. */
export type Encoding = 'utf-8' | 'windows-1252';

/** A value of JSON that is no object and no array. */
export type JsonScalar = string | number | boolean | null;

/** What in an answer's body identifies its meaning. */
export type AnswerMark =
  /** The body is JSON, and the field at this JSON pointer (RFC 6901) has one of these values. */
  | { pointer: string; is: readonly JsonScalar[] }
  /** The body contains this text, in upper or lower case. */
  | { text: string }
  /** There is no body. */
  | { empty: true };

/** What an API's answers mean. Each part has a default. */
export interface AnswerDeclaration {
  /** Which answers say that the record is stored. Any other 2xx is a failure, after which the record may be stored. */
  success?: {
    /** 200, 201 and 204 by default; each from 200 to 299. */
    statuses?: readonly number[];
    /** Media types, without parameters. By default all but HTML. */
    contentTypes?: readonly string[];
    /** `mayBeMissing`: a body without the field counts as well, unless it names an `error`; with another value it does not. */
    field?: { pointer: string; is: readonly JsonScalar[]; mayBeMissing?: boolean };
  };
  /**
   * Which 409 means what; the first list with a match decides, in this order. A 409 that matches none is a refusal. The
   * lists that are used by default are in lambdas/core/answers/answer-meaning.ts.
   */
  conflict?: readonly AnswerMark[];
  /** An earlier request with the same id has not ended: the record is sent again later. */
  inProgress?: readonly AnswerMark[];
  /** The API stored an earlier request with the same id. */
  seenBefore?: readonly AnswerMark[];
}

/** Where a feed's records go, unless `SLUICE_<FEED>_SINK` says otherwise. */
export type SinkDeclaration =
  | {
      kind: 'http';
      /** Path below the API's base URL that takes one record a POST. */
      path: string;
      answers?: AnswerDeclaration;
    }
  | {
      /** The record ledger: a table of Sluice's own, an item a record, each written once. */
      kind: 'ledger';
      /** With it a setting can send the feed to an API instead. */
      path?: string;
      answers?: AnswerDeclaration;
    };

/** What the sink takes, where neither the stage nor the environment says otherwise. */
export interface SinkLimits {
  requests: number;
  windowSeconds: number;
  connections: number;
}

/** What a feed says about itself, whatever its options are. */
interface FeedFacts {
  /** Lower-case letters, digits and dashes: the prefix of its files, and in resource names, keys and messages. */
  name: string;
  /** Formats this feed accepts; with a single entry the format isn't detected but fixed. */
  formats: readonly [Format, ...Format[]];
  encoding: Encoding;
  sink: SinkDeclaration;
  limits: SinkLimits;
  /** CSV files may have lines before the header, such as a report's title: the header is the first line with all `columns`. */
  preamble?: boolean;
  /** A JSON file may be an object that has the array of records under this name. Without it: under its only array of objects. */
  recordsIn?: string;
  /** A longer record (bytes) is rejected: it travels as its place, length, hash and head only. */
  maxRecordBytes: number;
  /** Its files come by the thousands and hold a record each: those within `maxRecordBytes` are taken many at a time. */
  smallFiles?: boolean;
  /** By when its files are to be through, where neither the stage nor the environment says: `05:00 America/New_York`. */
  deadline?: string;
  /** Past this share of rejects, once `afterRecords` were seen, the file is a wrong file. */
  toleratedRejects: { share: number; afterRecords: number };
  /** How long the archive keeps the evidence from being deleted. */
  archiveRetentionDays: number;
  /** How long the consumer's log is kept, where it is longer than the stage's. */
  logRetentionDays?: number;
  /** Numbers that a double can't hold go through as they were written (JSON), rather than rounded. */
  exactNumbers?: boolean;
  /** A line in the log for each record's outcome. */
  auditEachRecord?: boolean;
  /**
   * Raise it when you change what a good record is, or what becomes of one, in a way that the schema's JSON Schema doesn't show: a
   * refinement, a transformation. A file that was sent before is then read in another way, and may be sent again.
   */
  rulesVersion?: number;
  /** Not deployed unless `SLUICE_FEEDS` names it. */
  isExample?: boolean;
}

/** What a feed knows of a source's row; `undefined` where the record could not be read. */
interface RowFacts {
  /** What people know the record by. */
  correlationId?: (row: Record<string, unknown> | undefined) => string;
  /** Said at the end of a reject's sentence. */
  describe?: (row: Record<string, unknown> | undefined) => string;
}

/**
 * A feed as the functions work with it: what arrives, what a good record is, and where it goes. `Payload` is what the
 * sink is given, as the schema's output.
 */
export interface Feed<Payload extends Record<string, unknown> = Record<string, unknown>> extends FeedFacts, RowFacts {
  /** Columns a CSV header must have, by the source's names, in any order. Others are ignored. */
  columns: readonly string[];
  /** Fields that must be written as plain integers where a JSON number stands (`30`, not `30.0` or `3e1`). */
  integerFields: readonly string[];
  /** What the deployment has set, or the defaults. */
  optionValues: Readonly<Record<string, unknown>>;
  /** From the source's fields to the payload; its issues become the rejection's field and sentence. */
  schema: z.ZodType<Payload>;
  /** What makes a record the same record; hashed with the file's checksum into the request id. */
  identity: (payload: Payload) => readonly string[];
  /** What a good record is still to be looked at for; kept in its receipt. */
  warningsOf?: (payload: NoInfer<Payload>) => readonly string[];
}

/** A feed as it is written down, in one file under `feeds/`. */
export interface FeedDeclaration<Payload extends Record<string, unknown>, Options extends z.ZodRawShape>
  extends FeedFacts, RowFacts {
  columns?: readonly string[];
  integerFields?: readonly string[];
  /** What a deployment may set, as `SLUICE_<FEED>_<OPTION>`: text in, each with a default or optional. */
  options?: z.ZodObject<Options>;
  /** From the source's fields to the payload; made from the options. */
  schema: (options: z.output<z.ZodObject<Options>>) => z.ZodType<Payload>;
  identity: (payload: Payload) => readonly [string, ...string[]];
  warningsOf?: (payload: Payload) => readonly string[];
}

/** What databases and spreadsheets write into an export for a value that they don't have. `Null` is a surname. */
const noValues: ReadonlySet<unknown> = new Set(['\\N', 'NULL', 'null', '(NULL)', '(null)', '<NULL>', '<null>', '#N/A']);

export function isNoValue(value: unknown): boolean {
  return noValues.has(value);
}

/** A feed in the registry: its payload's type is its own business. */
export interface RegisteredFeed extends FeedFacts {
  columns: readonly string[];
  options: z.ZodObject;
  /** @throws where an option is not what it must be */
  open: (options: unknown) => Feed;
}

/** Types come from the schema: a field that isn't there is a type error. What types can't tell, `feedFaults` does. */
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
    // Its own schema makes the payloads that its other parts are given.
    open: open as unknown as (given: unknown) => Feed,
  };
}
