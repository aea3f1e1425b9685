import type { Encoding, Feed } from '../../../feeds/feed.ts';

/** Fields every dialect has. Offsets are bytes from the file's start; lines are physical, the first is 1. */
interface Body {
  encoding: Encoding;
  /** Where the first record may begin: after a BOM and a CSV header. */
  bodyOffset: number;
  bodyLine: number;
  /** The rules by which it is cut. Files that were begun before rules existed have none and continue as they began. */
  rules?: CutRules;
}

/**
 * - 2: carriage returns and Ctrl-Z at either end of a line belong to its end, also at the end of a last line without a
 *   line feed; blank lines, byte-order marks and repeated headers between records are not records; a `[` before an
 *   element is not one either.
 */
export type CutRules = 2;
export const cutRules: CutRules = 2;

export interface CsvDialect extends Body {
  format: 'csv';
  delimiter: ',' | ';' | '\t' | '|';
  /** What ends a line. `lf` accepts CRLF too; `cr` is the CR alone of the old Macintosh. */
  lineBreak: 'lf' | 'cr';
  /**
   * Lines end with CR LF. A single line feed may still end one in concatenated files; but if the text after it isn't a
   * row, it is damage within a field.
   */
  pairedBreaks?: true;
  /** The header's names, in the file's order. */
  columns: readonly string[];
  /** Names that the feed ignores and that the header has more than once: rows are read without these columns. */
  ambiguousColumns?: readonly string[];
  /** Bytes before the header's line, if they include lines of a preamble. */
  preambleBytes?: number;
  /**
   * Names by which another header is recognised among the rows: rows after it are not sent. Files that were begun before
   * this field existed have none and continue as they began.
   */
  headerNames?: readonly string[];
}

export interface JsonLinesDialect extends Body {
  format: 'jsonl';
}

export interface JsonArrayDialect extends Body {
  format: 'json-array';
  /**
   * If the array's elements begin lines: the bytes of white space before each. Identifies the next element after a broken
   * one.
   */
  indentBytes?: number;
  /**
   * The container of the elements, if it isn't an array that is the whole file: an array within an object, by the name
   * that the feed declares or as the only one; or nothing, if objects follow one another.
   */
  within?: 'named-object' | 'object' | 'nothing';
  /**
   * The array's name in that object: a second array with that name is not part of the object's rest. Files that were
   * begun before this field existed have none.
   */
  arrayName?: string;
}

export interface JsonDocumentDialect extends Body {
  format: 'json-document';
}

/** Small files as one file: each record is a file of its own (see bundle.ts). */
export interface BundleDialect extends Body {
  format: 'bundle';
}

/** How a file's bytes are cut and read: decided once per file, kept in the ledger, used by splitter and consumer. */
export type Dialect = CsvDialect | JsonLinesDialect | JsonArrayDialect | JsonDocumentDialect | BundleDialect;

/**
 * Limits on which the cuts of a file depend. Pinned in the ledger before anything of the file is cut, so that a deployment
 * in the meantime can't move a cut.
 */
export interface CutLimits {
  /** Maximum number of records per batch. */
  maxBatchRecords: number;
  /** Maximum number of the file's bytes per batch; `maxRecordBytes` may not exceed it. */
  maxBatchBytes: number;
  /** A longer record is rejected. */
  maxRecordBytes: number;
}

/**
 * A position between two batches: everything before it is cut. A restart from here makes the same batches with the same
 * numbers.
 */
export interface CutPosition {
  /** Byte offset in the file where reading continues. */
  offset: number;
  /** Physical line at that offset. */
  line: number;
  /** Records cut so far; the next one is this number + 1. */
  record: number;
  /** Batches cut so far; the next one is this number + 1. */
  batch: number;
  /** Headers met between records so far, if any. */
  headers?: RepeatedHeaders;
  /** Another header, if one was met: nothing from there on is sent. */
  otherHeader?: OtherHeaderPlace;
}

/** Where the rows of another export begin, which the file's own header does not fit. */
export interface OtherHeaderPlace {
  line: number;
  /** Records and batches before it. */
  record: number;
  batch: number;
  /** That place, as a message describes it. */
  message: string;
}

/** Repeated headers of a concatenated file. */
export interface RepeatedHeaders {
  count: number;
  /** The line on which the first of them begins. */
  firstLine: number;
}

/** A run of whole records as they are in the file. */
export interface SliceBatch {
  kind: 'slice';
  batch: number;
  offset: number;
  firstRecord: number;
  firstLine: number;
  records: number;
  /** From the first byte of its first record to the last byte of its last record, without the final line break. */
  bytes: Buffer;
}

/** One record over the limit: it travels without its bytes. */
export interface OversizeBatch {
  kind: 'oversize';
  batch: number;
  offset: number;
  firstRecord: number;
  firstLine: number;
  records: 1;
  /** Length of the record in bytes. */
  length: number;
  /** SHA-256 of the whole record. */
  sha256: string;
  /** The record's first bytes (at most 1 KiB), for recognition. */
  head: Buffer;
}

export type CutBatch = SliceBatch | OversizeBatch;

/** What is known about a file's layout before it is read. */
export interface DialectWish extends Pick<Feed, 'formats' | 'columns' | 'preamble' | 'recordsIn'> {
  encoding: Encoding;
  /** The object's key: its extension decides what the content leaves open. */
  key: string;
}

export type DetectedDialect =
  | { kind: 'dialect'; dialect: Dialect }
  | { kind: 'refused'; code: string; message: string }
  /** More of the file is needed to decide. */
  | { kind: 'more' }
  | { kind: 'empty'; dialect: Dialect | null };

/** Where the records begin. */
export interface Place {
  offset: number;
  line: number;
}
