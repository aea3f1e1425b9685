import type { Buffer } from 'node:buffer';
import type { Problem } from '../problem.ts';
import type { CutLimits, Dialect } from './dialect.ts';
import { scannerOf } from './record-scanner.ts';

/** A record as it stands in the file. */
export interface CutRecord {
  record: number;
  line: number;
  offset: number;
  /** Shares the slice's memory. */
  bytes: Buffer;
  /** What is wrong with its extent. Broken quotes and the like are found when it is parsed, from its bytes alone. */
  problem: Problem | null;
}

/**
 * Cuts a batch's slice into the records that the splitter counted.
 *
 * Why they always agree, although the splitter could look past the slice's end E and this can't:
 * - E is where a record ends, and the slice's end is treated as the file's.
 * - Where the splitter decided about a record from bytes before E alone, the same bytes give the same decision here.
 * - CSV: suppose it looked past E. At E, a line's end, it was inside quotes: outside of them the record would have ended
 *   there. What it saw later was either the record's end, and then E would not be a record's end but a place within one;
 *   or something that left the record its first line only: which is also what a quote that is open at the file's end means here.
 * - JSON array: an element that the splitter could not close by E was broken, else it would reach past E. A broken
 *   one ends where the next seems to begin. Before E that is seen here too; if it is E itself, this takes all that is left.
 */
export function cutSlice(
  slice: { offset: number; firstRecord: number; firstLine: number; bytes: Buffer },
  dialect: Dialect,
  limits: CutLimits,
): CutRecord[] {
  const { bytes } = slice;
  const scanner = scannerOf(dialect, limits);
  const records: CutRecord[] = [];
  let line = slice.firstLine;
  let at = 0;
  for (;;) {
    const found = scanner.find(bytes, at, true);
    if (found === 'end' || found === 'more') return records;
    const { start } = scanner;
    line += scanner.linesBefore;
    // The splitter puts none into a slice. Should the limits have been changed by hand, it costs its own record.
    if (found === 'oversize') scanner.pass(bytes, start, true);
    records.push({
      record: slice.firstRecord + records.length,
      line,
      offset: slice.offset + start,
      bytes: bytes.subarray(start, scanner.end),
      problem: found === 'oversize' ? tooLong(scanner.end - start, limits) : null,
    });
    line += scanner.lines;
    at = scanner.next;
  }
}

function tooLong(length: number, limits: CutLimits): Problem {
  return {
    reason: 'too_long',
    field: null,
    message: `record is ${length} bytes long; the feed takes ${limits.maxRecordBytes} at most`,
  };
}
