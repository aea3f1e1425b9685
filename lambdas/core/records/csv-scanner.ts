import { Buffer } from 'node:buffer';
import { carriageReturn, lineFeed, quote, space, tab } from './ascii.ts';
import { decodeText, encodeText } from './decode-text.ts';
import type { CsvDialect } from './dialect.ts';
import type { HeaderMark } from './header-mark.ts';
import { headerMarkOf } from './header-mark.ts';
import type { HeaderRow } from './header-row.ts';
import { headerRowOf } from './header-row.ts';
import type { Found } from './record-scanner.ts';
import { byteOrderMark, LineScanner, needsMore, noLineEnd } from './line-scanner.ts';

/**
 * CSV by RFC 4180, strict about quotes: a field is quoted if it begins with a quote, and only then may it contain a
 * quote. A record that violates this, or doesn't end within the limit, is its first line only, and the next line is read
 * normally: a stray quote costs only its own line.
 *
 * A quote that was never closed would pair with the next stray one and take the good lines between as its text. See
 * `isSwallowing` for how that is detected.
 */
export class CsvScanner extends LineScanner {
  readonly #dialect: CsvShape;
  readonly #delimiter: number;
  /**
   * The range of a row's number of fields; empty (Infinity to -Infinity) if there are too few columns to distinguish a
   * row from text.
   */
  readonly #fewestFields: number;
  readonly #mostFields: number;
  /** The beginnings of headers, by their first byte: the first column's name, and those by which another is recognised. */
  readonly #headerStarts: (Buffer[] | undefined)[] = Array.from({ length: 256 });
  /** By first byte: 1 if a line may be odd without a header's name. */
  readonly #isBlankByte = new Uint8Array(256);
  readonly #ownStart: Buffer;
  /** Recognises headers that begin with another name. */
  readonly #headerMark: HeaderMark | undefined;
  /** `#seen` has no quote between the current position and this one. */
  #nextQuote = 0;
  #seen: Buffer | undefined;
  #fields = 0;

  constructor(dialect: CsvShape, maxRecordBytes: number) {
    super(maxRecordBytes, dialect.lineBreak === 'cr' ? carriageReturn : lineFeed, dialect.rules);
    const { columns, delimiter, encoding, rules } = dialect;
    this.#dialect = dialect;
    this.#delimiter = delimiter.charCodeAt(0);
    const canTell = columns.length >= 3;
    // An empty field after the last one is surplus, in the header or in the rows.
    const surplus = rules === undefined ? 0 : 1;
    this.#fewestFields = canTell ? columns.length - (columns.at(-1) === '' ? surplus : 0) : Infinity;
    this.#mostFields = canTell ? columns.length + surplus : -Infinity;
    const bytesOf = (name: string): Buffer => encodeText(name, encoding);
    this.#ownStart = bytesOf(columns[0] ?? '');
    const starts = [...new Set([columns[0] ?? '', ...(dialect.headerNames ?? [])])].map(bytesOf);
    const headerStarts = starts.filter((name) => name.length > 0).map(startOfName);
    for (const name of headerStarts) (this.#headerStarts[name[0] ?? 0] ??= []).push(name);
    this.#headerMark = headerMarkOf(dialect.headerNames?.map(bytesOf) ?? []);
    if (rules === undefined) return;
    this.hasPairedBreaks = dialect.pairedBreaks === true;
    this.isOdd[this.#delimiter] = 1;
    this.isOdd[quote] = 1;
    this.#isBlankByte.set(this.isOdd);
    const pairs = new Uint8Array(256 * 256);
    for (const [byte, isOdd] of this.isOdd.entries()) if (isOdd === 1) pairs.fill(1, byte << 8, (byte + 1) << 8);
    for (const name of headerStarts) {
      const [first = quote, second] = name;
      for (const one of casesOf(first)) {
        this.isOdd[one] = 1;
        if (second === undefined) pairs.fill(1, one << 8, (one + 1) << 8);
        else for (const other of [...casesOf(second), ...separators]) pairs[(one << 8) | other] ||= 2;
      }
      // The first six bytes of a longer name are letters of it, or separators between them. A shorter one may end before.
      if (name.length < 6) this.isOddSixth.fill(1);
      for (const byte of name.subarray(1, 6)) for (const one of casesOf(byte)) this.isOddSixth[one] = 1;
    }
    for (const separator of separators) this.isOddSixth[separator] = 1;
    this.isOddPair = pairs;
  }

  /** `start` to `end` is a line here. It is the record, unless a quoted field continues after it. */
  protected override extend(bytes: Buffer, atEnd: boolean): Found {
    const { start } = this;
    if (this.hasPairedBreaks && this.#quoteFrom(bytes, start) >= this.end) return this.#joinBroken(bytes, atEnd);
    if (this.#isWhole(bytes, start, this.end)) return 'record';
    const end = this.#followFields(bytes, start, atEnd);
    if (end === needsMore) return 'more';
    if (end <= this.end || this.#isSwallowing(bytes, start, end)) return 'record';
    this.end = end;
    const lineEnd = this.passTail(bytes, end);
    this.endsWithBreak = lineEnd < bytes.length;
    this.next = this.endsWithBreak ? lineEnd + 1 : lineEnd;
    this.lines = countByte(bytes, this.lineBreak, start, this.next);
    return 'record';
  }

  /**
   * In files whose lines end with CR LF, a single line feed may be in a field that should be quoted. In the last field:
   * then this line looks like a row, and the following text is not one. In the first: the other way around. Both lines
   * are one record, which is rejected when it is parsed.
   */
  #joinBroken(bytes: Buffer, atEnd: boolean): Found {
    const { start, maxRecordBytes } = this;
    const fields = countByte(bytes, this.#delimiter, start, this.end) + 1;
    let isRow = this.#isRow(fields);
    if (!isRow && fields > 1) return 'record';
    // After more carriage returns than a line's end may have, the line feed is a pair's all the same: `skim` passes it too.
    while (bytes[this.end] === lineFeed && bytes[this.end - 1] !== carriageReturn) {
      const { next } = this;
      const at = bytes.indexOf(lineFeed, next);
      // It would be too long in any case.
      if (bytes.length - start > maxRecordBytes + this.maxTailBytes && at === -1) return 'record';
      if (at === -1 && !atEnd) return 'more';
      const end = this.endOf(bytes, next, at === -1 ? bytes.length : at);
      if (end - start > maxRecordBytes || !this.#isWhole(bytes, next, end)) return 'record';
      // Another file begins there.
      if (hasAt(bytes, next, byteOrderMark) || hasAt(bytes, next, this.#ownStart)) return 'record';
      if (this.#dialect.headerNames && this.#mayBeHeader(bytes, next, end)) return 'record';
      if (this.passBlankFields(bytes, this.passTail(bytes, next)) >= end) return 'record';
      const isNextRow = countByte(bytes, this.#delimiter, next, end) + 1 >= this.#fewestFields;
      if (isNextRow === isRow) return 'record';
      isRow = true;
      this.end = end;
      this.next = at === -1 ? bytes.length : at + 1;
      if (at === -1) this.endsWithBreak = false;
      else this.lines++;
    }
    return 'record';
  }

  protected override plainTo(bytes: Buffer, from: number): number {
    return Math.min(this.#quoteFrom(bytes, from), this.#headerMark?.from(bytes, from) ?? Infinity);
  }

  protected override isPlain(bytes: Buffer, start: number, end: number): boolean {
    return !this.#headerMark?.isWithin(bytes, start, end) && this.#isWhole(bytes, start, end);
  }

  /** The first quote from here on, or the window's end. */
  #quoteFrom(bytes: Buffer, from: number): number {
    if (bytes !== this.#seen || this.#nextQuote < from) {
      this.#seen = bytes;
      const at = bytes.indexOf(quote, from);
      this.#nextQuote = at === -1 ? bytes.length : at;
    }
    return this.#nextQuote;
  }

  #isWhole(bytes: Buffer, start: number, end: number): boolean {
    return this.#quoteFrom(bytes, start) >= end || !this.#opensPast(bytes, start, end);
  }

  protected override mayBeOdd(bytes: Buffer, start: number): boolean {
    const byte = bytes[start];
    if (byte !== quote) return this.#isBlankByte[byte ?? 0] === 1 || this.#beginsAsHeader(bytes, start);
    // After an opening quote: the field may be empty or blank.
    const next = bytes[start + 1];
    if (next === quote || next === space || next === tab) return true;
    return this.#beginsAsHeader(bytes, start + 1);
  }

  /** Passes delimiters with nothing, blanks, or quotes around nothing or blanks between them. */
  protected override passBlankFields(bytes: Buffer, from: number): number {
    for (let at = from; ; at++) {
      at = super.passBlankFields(bytes, at);
      if (bytes[at] === quote) {
        const close = super.passBlankFields(bytes, at + 1);
        if (bytes[close] !== quote) return from;
        at = super.passBlankFields(bytes, close + 1);
      }
      if (bytes[at] !== this.#delimiter) return at;
    }
  }

  /** In a file with a single column, its name may also be a value. */
  protected override headerHere(bytes: Buffer): HeaderRow | undefined {
    const { columns, encoding, rules } = this.#dialect;
    if (rules === undefined || columns.length < 2) return undefined;
    const { start, end } = this;
    if (!this.#mayBeHeader(bytes, start, end)) return undefined;
    const text = decodeText(bytes.subarray(start, end), encoding);
    return text === null ? undefined : headerRowOf(text, this.#dialect);
  }

  /** Whether these bytes begin with a header's name, after any blanks and quotes, or contain one. */
  #mayBeHeader(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    while (at < end && (bytes[at] === quote || bytes[at] === space || bytes[at] === tab)) at++;
    // The file's own header may begin with a column without a name.
    if (this.#ownStart.length === 0 && bytes[at] === this.#delimiter) return true;
    return this.#beginsAsHeader(bytes, at) || this.#headerMark?.isWithin(bytes, start, end) === true;
  }

  #beginsAsHeader(bytes: Buffer, at: number): boolean {
    const names = this.#headerStarts[lowerCase[bytes[at] ?? 0] ?? 0];
    if (names !== undefined) for (const name of names) if (hasNameAt(bytes, at, name)) return true;
    return false;
  }

  /**
   * Whether this line opens quotes that it does not close. A quote in an invalid position does not count: then the line
   * is a (broken) record as well. Follows the line from its first quote on, and inspects only quotes.
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

  /** Where the record that begins at `start` ends by the rules of quotes; `start` if it violates them. */
  #followFields(bytes: Buffer, start: number, atEnd: boolean): number {
    const lastEnd = start + this.maxRecordBytes;
    // Past the limit the result can't change any more, however the file continues.
    const stuck = atEnd || bytes.length > lastEnd + this.maxTailBytes + 1 ? start : needsMore;
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
      if (bytes[at] === this.#delimiter) continue;
      // The line's end, or text after a closing quote.
      const end = this.lineEndAt(bytes, at, atEnd);
      if (end === needsMore) return stuck;
      return end === noLineEnd ? start : at;
    }
  }

  /** The first byte that can't belong to the unquoted field at `at`: delimiter, quote, the line's end. */
  #endOfPlain(bytes: Buffer, at: number, atEnd: boolean): number {
    const { lineBreak, isTail } = this;
    const delimiter = this.#delimiter;
    const { length } = bytes;
    for (; at < length; at++) {
      const byte = bytes[at];
      if (byte === delimiter || byte === quote || byte === lineBreak) break;
      if (isTail[byte ?? 0] === 0) continue;
      // A line's end, or possibly one.
      if (this.lineEndAt(bytes, at, atEnd) !== noLineEnd) break;
      // Before `rules` existed, only the last of several carriage returns belonged to the line's end.
      if (this.rules !== undefined) at = this.passTail(bytes, at) - 1;
    }
    return at;
  }

  /**
   * Whether a record of several lines is rather an unclosed quote that paired with the next stray one. It is
   * - if it doesn't have a row's number of fields (it would be rejected anyway), but one of the lines that it would take
   *   in has a row's delimiters: then the record is its first line only;
   * - if it has them, but each of its lines, three or more, has a row's delimiters: two stray quotes in the same column,
   *   which would be valid CSV and silently lose the rows between. Text that looks like this by chance is rejected. Blank
   *   lines between don't count. Two such lines stay together, and are rejected by `splitFields`.
   */
  #isSwallowing(bytes: Buffer, start: number, end: number): boolean {
    if (this.#fewestFields === Infinity) return false;
    let lines = 0;
    let rowLike = 0;
    let isFirstRowLike = false;
    for (let line = start; line <= end;) {
      const at = bytes.indexOf(this.lineBreak, line);
      const lineEnd = at === -1 || at > end ? end : at;
      const isRowLike = this.#isRow(countByte(bytes, this.#delimiter, line, lineEnd) + 1);
      if (isRowLike) rowLike++;
      if (line === start) isFirstRowLike = isRowLike;
      if (this.rules === undefined || this.passTail(bytes, line) < lineEnd) lines++;
      line = lineEnd + 1;
    }
    if (this.#isRow(this.#fields)) return lines >= 3 && rowLike === lines;
    return rowLike > (isFirstRowLike ? 1 : 0);
  }

  #isRow(fields: number): boolean {
    return fields >= this.#fewestFields && fields <= this.#mostFields;
  }
}

/** The parts of a dialect that determine where its records are. */
export type CsvShape = Pick<
  CsvDialect,
  'delimiter' | 'lineBreak' | 'pairedBreaks' | 'columns' | 'headerNames' | 'encoding' | 'rules'
>;

function hasAt(bytes: Buffer, from: number, text: Buffer | readonly number[]): boolean {
  for (let n = 0; n < text.length; n++) if (bytes[from + n] !== text[n]) return false;
  return true;
}

/**
 * Whether a name is here, in upper or lower case, and with any separators between its words. Called for every row that
 * begins with the same two letters as a name.
 * @param name in lower case, without separators
 */
function hasNameAt(bytes: Buffer, from: number, name: Buffer): boolean {
  let n = 0;
  for (let at = from; n < name.length; at++) {
    const byte = lowerCase[bytes[at] ?? 0] ?? 0;
    if (byte === name[n]) n++;
    else if (n === 0 || isSeparator[byte] === 0) return false;
  }
  return true;
}

/** Separators between the words of a name. */
const separators = Buffer.from(' _-.');
const isSeparator = new Uint8Array(256);
for (const byte of separators) isSeparator[byte] = 1;

/** A name as `hasNameAt` takes it. A name that begins with a separator keeps its separators. */
function startOfName(name: Buffer): Buffer {
  const kept = isSeparator[name[0] ?? 0] === 1 ? name : name.filter((byte) => isSeparator[byte] === 0);
  return Buffer.from(kept.map((byte) => lowerCase[byte] ?? byte));
}

/** The bit that distinguishes lower case from upper case in ASCII. */
const caseBit = 32;

/** By byte: an ASCII letter in lower case, any other byte unchanged. */
const lowerCase = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte | caseBit : byte));

function isLetter(byte: number): boolean {
  const lower = byte | caseBit;
  return lower >= 97 && lower <= 122;
}

function casesOf(byte: number): number[] {
  return isLetter(byte) ? [byte, byte ^ caseBit] : [byte];
}

/**
 * The quote that closes a field whose text begins at `at`: the first one that isn't doubled. -1 if there is none before
 * `to`.
 */
function closingQuote(bytes: Buffer, from: number, to: number): number {
  // A loop, not indexOf: for most fields, it takes less time than such a call.
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
