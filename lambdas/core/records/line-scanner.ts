import type { Buffer } from 'node:buffer';
import type { CutWarning, Found, RecordScanner } from './record-scanner.ts';

export const lineFeed = 10;
export const carriageReturn = 13;

/** What scanners of formats with a record a line share: blank lines, long lines, the last line. */
export abstract class LineScanner implements RecordScanner {
  start = 0;
  end = 0;
  next = 0;
  linesBefore = 0;
  lines = 0;
  protected readonly maxRecordBytes: number;
  /** The byte that ends a line. A line feed may have a carriage return before it. */
  protected readonly lineBreak: number;
  protected endsWithBreak = true;

  constructor(maxRecordBytes: number, lineBreak: number) {
    this.maxRecordBytes = maxRecordBytes;
    this.lineBreak = lineBreak;
  }

  find(bytes: Buffer, from: number, atEnd: boolean): Found {
    const { lineBreak } = this;
    let start = from;
    let blank = 0;
    let at: number;
    for (;;) {
      at = bytes.indexOf(lineBreak, start);
      if (at === -1) break;
      if (at > start + 1 || (at > start && (lineBreak !== lineFeed || bytes[start] !== carriageReturn))) break;
      blank++;
      start = at + 1;
    }
    this.start = start;
    this.linesBefore = blank;
    if (at === -1) return this.#findLast(bytes, atEnd);
    this.end = this.#endOf(bytes, at);
    this.next = at + 1;
    this.lines = 1;
    if (this.end - start > this.maxRecordBytes) return 'oversize';
    return this.extend(bytes, atEnd);
  }

  skim(bytes: Buffer, from: number, to: number, most: number): number {
    const { lineBreak } = this;
    // Over nearly every byte of a file: one look for the line's end, and two comparisons. Lines of a byte or none, and
    // those that only their carriage return might make too long, are left to `find`.
    const longest = this.maxRecordBytes - 2;
    let plainTo = this.plainTo(bytes, from);
    let start = from;
    let found = 0;
    for (; found < most; found++) {
      const at = bytes.indexOf(lineBreak, start);
      // Unsigned, so that what is negative, -1 above all, is too long as well.
      if ((at - start - 2) >>> 0 > longest || at > to) break;
      if (at > plainTo) {
        if (!this.isWhole(bytes, start, this.#endOf(bytes, at))) break;
        plainTo = this.plainTo(bytes, at);
      }
      start = at + 1;
    }
    this.end = this.#endOf(bytes, start - 1);
    this.next = start;
    this.lines = found;
    return found;
  }

  /** Where the line ends whose break is at `at`. */
  #endOf(bytes: Buffer, at: number): number {
    return this.lineBreak === lineFeed && bytes[at - 1] === carriageReturn ? at - 1 : at;
  }

  /** A line that begins at `from` or behind and ends here or before is surely a record. */
  protected abstract plainTo(bytes: Buffer, from: number): number;

  /** Whether this line, its break not taken in, surely is one. */
  protected abstract isWhole(bytes: Buffer, start: number, end: number): boolean;

  /** `start` to `end` is a line: the record may go on past it. */
  protected abstract extend(bytes: Buffer, atEnd: boolean): Found;

  /** The line at `start` has no break in the window. */
  #findLast(bytes: Buffer, atEnd: boolean): Found {
    const length = bytes.length - this.start;
    // One byte more than the limit may still be the carriage return of its break.
    if (!atEnd) return length > this.maxRecordBytes + 1 ? 'oversize' : 'more';
    if (length === 0) return 'end';
    // A carriage return here breaks no line: it is data, as it is where a slice ends.
    this.end = bytes.length;
    this.next = bytes.length;
    this.lines = 0;
    this.endsWithBreak = false;
    return length > this.maxRecordBytes ? 'oversize' : this.extend(bytes, atEnd);
  }

  /** An oversize record is one line, whatever quotes it has. */
  pass(bytes: Buffer, from: number, atEnd: boolean): boolean {
    const at = bytes.indexOf(this.lineBreak, from);
    if (at === -1) {
      const held = !atEnd && this.lineBreak === lineFeed && bytes[bytes.length - 1] === carriageReturn ? 1 : 0;
      this.end = Math.max(from, bytes.length - held);
      this.next = this.end;
      this.lines = 0;
      if (atEnd) this.endsWithBreak = false;
      return atEnd;
    }
    this.end = at > from && this.lineBreak === lineFeed && bytes[at - 1] === carriageReturn ? at - 1 : at;
    this.next = at + 1;
    this.lines = 1;
    return true;
  }

  endWarning(): CutWarning | null {
    if (this.endsWithBreak) return null;
    return {
      code: 'no_final_line_break',
      message: 'The last line has no line break: the file may have been cut off.',
    };
  }
}
