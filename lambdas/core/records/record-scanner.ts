import type { Buffer } from 'node:buffer';
import { BundleScanner } from './bundle-scanner.ts';
import { CsvScanner } from './csv-scanner.ts';
import type { OtherHeader } from './describe-header.ts';
import type { CutLimits, Dialect } from './dialect.ts';
import { DocumentScanner } from './document-scanner.ts';
import { JsonArrayScanner } from './json-array-scanner.ts';
import { JsonLinesScanner } from './json-lines-scanner.ts';

/**
 * What a look at the bytes found:
 * - `record`: a whole record, not over the limit;
 * - `oversize`: a record over the limit begins at `start`; `pass` gets past it;
 * - `more`: the bytes do not say yet. What lies before `start` is no record and may be forgotten;
 * - `end`: no record follows.
 */
export type Found = 'record' | 'oversize' | 'more' | 'end';

/**
 * Finds the records of one format. Splitter and consumer cut with the same scanner, so what it decides may depend on
 * the bytes from the record's start on and on nothing else: not on where a window of them ends (then it asks for more),
 * nor on what it saw before. The answer's places are left in fields, so that no record costs an allocation.
 */
export interface RecordScanner {
  /** The record's first byte, after blanks. Indexes count from the window's start. */
  readonly start: number;
  /** After its last byte; its line break is not part of it. */
  readonly end: number;
  /** Where to look for the next one. */
  readonly next: number;
  /** Line breaks before `start`, from where the look began. */
  readonly linesBefore: number;
  /** Headers that were passed before `start`, from where the look began, and line breaks before the first of them. */
  readonly headersBefore: number;
  readonly linesBeforeHeader: number;
  /** The record that was found is another header: what follows is laid out as that says. */
  readonly otherHeader: OtherHeader | undefined;
  /** Line breaks from `start` to `next`. */
  readonly lines: number;
  /** Looks at bytes[from, …). With `atEnd` nothing follows the window. */
  find(bytes: Buffer, from: number, atEnd: boolean): Found;
  /**
   * Passes up to `most` records that come one right behind the other from `from` on and end at `to` or before: the ones
   * that `find` would give, as far as they are told at little cost. Says how many; then `end` and `next` are those of the
   * last, and `lines` is the sum.
   */
  skim(bytes: Buffer, from: number, to: number, most: number): number;
  /**
   * Goes on in the record that was `oversize`, at the first byte not passed yet (first its `start`). True once it is
   * over: `end`, `next` and `lines` say where. Until then all before `end` belongs to it, and what follows is needed again.
   */
  pass(bytes: Buffer, from: number, atEnd: boolean): boolean;
  /** At the file's end: what is wrong with it as a whole. */
  endWarning(): CutWarning | null;
}

export interface CutWarning {
  code: string;
  message: string;
}

/** @param isSlice the bytes are those of a batch, and not a file's */
export function scannerOf(dialect: Dialect, limits: CutLimits, isSlice = false): RecordScanner {
  const { maxRecordBytes } = limits;
  switch (dialect.format) {
    case 'csv':
      return new CsvScanner(dialect, maxRecordBytes);
    case 'jsonl':
      return new JsonLinesScanner(dialect, maxRecordBytes);
    case 'json-array':
      return new JsonArrayScanner(dialect, maxRecordBytes, isSlice);
    case 'json-document':
      return new DocumentScanner(maxRecordBytes);
    case 'bundle':
      return new BundleScanner();
  }
}
