import type { Problem } from '../problem.ts';
import type { CsvDialect, Dialect } from './dialect.ts';

/** A record's place in the bytes that were looked at. One object is used over and over: a file has millions of records. */
export interface Scanned {
  /** The record's bytes, without its line break. */
  start: number;
  end: number;
  /** Where the next record may begin. */
  next: number;
  /** Physical lines that lie before `start`, and before `next`, counted from where the scan began. */
  linesToStart: number;
  linesToNext: number;
  problem: Problem | null;
}

export type ScanEnd =
  | 'record'
  /** Nothing but blank lines: `next` is where they end. */
  | 'none'
  /** What there is can't be judged yet: `start` is where the record begins. */
  | 'more'
  /** The record's first line is over the limit and has not ended: `start` is where it begins. */
  | 'oversize';

export function newScanned(): Scanned {
  return { start: 0, end: 0, next: 0, linesToStart: 0, linesToNext: 0, problem: null };
}

const quote = 0x22;
const lf = 0x0a;
const cr = 0x0d;

/**
 * Finds the next record in lines of bytes: one function for splitter and consumer, so that both see the same records.
 *
 * The splitter sees more bytes behind a record than the consumer, whose slice ends with its last record. They agree all
 * the same: a quoted field that closes does so within the slice for both, and one that does not is, for both, a first
 * line with a problem, wherever the search for its end was given up.
 */
export class RecordScanner {
  readonly #bytes: Buffer;
  readonly #atEnd: boolean;
  readonly #maxRecordBytes: number;
  readonly #lineBreak: number;
  readonly #csv: CsvDialect | undefined;
  /** The next quote at or behind the scan; -1 where there is none. Lines before it need no look. */
  #nextQuote: number;

  constructor(bytes: Buffer, atEnd: boolean, dialect: Dialect, maxRecordBytes: number) {
    this.#bytes = bytes;
    this.#atEnd = atEnd;
    this.#maxRecordBytes = maxRecordBytes;
    this.#csv = dialect.format === 'csv' ? dialect : undefined;
    this.#lineBreak = this.#csv?.lineBreak === 'cr' ? cr : lf;
    this.#nextQuote = this.#csv ? -2 : -1;
  }

  scan(from: number, out: Scanned): ScanEnd {
    const bytes = this.#bytes;
    let start = from;
    let lines = 0;
    // Blank lines are no records. A CR at the end of what there is may yet be half of a CRLF.
    for (;;) {
      if (bytes[start] === this.#lineBreak) start += 1;
      else if (this.#lineBreak === lf && bytes[start] === cr && bytes[start + 1] === lf) start += 2;
      else break;
      lines++;
    }
    out.start = start;
    out.next = start;
    out.linesToStart = lines;
    out.linesToNext = lines;
    out.problem = null;
    if (start >= bytes.length) return 'none';

    const lineEnd = bytes.indexOf(this.#lineBreak, start);
    if (lineEnd === -1 && !this.#atEnd) return bytes.length - start > this.#maxRecordBytes + 1 ? 'oversize' : 'more';
    const ends = lineEnd === -1 ? bytes.length : lineEnd;
    this.#endAt(ends, start, lines + 1, out);
    if (out.end - start > this.#maxRecordBytes) return 'oversize';
    if (!this.#hasQuote(start, ends)) return 'record';
    return this.#scanQuoted(start, lines, out);
  }

  /** Ends the record at a line break, or at the end of the bytes. */
  #endAt(ends: number, start: number, lines: number, out: Scanned): void {
    const isBroken = ends < this.#bytes.length;
    const hasCr = isBroken && this.#lineBreak === lf && ends > start && this.#bytes[ends - 1] === cr;
    out.end = hasCr ? ends - 1 : ends;
    out.next = isBroken ? ends + 1 : ends;
    out.linesToNext = lines;
  }

  #hasQuote(start: number, end: number): boolean {
    if (this.#nextQuote === -1) return false;
    if (this.#nextQuote < start) this.#nextQuote = this.#bytes.indexOf(quote, start);
    return this.#nextQuote !== -1 && this.#nextQuote < end;
  }

  /** A record with quotes: `out` holds its first line, and keeps it where the quotes don't hold. */
  #scanQuoted(start: number, lines: number, out: Scanned): ScanEnd {
    const walk = this.#walkFields(start);
    if (walk.kind === 'more') return 'more';
    if (walk.kind === 'bad') {
      out.problem = walk.problem;
      return 'record';
    }
    if (walk.end - start > this.#maxRecordBytes) {
      out.problem = unclosed(`is not closed within ${this.#maxRecordBytes} bytes`);
      return 'record';
    }
    this.#endAt(walk.end, start, lines + 1 + walk.breaks, out);
    return 'record';
  }

  /** Follows RFC 4180 from field to field; `end` is where the record's line break, or the end of the bytes, stands. */
  #walkFields(
    start: number,
  ): { kind: 'end'; end: number; breaks: number } | { kind: 'more' } | { kind: 'bad'; problem: Problem } {
    const bytes = this.#bytes;
    const delimiter = (this.#csv as CsvDialect).delimiter.charCodeAt(0);
    let at = start;
    let breaks = 0;
    for (;;) {
      if (bytes[at] === quote) {
        const field = this.#walkQuotedField(start, at + 1);
        if (field.kind !== 'closed') return field;
        breaks += field.breaks;
        at = field.after;
        // What follows a closing quote is a delimiter or the end of the line.
        const byte = bytes[at];
        const isCrLf = this.#lineBreak === lf && byte === cr && bytes[at + 1] === lf;
        if (byte === undefined) return this.#atEnd ? { kind: 'end', end: at, breaks } : { kind: 'more' };
        if (byte === this.#lineBreak) return { kind: 'end', end: at, breaks };
        if (isCrLf) return { kind: 'end', end: at + 1, breaks };
        if (byte === cr && at + 1 === bytes.length && !this.#atEnd) return { kind: 'more' };
        if (byte !== delimiter) {
          return { kind: 'bad', problem: problem('text_after_quote', 'text follows the closing quote of a field') };
        }
      } else {
        while (at < bytes.length && bytes[at] !== delimiter && bytes[at] !== this.#lineBreak && bytes[at] !== quote)
          at++;
        if (bytes[at] === quote) {
          return {
            kind: 'bad',
            problem: problem('bare_quote', 'a quote stands in a field that does not begin with one'),
          };
        }
        if (at - start > this.#maxRecordBytes) {
          return { kind: 'bad', problem: unclosed(`would make the record longer than ${this.#maxRecordBytes} bytes`) };
        }
        if (at === bytes.length) return this.#atEnd ? { kind: 'end', end: at, breaks } : { kind: 'more' };
        if (bytes[at] === this.#lineBreak) return { kind: 'end', end: at, breaks };
      }
      at++;
    }
  }

  /** From behind an opening quote to behind its closing one. */
  #walkQuotedField(
    start: number,
    from: number,
  ): { kind: 'closed'; after: number; breaks: number } | { kind: 'more' } | { kind: 'bad'; problem: Problem } {
    const bytes = this.#bytes;
    let at = from;
    let breaks = 0;
    let segment = -1;
    for (;;) {
      const close = bytes.indexOf(quote, at);
      const limit = start + this.#maxRecordBytes;
      const until = close === -1 ? Math.min(bytes.length, limit) : close;
      for (
        let brk = bytes.indexOf(this.#lineBreak, at);
        brk !== -1 && brk < until;
        brk = bytes.indexOf(this.#lineBreak, brk + 1)
      ) {
        if (segment !== -1 && this.#looksLikeRow(segment, brk)) return { kind: 'bad', problem: swallows };
        segment = brk + 1;
        breaks++;
      }
      if (close === -1 ? bytes.length > limit : close > limit) {
        return { kind: 'bad', problem: unclosed(`is not closed within ${this.#maxRecordBytes} bytes`) };
      }
      if (close === -1) return this.#atEnd ? { kind: 'bad', problem: unclosed('is never closed') } : { kind: 'more' };
      if (bytes[close + 1] === quote) {
        at = close + 2;
        continue;
      }
      if (close + 1 === bytes.length && !this.#atEnd) return { kind: 'more' };
      if (segment !== -1 && this.#looksLikeRow(segment, close)) return { kind: 'bad', problem: swallows };
      return { kind: 'closed', after: close + 1, breaks };
    }
  }

  /**
   * Whether a line inside a quoted field has just as many delimiters as a row: then the quote before it is a stray one
   * that another stray one happens to close, and the rows between are not text of a field.
   */
  #looksLikeRow(from: number, to: number): boolean {
    const { columns, delimiter } = this.#csv as CsvDialect;
    if (columns.length < 3) return false;
    const code = delimiter.charCodeAt(0);
    let count = 0;
    for (let at = this.#bytes.indexOf(code, from); at !== -1 && at < to; at = this.#bytes.indexOf(code, at + 1)) {
      if (++count === columns.length) return false;
    }
    return count === columns.length - 1;
  }
}

const problem = (reason: Problem['reason'], message: string): Problem => ({ reason, field: null, message });
const unclosed = (how: string): Problem => problem('unclosed_quote', `a quoted field ${how}`);
const swallows = unclosed('would swallow the rows that follow');
