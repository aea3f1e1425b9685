import type { Buffer } from 'node:buffer';
import type { OtherHeader } from './describe-header.ts';

/**
 * The result of a scan:
 * - `record`: a whole record within the limit;
 * - `oversize`: a record over the limit begins at `start`; `pass` passes it;
 * - `more`: more bytes are needed. The bytes before `start` are not part of a record and may be dropped;
 * - `end`: no record follows.
 */
export type Found = 'record' | 'oversize' | 'more' | 'end';

/**
 * Finds the records of one format. Splitter and consumer cut with the same scanner, so its decisions may only depend on
 * the bytes from the record's start on: not on where a window of them ends (then it asks for more), nor on earlier bytes.
 * The resulting positions are stored in fields, so that a record costs no allocation.
 */
export interface RecordScanner {
  /** The record's first byte, after blanks. Indexes count from the window's start. */
  readonly start: number;
  /** After its last byte; its line break is not included. */
  readonly end: number;
  /** Where to search for the next one. */
  readonly next: number;
  /** Line breaks before `start`, from where the scan began. */
  readonly linesBefore: number;
  /** Headers that were passed before `start`, from where the scan began, and line breaks before the first of them. */
  readonly headersBefore: number;
  readonly linesBeforeHeader: number;
  /** Set if the found record is another header: the following rows are laid out by it. */
  readonly otherHeader: OtherHeader | undefined;
  /** Line breaks from `start` to `next`. */
  readonly lines: number;
  /** Scans bytes[from, …). With `atEnd` nothing follows the window. */
  find(bytes: Buffer, from: number, atEnd: boolean): Found;
  /**
   * Passes up to `most` consecutive records from `from` on that end at or before `to`: the ones that `find` would return,
   * as far as they are recognised at little cost. Returns their number; then `end` and `next` are those of the last one,
   * and `lines` is the sum.
   */
  skim(bytes: Buffer, from: number, to: number, most: number): number;
  /**
   * Continues in the record that was `oversize`, at the first byte not passed yet (first its `start`). True once it has
   * ended: then `end`, `next` and `lines` are set. Until then everything before `end` belongs to it, and the bytes after
   * it are needed again.
   */
  pass(bytes: Buffer, from: number, atEnd: boolean): boolean;
  /** At the file's end: a warning about the file as a whole. */
  endWarning(): CutWarning | null;
}

export interface CutWarning {
  code: string;
  message: string;
}
