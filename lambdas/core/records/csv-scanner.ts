import type { Buffer } from 'node:buffer';
import type { CsvDialect } from './dialect.ts';
import type { Found } from './record-scanner.ts';
import { carriageReturn, lineFeed, LineScanner } from './line-scanner.ts';

const quote = 34;

/**
 * CSV after RFC 4180, strict about quotes: a field is quoted if it begins with a quote, and only then may a quote
 * stand in it. A record that breaks this, or isn't over within the limit, is its first line alone, and the line after
 * it is read as if nothing had happened: a stray quote costs its own line.
 *
 * A quote that was never closed would pair with the next stray one and take the good lines between for its text.
 * See `isSwallowing` for how that is noticed.
 */
export class CsvScanner extends LineScanner {
  readonly #delimiter: number;
  /** How many fields a row has; 0 where they are too few to tell a row from text. */
  readonly #rowFields: number;
  /** No quote stands in `#seen` between where we are and here. */
  #nextQuote = 0;
  #seen: Buffer | undefined;
  #fields = 0;

  constructor(dialect: Pick<CsvDialect, 'delimiter' | 'lineBreak' | 'columns'>, maxRecordBytes: number) {
    super(maxRecordBytes, dialect.lineBreak === 'cr' ? carriageReturn : lineFeed);
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#rowFields = dialect.columns.length >= 3 ? dialect.columns.length : 0;
  }

  /** `start` to `end` is a line here. It is the record, but for a field whose quotes go on past it. */
  protected override extend(bytes: Buffer, atEnd: boolean): Found {
    const { start } = this;
    if (this.isWhole(bytes, start, this.end)) return 'record';
    const end = this.#followFields(bytes, start, atEnd);
    if (end === needsMore) return 'more';
    if (end <= this.end || this.#isSwallowing(bytes, start, end)) return 'record';
    this.end = end;
    this.next = Math.min(end + (bytes[end] === this.lineBreak ? 1 : 2), bytes.length);
    this.lines = countByte(bytes, this.lineBreak, start, this.next);
    this.endsWithBreak = end < bytes.length;
    return 'record';
  }

  protected override plainTo(bytes: Buffer, from: number): number {
    if (bytes !== this.#seen || this.#nextQuote < from) {
      this.#seen = bytes;
      const at = bytes.indexOf(quote, from);
      this.#nextQuote = at === -1 ? bytes.length : at;
    }
    return this.#nextQuote;
  }

  protected override isWhole(bytes: Buffer, start: number, end: number): boolean {
    return this.plainTo(bytes, start) >= end || !this.#opensPast(bytes, start, end);
  }

  /**
   * Whether quotes that a field of this line opens are not closed in it. A quote where none may stand is no such: then
   * the line is a (broken) record too. Follows the line from its first quote on, and looks for nothing but quotes.
   */
  #opensPast(bytes: Buffer, start: number, end: number): boolean {
    for (let at = this.#nextQuote; at < end; at++) {
      if (bytes[at] !== quote) continue;
      if (at > start && bytes[at - 1] !== this.#delimiter) return false;
      at = closingQuote(bytes, at + 1, end) + 1;
      if (at === 0) return true;
      if (at < end && bytes[at] !== this.#delimiter) return false;
    }
    return false;
  }

  /** Where the record that begins at `start` ends by the rules of quotes; `start` if it breaks them. */
  #followFields(bytes: Buffer, start: number, atEnd: boolean): number {
    const lastEnd = start + this.maxRecordBytes;
    // Past the limit no answer can change any more, however the file goes on.
    const stuck = atEnd || bytes.length > lastEnd + 2 ? start : needsMore;
    this.#fields = 0;
    for (let at = start; ; at++) {
      this.#fields++;
      if (bytes[at] === quote) {
        at = closingQuote(bytes, at + 1, lastEnd) + 1;
        if (at > lastEnd) return start;
        if (at === 0 || (at >= bytes.length && !atEnd)) return stuck;
      } else {
        at = this.#endOfPlain(bytes, at, atEnd);
        if (at > lastEnd || bytes[at] === quote) return start;
        if (at === bytes.length && !atEnd) return stuck;
      }
      const byte = bytes[at];
      if (byte === this.#delimiter) continue;
      if (byte === undefined || byte === this.lineBreak) return at;
      if (byte !== carriageReturn || this.lineBreak !== lineFeed) return start;
      // A carriage return: the line's break if a line feed follows, else text after a closing quote.
      if (at + 1 === bytes.length && !atEnd) return stuck;
      return bytes[at + 1] === lineFeed ? at : start;
    }
  }

  /** The first byte that can't belong to the unquoted field at `at`: delimiter, quote, the line's end. */
  #endOfPlain(bytes: Buffer, at: number, atEnd: boolean): number {
    const { lineBreak } = this;
    const delimiter = this.#delimiter;
    const { length } = bytes;
    for (; at < length; at++) {
      const byte = bytes[at];
      if (byte === delimiter || byte === quote || byte === lineBreak) break;
      if (byte !== carriageReturn || lineBreak !== lineFeed) continue;
      if (at + 1 === length ? !atEnd : bytes[at + 1] === lineFeed) break;
    }
    return at;
  }

  /**
   * Whether a record of several lines is rather an unclosed quote that ran into the next stray one. It is
   * - if it hasn't the fields that a row has (it would be rejected anyway), but one of the lines it would take in has a
   *   row's delimiters: then it is its first line alone;
   * - if it has them, but each of its lines, three or more, has a row's delimiters: two quotes gone astray in the same
   *   column, which would be valid CSV and lose the rows between without a word. Text that happens to look so is rejected.
   */
  #isSwallowing(bytes: Buffer, start: number, end: number): boolean {
    if (this.#rowFields === 0) return false;
    let lines = 0;
    let rowLike = 0;
    let isFirstRowLike = false;
    for (let line = start; line <= end; lines++) {
      const at = bytes.indexOf(this.lineBreak, line);
      const lineEnd = at === -1 || at > end ? end : at;
      const isRowLike = countByte(bytes, this.#delimiter, line, lineEnd) === this.#rowFields - 1;
      if (isRowLike) rowLike++;
      if (lines === 0) isFirstRowLike = isRowLike;
      line = lineEnd + 1;
    }
    if (this.#fields === this.#rowFields) return lines >= 3 && rowLike === lines;
    return rowLike > (isFirstRowLike ? 1 : 0);
  }
}

const needsMore = -1;

/** The quote that closes a field whose text begins at `at`: the first that isn't doubled. -1 if there is none before `to`. */
function closingQuote(bytes: Buffer, from: number, to: number): number {
  // A loop, not indexOf: most fields are shorter than such a call takes.
  const end = Math.min(bytes.length, to);
  for (let at = from; at < end; at++) {
    if (bytes[at] !== quote) continue;
    if (bytes[at + 1] !== quote) return at;
    at++;
  }
  return -1;
}

function countByte(bytes: Buffer, byte: number, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (bytes[at] === byte) count++;
  return count;
}
