import type { Problem } from '../problem.ts';
import type { CutLimits, Dialect, SliceBatch } from './dialect.ts';
import { newScanned, RecordScanner } from './scan-record.ts';

export interface CutRecord {
  /** Number in the file, from 1. */
  record: number;
  line: number;
  offset: number;
  bytes: Buffer;
  problem: Problem | null;
}

/** A slice's records: the consumer's half of the cut, with the splitter's own scanner. */
export function cutSlice(
  slice: Pick<SliceBatch, 'offset' | 'firstRecord' | 'firstLine' | 'bytes'>,
  dialect: Dialect,
  limits: CutLimits,
): CutRecord[] {
  const scanner = new RecordScanner(slice.bytes, true, dialect, limits.maxRecordBytes);
  const scanned = newScanned();
  const records: CutRecord[] = [];
  let at = 0;
  let line = slice.firstLine;
  while (scanner.scan(at, scanned) === 'record') {
    records.push({
      record: slice.firstRecord + records.length,
      line: line + scanned.linesToStart,
      offset: slice.offset + scanned.start,
      bytes: slice.bytes.subarray(scanned.start, scanned.end),
      problem: scanned.problem,
    });
    at = scanned.next;
    line += scanned.linesToNext;
  }
  return records;
}
