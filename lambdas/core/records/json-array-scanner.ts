import type { Buffer } from 'node:buffer';
import {
  carriageReturn,
  closeArray,
  closeObject,
  comma,
  ctrlZ,
  lineFeed,
  openArray,
  openObject,
  space,
  tab,
} from './ascii.ts';
import type { JsonArrayDialect } from './dialect.ts';
import { JsonElement } from './json-element.ts';
import { byteOrderMark } from './line-scanner.ts';
import type { CutWarning, Found, RecordScanner } from './record-scanner.ts';

/**
 * The elements of a JSON array, from after its opening bracket. There may be too many commas between them, or missing
 * ones. Text after the closing bracket is cut like elements (and rejected): so a stray bracket doesn't lose the rest, and
 * everything in the file is accounted for. If the array is within an object, the rest of that object is not a record,
 * provided that nothing else follows.
 */
export class JsonArrayScanner implements RecordScanner {
  start = 0;
  end = 0;
  next = 0;
  linesBefore = 0;
  lines = 0;
  readonly headersBefore = 0;
  readonly linesBeforeHeader = 0;
  readonly otherHeader = undefined;
  readonly #element: JsonElement;
  readonly #maxRecordBytes: number;
  readonly #rules: JsonArrayDialect['rules'];
  readonly #within: JsonArrayDialect['within'];
  readonly #arrayName: string | undefined;
  readonly #isSlice: boolean;
  /** The element at `start` has begun, but its end is not known yet. */
  #isWithin = false;
  /** Bytes of it that were passed. */
  #passedBytes = 0;
  #isClosed = false;
  /** The object that holds the array ended. */
  #isObjectClosed = false;

  /** @param isSlice the bytes are a batch's: their end is not the file's */
  constructor({ indentBytes, rules, within, arrayName }: JsonArrayShape, maxRecordBytes: number, isSlice = false) {
    this.#element = new JsonElement(indentBytes);
    this.#maxRecordBytes = maxRecordBytes;
    this.#rules = rules;
    this.#within = within;
    this.#arrayName = arrayName;
    this.#isSlice = isSlice;
  }

  find(bytes: Buffer, from: number, atEnd: boolean): Found {
    const element = this.#element;
    const max = this.#maxRecordBytes;
    this.start = from;
    this.linesBefore = 0;
    if (!this.#isWithin && !this.#findStart(bytes, from, atEnd)) return atEnd ? 'end' : 'more';
    const { start } = this;
    if (!this.#isWithin) element.begin(bytes[start] ?? 0);
    this.#isWithin = true;
    this.#passedBytes = 0;

    const to = Math.min(bytes.length, start + max + 1);
    if (!element.isOver) element.read(bytes, start + element.length, to);
    // The byte past the limit distinguishes a record of that length from a longer one.
    if (element.isOver ? element.length > max : to - start > max) {
      if (!element.endEarlier()) element.goOnUnheld();
      if (!element.isOver || element.length > max) return 'oversize';
    } else if (!element.isOver) {
      if (!atEnd) return 'more';
      if (!element.endEarlier()) element.endHere();
    }
    this.#isWithin = false;
    this.#setEnd(start + element.length);
    return 'record';
  }

  skim(): number {
    return 0;
  }

  pass(bytes: Buffer, from: number, atEnd: boolean): boolean {
    const element = this.#element;
    if (!element.isOver) element.read(bytes, from + element.length - this.#passedBytes, bytes.length);
    if (!element.isOver && atEnd) element.endHere();
    if (!element.isOver) {
      this.#setEnd(bytes.length);
      this.lines = 0;
      this.#passedBytes = element.length;
      return false;
    }
    this.#isWithin = false;
    this.#setEnd(from + element.length - this.#passedBytes);
    return true;
  }

  #setEnd(end: number): void {
    this.end = end;
    this.next = end;
    this.lines = this.#element.lines;
  }

  /** Passes white space, commas and the array's brackets. False if no element is found: `start` is where to continue. */
  #findStart(bytes: Buffer, from: number, atEnd: boolean): boolean {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      this.start = at;
      if (byte === lineFeed) this.linesBefore++;
      else if (byte === closeArray) {
        const rest =
          this.#within === undefined || this.#within === 'nothing' ? 'array' : this.#restAt(bytes, at, atEnd);
        if (rest === 'more') return false;
        this.#isClosed = true;
        this.#isObjectClosed = rest === 'object';
        if (this.#isObjectClosed) break;
      } else if (byte === openArray) {
        const bracket = this.#bracketAt(bytes, at, atEnd);
        if (bracket === 'more') return false;
        if (bracket === 'element') return this.#isFound();
        this.#isClosed = false;
      } else if (byte === byteOrderMark[0] && this.#rules !== undefined) {
        const mark = markAt(bytes, at, atEnd);
        if (mark === 'more') return false;
        if (mark === 'none') return this.#isFound();
        at += byteOrderMark.length - 1;
      } else if (!this.#isBetween(byte)) return this.#isFound();
    }
    this.start = bytes.length;
    return false;
  }

  get #isInObject(): boolean {
    return this.#within === 'object' || this.#within === 'named-object';
  }

  #isFound(): boolean {
    this.#isClosed = false;
    return true;
  }

  #isBetween(byte: number): boolean {
    if (byte === comma || byte === space || byte === tab || byte === carriageReturn) return true;
    return this.#rules !== undefined && byte === ctrlZ;
  }

  /** Whether this `[` is an element, or a surplus bracket before one: that would take the rest of the array with it. */
  #bracketAt(bytes: Buffer, at: number, atEnd: boolean): 'element' | 'surplus' | 'more' {
    if (this.#isClosed) return 'surplus';
    // In an object, another array is one of its members.
    if (this.#rules === undefined || this.#isInObject) return 'element';
    for (let next = at + 1; next < bytes.length; next++) {
      const byte = bytes[next] ?? 0;
      if (byte === openObject) return 'surplus';
      if (!isBlank(byte)) return 'element';
      // It would be too long for an element in any case.
      if (next - at > this.#maxRecordBytes) return 'element';
    }
    return atEnd ? 'element' : 'more';
  }

  /** Whether the bracket here, with the text after it, ends the object that holds the array, or only closes an array. */
  #restAt(bytes: Buffer, at: number, atEnd: boolean): 'object' | 'array' | 'more' {
    // The splitter never puts the rest of the object into a slice.
    if (this.#isSlice || bytes.length - at > this.#maxRecordBytes) return 'array';
    if (!atEnd) return 'more';
    // Checking the next byte first avoids parsing all of the rest for most brackets that end nothing.
    let next = at + 1;
    while (next < bytes.length && isBlank(bytes[next] ?? 0)) next++;
    if (bytes[next] !== closeObject && bytes[next] !== comma) return 'array';
    return endsObject(bytes.toString('utf8', at), this.#within === 'named-object', this.#arrayName)
      ? 'object'
      : 'array';
  }

  endWarning(): CutWarning | null {
    if (this.#within === 'nothing' || (this.#isInObject ? this.#isObjectClosed : this.#isClosed)) return null;
    return {
      code: 'unclosed_array',
      message: 'The file does not end with the bracket that closes its array: it may have been truncated.',
    };
  }
}

function isBlank(byte: number): boolean {
  return byte === space || byte === tab || byte === carriageReturn || byte === lineFeed;
}

function markAt(bytes: Buffer, at: number, atEnd: boolean): 'mark' | 'none' | 'more' {
  for (let n = 1; n < byteOrderMark.length; n++) {
    if (at + n >= bytes.length) return atEnd ? 'none' : 'more';
    if (bytes[at + n] !== byteOrderMark[n]) return 'none';
  }
  return 'mark';
}

/** The parts of a dialect that determine where its records are. */
type JsonArrayShape = Pick<JsonArrayDialect, 'indentBytes' | 'rules' | 'within' | 'arrayName'>;

/**
 * @param isNamed the feed names the array with its records; otherwise another array of objects could be it as well
 * @param name the array's name: if two arrays have it, it is unknown which one counts
 */
function endsObject(rest: string, isNamed: boolean, name: string | undefined): boolean {
  try {
    const before = name === '' ? 'array' : '';
    const object = JSON.parse(`{"${before}":[${rest}`) as Record<string, unknown>;
    if (name !== undefined && Object.hasOwn(object, name)) return false;
    const isOfObjects = (value: unknown): boolean =>
      Array.isArray(value) && value.some((each) => typeof each === 'object');
    return isNamed || !Object.values(object).some(isOfObjects);
  } catch {
    return false;
  }
}
