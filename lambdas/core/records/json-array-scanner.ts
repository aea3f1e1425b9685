import type { Buffer } from 'node:buffer';
import type { JsonArrayDialect } from './dialect.ts';
import { JsonElement } from './json-element.ts';
import type { CutWarning, Found, RecordScanner } from './record-scanner.ts';

const tab = 9;
const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const comma = 44;
const openArray = 91;
const closeArray = 93;

/**
 * The elements of a JSON array, from behind its opening bracket on. Commas between them may be too many or missing.
 * What follows the closing bracket is cut like elements (and rejected as what it is): so a stray bracket doesn't lose
 * the rest, and nothing in the file goes without account.
 */
export class JsonArrayScanner implements RecordScanner {
  start = 0;
  end = 0;
  next = 0;
  linesBefore = 0;
  lines = 0;
  readonly #element: JsonElement;
  readonly #maxRecordBytes: number;
  /** The element at `start` is begun, but its end has not been told yet. */
  #isWithin = false;
  /** Bytes of it that were passed. */
  #passedBytes = 0;
  #isClosed = false;

  constructor(dialect: Pick<JsonArrayDialect, 'indentBytes'>, maxRecordBytes: number) {
    this.#element = new JsonElement(dialect.indentBytes);
    this.#maxRecordBytes = maxRecordBytes;
  }

  find(bytes: Buffer, from: number, atEnd: boolean): Found {
    const element = this.#element;
    const max = this.#maxRecordBytes;
    this.start = from;
    this.linesBefore = 0;
    if (!this.#isWithin && !this.#findStart(bytes, from)) return atEnd ? 'end' : 'more';
    const { start } = this;
    if (!this.#isWithin) element.begin(bytes[start] ?? 0);
    this.#isWithin = true;
    this.#passedBytes = 0;

    const to = Math.min(bytes.length, start + max + 1);
    if (!element.isOver) element.read(bytes, start + element.length, to);
    // The byte past the limit tells a record of that length from a longer one.
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

  /** Goes past white space, commas and the array's brackets. */
  #findStart(bytes: Buffer, from: number): boolean {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      this.start = at + 1;
      if (byte === lineFeed) this.linesBefore++;
      else if (byte === closeArray) this.#isClosed = true;
      else if (byte === openArray && this.#isClosed) this.#isClosed = false;
      else if (byte !== comma && byte !== space && byte !== tab && byte !== carriageReturn) {
        this.start = at;
        this.#isClosed = false;
        return true;
      }
    }
    return false;
  }

  endWarning(): CutWarning | null {
    if (this.#isClosed) return null;
    return {
      code: 'unclosed_array',
      message: 'The file does not end with the bracket that closes its array: it may have been cut off.',
    };
  }
}
