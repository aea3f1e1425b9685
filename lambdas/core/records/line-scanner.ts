import type { Buffer } from 'node:buffer';
import { carriageReturn, ctrlZ, lineFeed, space, tab } from './ascii.ts';
import type { OtherHeader } from './describe-header.ts';
import type { CutRules } from './dialect.ts';
import type { HeaderRow } from './header-row.ts';
import type { CutWarning, Found, RecordScanner } from './record-scanner.ts';

/** DOS ends a text with it; concatenated files have it in the middle. */
export const byteOrderMark = [0xef, 0xbb, 0xbf] as const;

/**
 * Maximum number of bytes before a line's break that belong to its end: Python's csv module in text mode writes CR CR LF.
 * A longer run is data, not a line's end. The bound keeps it decidable in a window of bounded size.
 */
const maxTailBytes = 16;

/** The common part of the scanners of formats with one record per line: blank lines, long lines, the last line. */
export abstract class LineScanner implements RecordScanner {
  start = 0;
  end = 0;
  next = 0;
  linesBefore = 0;
  lines = 0;
  headersBefore = 0;
  linesBeforeHeader = 0;
  otherHeader: OtherHeader | undefined;
  protected readonly maxRecordBytes: number;
  /** The byte that ends a line. */
  protected readonly lineBreak: number;
  protected readonly rules: CutRules | undefined;
  protected readonly maxTailBytes: number;
  /** By first byte: 1 if a line that begins with it may not be a record, or the record may begin later. */
  protected readonly isOdd = new Uint8Array(256);
  /** By byte: 1 if it may belong to a line's end, before its break. */
  protected readonly isTail = new Uint8Array(256);
  /**
   * By first and second byte, given an odd first byte: 0 if such a line is not odd, 1 if it is, 2 if it is odd provided that
   * its sixth byte is in `isOddSixth`. Undefined: all of them are odd. Saves most lines a call.
   */
  protected isOddPair: Uint8Array | undefined;
  protected readonly isOddSixth = new Uint8Array(256);
  /** A line feed without a carriage return before it may not be a line's end. */
  protected hasPairedBreaks = false;
  protected endsWithBreak = true;

  constructor(maxRecordBytes: number, lineBreak: number, rules: CutRules | undefined) {
    this.maxRecordBytes = maxRecordBytes;
    this.lineBreak = lineBreak;
    this.rules = rules;
    if (rules === undefined) {
      this.maxTailBytes = lineBreak === lineFeed ? 1 : 0;
      this.isTail[carriageReturn] = this.maxTailBytes;
      return;
    }
    this.maxTailBytes = maxTailBytes;
    for (const byte of [lineFeed, carriageReturn, ctrlZ]) {
      if (byte !== lineBreak) this.isTail[byte] = 1;
      this.isOdd[byte] = 1;
    }
    for (const byte of [tab, space, byteOrderMark[0]]) this.isOdd[byte] = 1;
  }

  find(bytes: Buffer, from: number, atEnd: boolean): Found {
    this.start = from;
    this.linesBefore = 0;
    this.headersBefore = 0;
    for (;;) {
      const found = this.#findNext(bytes, this.start, atEnd);
      const header = found === 'record' ? this.headerHere(bytes) : undefined;
      this.otherHeader = header?.kind === 'other' ? header : undefined;
      if (header?.kind !== 'repeated') return found;
      if (this.headersBefore++ === 0) this.linesBeforeHeader = this.linesBefore;
      this.linesBefore += this.lines;
      this.start = this.next;
    }
  }

  skim(bytes: Buffer, from: number, to: number, most: number): number {
    const { lineBreak, isOdd, isOddPair, isOddSixth, hasPairedBreaks } = this;
    // This loop passes nearly every byte of a file: one search for the line's end, and few comparisons. `find` handles
    // lines of at most one byte, lines that may not be records, and lines that may be too long only because of the bytes
    // of their end.
    const longest = this.maxRecordBytes - 2;
    let plainTo = this.plainTo(bytes, from);
    let start = from;
    let found = 0;
    for (; found < most; found++) {
      const at = bytes.indexOf(lineBreak, start);
      // Unsigned, so that negative values, above all -1, count as too long as well.
      if ((at - start - 2) >>> 0 > longest || at > to) break;
      const first = bytes[start] ?? 0;
      if (isOdd[first] === 1) {
        const pair = isOddPair?.[(first << 8) | (bytes[start + 1] ?? 0)];
        if (pair !== 0 && (pair !== 2 || isOddSixth[bytes[start + 5] ?? 0] === 1) && this.mayBeOdd(bytes, start)) break;
      }
      if (hasPairedBreaks && bytes[at - 1] !== carriageReturn) break;
      if (at > plainTo) {
        if (!this.isPlain(bytes, start, this.endOf(bytes, start, at))) break;
        plainTo = this.plainTo(bytes, at);
      }
      start = at + 1;
    }
    this.end = found === 0 ? from : this.endOf(bytes, from, start - 1);
    this.next = start;
    this.lines = found;
    return found;
  }

  /** Passes what is not a record, then inspects the line that begins there. */
  #findNext(bytes: Buffer, from: number, atEnd: boolean): Found {
    const start = this.rules === undefined ? this.#passEmptyLines(bytes, from) : this.#passBlanks(bytes, from, atEnd);
    if (start === needsMore) return 'more';
    this.start = start;
    const at = bytes.indexOf(this.lineBreak, start);
    if (at === -1) return this.#findLast(bytes, atEnd);
    this.end = this.endOf(bytes, start, at);
    this.next = at + 1;
    this.lines = 1;
    if (this.end - start > this.maxRecordBytes) return 'oversize';
    return this.extend(bytes, atEnd);
  }

  /**
   * As files were cut before `rules` existed: only a line without a byte, or with a single carriage return, is not a
   * record.
   */
  #passEmptyLines(bytes: Buffer, from: number): number {
    const { lineBreak } = this;
    let start = from;
    for (;;) {
      const at = bytes.indexOf(lineBreak, start);
      if (at === -1) return start;
      if (at > start + 1 || (at > start && (lineBreak !== lineFeed || bytes[start] !== carriageReturn))) return start;
      this.linesBefore++;
      start = at + 1;
    }
  }

  /**
   * Passes line breaks of any kind, Ctrl-Z and byte-order marks before a record, and blank lines. `start` is moved past
   * them even if more bytes are needed.
   */
  #passBlanks(bytes: Buffer, from: number, atEnd: boolean): number {
    const { lineBreak } = this;
    const isTail = this.isTail;
    for (let at = from; ;) {
      this.start = at;
      const byte = bytes[at];
      if (byte === undefined) return at;
      if (byte === lineBreak) {
        this.linesBefore++;
        at++;
      } else if (isTail[byte] === 1) at++;
      else if (byte === byteOrderMark[0]) {
        const mark = this.#markAt(bytes, at, atEnd);
        if (mark === needsMore) return needsMore;
        if (mark === at) return at;
        at = mark;
      } else if (this.isOdd[byte] === 1) {
        const end = this.#endOfBlankLine(bytes, at, atEnd);
        if (end === needsMore) return needsMore;
        if (end === at) return at;
        at = end;
      } else return at;
    }
  }

  /** The position after the byte-order mark at `at`; `at` itself if there is none. */
  #markAt(bytes: Buffer, at: number, atEnd: boolean): number {
    for (let n = 1; n < byteOrderMark.length; n++) {
      if (at + n >= bytes.length) return atEnd ? at : needsMore;
      if (bytes[at + n] !== byteOrderMark[n]) return at;
    }
    return at + byteOrderMark.length;
  }

  /** Where the line that begins here ends, if it is blank; otherwise its start. */
  #endOfBlankLine(bytes: Buffer, start: number, atEnd: boolean): number {
    const at = this.passBlankFields(bytes, start);
    if (at === start || at - start > this.maxRecordBytes) return start;
    const end = this.lineEndAt(bytes, at, atEnd);
    if (end === noLineEnd) return start;
    return end;
  }

  /** Passes spaces and tabs. CSV also passes delimiters, and quotes around nothing. */
  protected passBlankFields(bytes: Buffer, from: number): number {
    let at = from;
    while (bytes[at] === space || bytes[at] === tab) at++;
    return at;
  }

  /**
   * The position after the line's end that begins at `at`, without its break: `noLineEnd` if something else is there,
   * `needsMore` if the window is too short to decide.
   */
  protected lineEndAt(bytes: Buffer, at: number, atEnd: boolean): number {
    const run = this.passTail(bytes, at, at + this.maxTailBytes + 1);
    if (run - at > this.maxTailBytes) return noLineEnd;
    if (run === bytes.length && !atEnd) return needsMore;
    // Before `rules` existed, a carriage return at the file's end was data.
    if (run === bytes.length) return run > at && this.rules === undefined ? noLineEnd : run;
    return bytes[run] === this.lineBreak ? run : noLineEnd;
  }

  /** The first byte from here on that can't belong to a line's end before its break. */
  protected passTail(bytes: Buffer, from: number, to = bytes.length): number {
    const end = Math.min(to, bytes.length);
    let at = from;
    while (at < end && this.isTail[bytes[at] ?? 0] === 1) at++;
    return at;
  }

  /** Where the line that begins at or after `start`, and whose break is at `at`, ends. */
  protected endOf(bytes: Buffer, start: number, at: number): number {
    const isTail = this.isTail;
    if (at <= start || isTail[bytes[at - 1] ?? 0] === 0) return at;
    // Before `rules` existed, one carriage return belonged to the end, regardless of their number.
    if (this.rules === undefined) return at - 1;
    let end = at - 1;
    const least = Math.max(start, at - this.maxTailBytes - 1);
    while (end > least && isTail[bytes[end - 1] ?? 0] === 1) end--;
    return at - end > this.maxTailBytes ? at : end;
  }

  /** A line that begins at or after `from` and ends at or before the returned position is certainly a record. */
  protected abstract plainTo(bytes: Buffer, from: number): number;

  /** Whether this line, without its break, certainly is one. */
  protected abstract isPlain(bytes: Buffer, start: number, end: number): boolean;

  /** `start` to `end` is a line: the record may continue after it. */
  protected abstract extend(bytes: Buffer, atEnd: boolean): Found;

  /** Whether a line with an odd first byte may not be a record after all. */
  protected mayBeOdd(_bytes: Buffer, _start: number): boolean {
    return true;
  }

  /** Whether the record just found is a header. */
  protected headerHere(_bytes: Buffer): HeaderRow | undefined {
    return undefined;
  }

  /** The line at `start` has no break in the window. */
  #findLast(bytes: Buffer, atEnd: boolean): Found {
    const length = bytes.length - this.start;
    // The bytes beyond the limit may still belong to its end.
    if (!atEnd) return length > this.maxRecordBytes + this.maxTailBytes ? 'oversize' : 'more';
    if (length === 0) return 'end';
    // Before `rules` existed, a carriage return here was data. Now it isn't: no slice ends with one either.
    this.end = this.rules === undefined ? bytes.length : this.endOf(bytes, this.start, bytes.length);
    this.next = bytes.length;
    this.lines = 0;
    this.endsWithBreak = false;
    return this.end - this.start > this.maxRecordBytes ? 'oversize' : this.extend(bytes, atEnd);
  }

  /** An oversize record is one line, whatever quotes it has. */
  pass(bytes: Buffer, from: number, atEnd: boolean): boolean {
    const at = bytes.indexOf(this.lineBreak, from);
    if (at === -1) {
      this.end = atEnd ? this.#endAtEnd(bytes, from) : this.#beforeTail(bytes, from);
      this.next = atEnd ? bytes.length : this.end;
      this.lines = 0;
      if (atEnd) this.endsWithBreak = false;
      return atEnd;
    }
    this.end = this.endOf(bytes, from, at);
    this.next = at + 1;
    this.lines = 1;
    return true;
  }

  #endAtEnd(bytes: Buffer, from: number): number {
    return this.rules === undefined ? bytes.length : this.endOf(bytes, from, bytes.length);
  }

  /**
   * The window ends here, and the bytes before its end may belong to the line's end: one byte more than the maximum
   * reveals a longer run.
   */
  #beforeTail(bytes: Buffer, from: number): number {
    const most = this.rules === undefined ? this.maxTailBytes : this.maxTailBytes + 1;
    const least = Math.max(from, bytes.length - most);
    let end = Math.max(from, bytes.length);
    while (end > least && this.isTail[bytes[end - 1] ?? 0] === 1) end--;
    return end;
  }

  endWarning(): CutWarning | null {
    if (this.endsWithBreak) return null;
    return {
      code: 'no_final_line_break',
      message: 'The last line has no line break: the file may have been truncated.',
    };
  }
}

/** The window ends before it can be decided. */
export const needsMore = -1;
/** The bytes there are not a line's end. */
export const noLineEnd = -2;
