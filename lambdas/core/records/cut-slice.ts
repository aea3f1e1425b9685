import type { Buffer } from 'node:buffer';
import type { Problem } from './problem.ts';
import type { MemberFault, MemberPlace, MemberSource } from './bundle.ts';
import { BundleScanner } from './bundle-scanner.ts';
import type { CutLimits, Dialect } from './dialect.ts';
import { nameForeignContent, sniffedBytes } from './foreign-content.ts';
import { scannerOf } from './choose-scanner.ts';

/** A record as it is in the file. */
export interface CutRecord {
  record: number;
  line: number;
  offset: number;
  /** Shares the slice's memory. */
  bytes: Buffer;
  /** The fault of its extent. Broken quotes and the like are found when it is parsed, from its bytes alone. */
  problem: Problem | null;
  /** The object that it came from, if that isn't the file itself: a member of a bundle. */
  source?: MemberSource;
}

/**
 * Cuts a batch's slice into the records that the splitter counted.
 *
 * Why they always agree, although the splitter could look past the slice's end E and this function can't:
 * - E is where a record ends, and the slice's end is treated as the file's.
 * - If the splitter decided about a record from bytes before E alone, the same bytes give the same decision here.
 * - CSV: suppose it looked past E. At E, a line's end, it was inside quotes: outside of them the record would have ended
 *   there. What it saw later was either the record's end, and then E would not be a record's end but a position within
 *   one; or something that reduced the record to its first line: which is also the result of an open quote at the file's
 *   end here.
 * - JSON array: an element that the splitter could not close by E was broken, otherwise it would reach past E. A broken
 *   element ends where the next one seems to begin. If that is before E, it is seen here too; if it is E itself, this
 *   function takes all remaining bytes.
 */
export function cutSlice(
  slice: { offset: number; firstRecord: number; firstLine: number; bytes: Buffer },
  dialect: Dialect,
  limits: CutLimits,
): CutRecord[] {
  const { bytes } = slice;
  const scanner = scannerOf(dialect, limits, true);
  const records: CutRecord[] = [];
  let line = slice.firstLine;
  let at = 0;
  for (;;) {
    const found = scanner.find(bytes, at, true);
    if (found === 'end' || found === 'more') return records;
    const { start } = scanner;
    line += scanner.linesBefore;
    if (scanner instanceof BundleScanner && scanner.member) {
      records.push(memberRecord(scanner.member, slice, records.length));
      at = scanner.next;
      continue;
    }
    // The splitter puts none into a slice. If the limits were changed by hand, only that record is affected.
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

/** A member's bytes are those of its whole file. */
function memberRecord(
  { source, fault, from, to }: MemberPlace,
  slice: { offset: number; firstRecord: number; bytes: Buffer },
  before: number,
): CutRecord {
  const bytes = slice.bytes.subarray(from, to);
  const place = { record: slice.firstRecord + before, line: 1, offset: slice.offset + from };
  return { ...place, bytes, problem: memberProblem(bytes, fault), source };
}

/** Tab, line feed, carriage return, space. */
const blanks: readonly number[] = [9, 10, 13, 32];

const faultMessages: Record<MemberFault, string> = {
  source_gone: 'file was deleted before it could be read',
  source_replaced: 'file was replaced before it could be read; the new file has an account of its own',
};

/** The fault of a file of one record, before the record is read. */
export function memberProblem(bytes: Buffer, fault: MemberFault | undefined): Problem | null {
  if (fault) return { reason: fault, field: null, message: faultMessages[fault] };
  if (bytes.every((byte) => blanks.includes(byte)))
    return { reason: 'empty', field: null, message: 'file is empty or blank' };
  const foreign = nameForeignContent(bytes.subarray(0, sniffedBytes));
  return foreign && { reason: 'not_json', field: null, message: foreign.message };
}

function tooLong(length: number, limits: CutLimits): Problem {
  return {
    reason: 'too_long',
    field: null,
    message: `record is ${length} bytes long; the feed allows ${limits.maxRecordBytes}`,
  };
}
