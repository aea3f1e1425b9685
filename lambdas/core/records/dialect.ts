import type { Encoding } from '../../../feeds/feed.ts';

/** Fields every dialect has. Offsets are bytes from the file's start; lines are physical, the first is 1. */
interface Body {
  encoding: Encoding;
  /** Where the first record may begin: past a BOM and a CSV header. */
  bodyOffset: number;
  bodyLine: number;
  /** By which rules it is cut. Files that were begun before there were any go on as they began. */
  rules?: CutRules;
}

/**
 * - 2: carriage returns and Ctrl-Z at either end of a line belong to its end, and so does the last line's without a
 *   line feed; blank lines, byte-order marks and repeated headers between records are no records; a `[` before an
 *   element is none.
 */
export type CutRules = 2;
export const cutRules: CutRules = 2;

export interface CsvDialect extends Body {
  format: 'csv';
  delimiter: ',' | ';' | '\t' | '|';
  /** What ends a line. `lf` takes CRLF too; `cr` is the old Macintosh habit of a CR alone. */
  lineBreak: 'lf' | 'cr';
  /**
   * Lines end with CR LF. A line feed alone may still end one, where files were put together; but where what follows it
   * isn't a row, it is damage within a field.
   */
  pairedBreaks?: true;
  /** The header's names, in the file's order. */
  columns: readonly string[];
  /** Names of columns that the feed ignores and that the header has more than once: rows are read without them. */
  ambiguousColumns?: readonly string[];
  /** Bytes before the header's line, where lines of a preamble are among them. */
  preambleBytes?: number;
  /**
   * Names that tell another header among the rows: what follows such a row is not sent. Files that were begun before there
   * were any go on as they began.
   */
  headerNames?: readonly string[];
}

export interface JsonLinesDialect extends Body {
  format: 'jsonl';
}

export interface JsonArrayDialect extends Body {
  format: 'json-array';
  /** Where the array's elements begin lines: the bytes of white space before each. Tells the next one when one is broken. */
  indentBytes?: number;
  /**
   * What holds the elements, if it isn't an array that is the whole file: an array within an object, under the name that
   * the feed declares or as the only one; or nothing, where objects stand one after another.
   */
  within?: 'named-object' | 'object' | 'nothing';
  /** Its name in that object: a second one of the name is none of its rest. Files that were begun before have none. */
  arrayName?: string;
}

export interface JsonDocumentDialect extends Body {
  format: 'json-document';
}

/** Small files as one: each record is a file of its own (see bundle.ts). */
export interface BundleDialect extends Body {
  format: 'bundle';
}

/** How a file's bytes are to be cut and read: settled once a file, kept in the ledger, used by splitter and consumer. */
export type Dialect = CsvDialect | JsonLinesDialect | JsonArrayDialect | JsonDocumentDialect | BundleDialect;

/** Limits that the cuts of a file depend on. Pinned in the ledger when the file is claimed, so that a deploy midway can't move a cut. */
export interface CutLimits {
  /** Records in a batch, at most. */
  maxBatchRecords: number;
  /** Bytes of the file in a batch, at most; `maxRecordBytes` may not exceed it. */
  maxBatchBytes: number;
  /** A longer record is rejected. */
  maxRecordBytes: number;
}

/** Between two batches: everything before is cut. A restart from here makes the same batches with the same numbers. */
export interface CutPosition {
  /** Byte offset in the file where reading goes on. */
  offset: number;
  /** Physical line at that offset. */
  line: number;
  /** Records cut so far; the next one has this number + 1. */
  record: number;
  /** Batches cut so far; the next one has this number + 1. */
  batch: number;
  /** Headers met between records so far, if any. */
  headers?: RepeatedHeaders;
  /** Another header, if one was met: from there on nothing is sent. */
  otherHeader?: OtherHeaderPlace;
}

/** Where the rows of another export begin, which the file's own header does not fit. */
export interface OtherHeaderPlace {
  line: number;
  /** Records and batches before it. */
  record: number;
  batch: number;
  /** What stands there, for people. */
  message: string;
}

/** Of a file that was put together from several. */
export interface RepeatedHeaders {
  count: number;
  /** Where the first of them begins. */
  firstLine: number;
}

/** A run of whole records as they stand in the file. */
export interface SliceBatch {
  kind: 'slice';
  batch: number;
  offset: number;
  firstRecord: number;
  firstLine: number;
  records: number;
  /** From the first byte of its first record to the last byte of its last, without that one's line break. */
  bytes: Buffer;
}

/** One record over the limit: travels without its bytes. */
export interface OversizeBatch {
  kind: 'oversize';
  batch: number;
  offset: number;
  firstRecord: number;
  firstLine: number;
  records: 1;
  /** Bytes of the record. */
  length: number;
  /** Of the whole record. */
  sha256: string;
  /** The record's first bytes (at most 1 KiB), to recognise it by. */
  head: Buffer;
}

export type CutBatch = SliceBatch | OversizeBatch;
