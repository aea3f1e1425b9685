import type { Buffer } from 'node:buffer';
import type { OtherHeader } from './describe-header.ts';
import type { CutRules } from './dialect.ts';
import type { HeaderRow } from './header-row.ts';
import type { CutWarning, Found, RecordScanner } from './record-scanner.ts';

export const tab = 9;
export const lineFeed = 10;
export const carriageReturn = 13;
/** DOS ends a text with it; concatenated files have it in the middle. */
const ctrlZ = 26;
const space = 32;
export const byteOrderMark = [0xef, 0xbb, 0xbf] as const;

/**
 * Bytes before a line's break that belong to its end, at most: Python's csv module in text mode writes CR CR LF. A longer
 * run is no line's end but data. The bound keeps it decidable in a window of bounded size.
 */
const maxTailBytes = 16;

/** What scanners of formats with a record a line share: blank lines, long lines, the last line. */
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
  /** By first byte: 1 where a line that begins with it may be no record, or not begin with it. */
  protected readonly isOdd = new Uint8Array(256);
  /** By byte: 1 where it may belong to a line's end, before its break. */
  protected readonly isTail = new Uint8Array(256);
  /** By first and second byte: 1 where such a line is odd, if its first byte is; undefined: all of them are. Spares most lines a call. */
  protected isOddPair: Uint8Array | undefined;
  /** A line feed without a carriage return before it may be no line's end. */
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
    const { lineBreak, isOdd, isOddPair, hasPairedBreaks } = this;
    // Over nearly every byte of a file: one look for the line's end, and few comparisons. Lines of a byte or none, those
    // that may be no records, and those that only what belongs to their end might make too long, are left to `find`.
    const longest = this.maxRecordBytes - 2;
    let plainTo = this.plainTo(bytes, from);
    let start = from;
    let found = 0;
    for (; found < most; found++) {
      const at = bytes.indexOf(lineBreak, start);
      // Unsigned, so that what is negative, -1 above all, is too long as well.
      if ((at - start - 2) >>> 0 > longest || at > to) break;
      const first = bytes[start] ?? 0;
      if (isOdd[first] === 1 && isOddPair?.[(first << 8) | (bytes[start + 1] ?? 0)] !== 0) {
        if (this.mayBeOdd(bytes, start)) break;
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

  /** Passes what is no record, then looks at the line that begins there. */
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

  /** As files were cut before there were rules: only a line without a byte, or with a carriage return alone, is none. */
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
   * Line breaks of any kind, Ctrl-Z and byte-order marks before a record, and lines that are blank. `start` is moved past
   * them also where more is needed.
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

  /** Behind the byte-order mark at this place; the place itself if none is there. */
  #markAt(bytes: Buffer, at: number, atEnd: boolean): number {
    for (let n = 1; n < byteOrderMark.length; n++) {
      if (at + n >= bytes.length) return atEnd ? at : needsMore;
      if (bytes[at + n] !== byteOrderMark[n]) return at;
    }
    return at + byteOrderMark.length;
  }

  /** Where the line ends that begins here, if there is nothing in it; else its start. */
  #endOfBlankLine(bytes: Buffer, start: number, atEnd: boolean): number {
    const at = this.passBlankFields(bytes, start);
    if (at === start || at - start > this.maxRecordBytes) return start;
    const end = this.lineEndAt(bytes, at, atEnd);
    if (end === noLineEnd) return start;
    return end;
  }

  /** Spaces and tabs from here on. CSV has delimiters and quotes around nothing as well. */
  protected passBlankFields(bytes: Buffer, from: number): number {
    let at = from;
    while (bytes[at] === space || bytes[at] === tab) at++;
    return at;
  }

  /**
   * Behind the line's end that begins at `at`, its break not taken in: `noLineEnd` where something else stands there,
   * `needsMore` where the window does not say.
   */
  protected lineEndAt(bytes: Buffer, at: number, atEnd: boolean): number {
    const run = this.passTail(bytes, at, at + this.maxTailBytes + 1);
    if (run - at > this.maxTailBytes) return noLineEnd;
    if (run === bytes.length && !atEnd) return needsMore;
    // Before there were rules, a carriage return at the file's end was data.
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

  /** Where the line that begins at `start` or behind ends, whose break is at `at`. */
  protected endOf(bytes: Buffer, start: number, at: number): number {
    const isTail = this.isTail;
    if (at <= start || isTail[bytes[at - 1] ?? 0] === 0) return at;
    // Before there were rules, one carriage return belonged to the end, however many there were.
    if (this.rules === undefined) return at - 1;
    let end = at - 1;
    const least = Math.max(start, at - this.maxTailBytes - 1);
    while (end > least && isTail[bytes[end - 1] ?? 0] === 1) end--;
    return at - end > this.maxTailBytes ? at : end;
  }

  /** A line that begins at `from` or behind and ends here or before is surely a record. */
  protected abstract plainTo(bytes: Buffer, from: number): number;

  /** Whether this line, its break not taken in, surely is one. */
  protected abstract isPlain(bytes: Buffer, start: number, end: number): boolean;

  /** `start` to `end` is a line: the record may go on past it. */
  protected abstract extend(bytes: Buffer, atEnd: boolean): Found;

  /** Whether a line whose first byte is odd may be no record after all. */
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
    // Before there were rules, a carriage return here was data. Now it isn't: no slice ends with one either.
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

  /** The window ends here, and what stands before its end may belong to the line's end: one more than may tells a longer run. */
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

/** The window ends before it can be said. */
export const needsMore = -1;
/** What stands there is no line's end. */
export const noLineEnd = -2;
