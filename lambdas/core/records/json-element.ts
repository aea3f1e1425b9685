import type { Buffer } from 'node:buffer';

const tab = 9;
const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const quote = 34;
const comma = 44;
const colon = 58;
const openArray = 91;
const backslash = 92;
const closeArray = 93;
const openObject = 123;
const closeObject = 125;

/** Deeper than a record of any feed. Bounds how often a file made of unclosed brackets is looked at. */
export const maxNesting = 64;

/**
 * Follows one element of a JSON array to its end, over any number of windows, with state of a fixed size.
 *
 * It checks no more of JSON than it takes to notice soon that quotes or brackets are out of step: a bracket of the wrong
 * kind, a string where none may begin or that isn't followed by `,` `:` `}` `]`, a control character in a string, an
 * object or array within an object that isn't a member's value, nesting past `maxNesting`. Such an element is broken, and ends
 * where the next seems to begin (so it takes in the comma and white space up to there):
 * - where the array's elements stand at the beginning of lines: at the first line in it with the same indent and a `{`.
 *   The same goes for an element that isn't over at the file's end or within the limit;
 * - elsewhere: at the first `{` after a comma, at or behind the place where it was noticed.
 */
export class JsonElement {
  /** Bytes read of the element; once it is over, its length. */
  length = 0;
  /** Line breaks in it. */
  lines = 0;
  isOver = false;
  readonly #indentBytes: number;
  #mode: 'structure' | 'string' | 'escape' | 'scalar' | 'broken' = 'structure';
  /** The brackets that are open. */
  readonly #open = new Uint8Array(maxNesting);
  #depth = 0;
  /** The last byte that wasn't white space. */
  #last = 0;
  /** White space since the line began; -1 behind anything else. */
  #indent = -1;
  /** Where the first line begins that looks like the beginning of another element, and the line breaks before. 0: nowhere yet. */
  #boundary = 0;
  #boundaryLines = 0;
  /** A scalar's length without the white space behind it. */
  #trimmed = 0;
  #isUnheld = false;

  constructor(indentBytes: number | undefined) {
    this.#indentBytes = indentBytes ?? -2;
  }

  begin(firstByte: number): void {
    this.length = 0;
    this.lines = 0;
    this.isOver = false;
    this.#mode = firstByte === openObject || firstByte === openArray || firstByte === quote ? 'structure' : 'scalar';
    this.#depth = 0;
    this.#last = comma;
    this.#indent = -1;
    this.#boundary = 0;
    this.#boundaryLines = 0;
    this.#trimmed = 0;
    this.#isUnheld = false;
  }

  /** Reads on; true once the element is over. */
  read(bytes: Buffer, from: number, to: number): boolean {
    const start = from - this.length;
    for (let at = from; at < to && !this.isOver;) {
      this.length = at - start;
      if (this.#mode === 'structure') at = this.#readStructure(bytes, at, to, start);
      else if (this.#mode === 'string') at = this.#readString(bytes, at, to, start);
      else if (this.#mode === 'scalar') at = this.#readScalar(bytes, at, to, start);
      else if (this.#mode === 'broken') at = this.#readBroken(bytes, at, to, start);
      else {
        this.#mode = 'string';
        // A control character is no less wrong behind a backslash.
        if (bytes.readUInt8(at) >= space) at++;
      }
      if (!this.isOver) this.length = at - start;
    }
    return this.isOver;
  }

  /** The file ends here, or the limit is passed: true if an earlier place is where another element seems to begin. */
  endEarlier(): boolean {
    if (this.#boundary > 0) this.#endAt(this.#boundary, this.#boundaryLines);
    return this.isOver;
  }

  /** The file ends here, and with it the element. */
  endHere(): void {
    this.#endAt(this.#mode === 'scalar' && !this.#isUnheld ? this.#trimmed : this.length, this.lines);
  }

  /** It is too long to be held: from here on it ends where another seems to begin, broken or not. */
  goOnUnheld(): void {
    this.#isUnheld = true;
  }

  #endAt(length: number, lines = this.lines): void {
    this.length = length;
    this.lines = lines;
    this.isOver = true;
  }

  #readStructure(bytes: Buffer, from: number, to: number, start: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte <= space && this.#isBlank(byte)) continue;
      const last = this.#last;
      if (byte === openObject && this.#meetObject(at - start)) return at;
      if (!this.#fits(byte, last)) {
        this.#break();
        return at;
      }
      this.#last = byte;
      this.#indent = -1;
      if (byte === quote) {
        this.#mode = 'string';
        return at + 1;
      }
      if (byte === openObject || byte === openArray) this.#open[this.#depth++] = byte;
      else if ((byte === closeObject || byte === closeArray) && --this.#depth === 0) {
        this.#endAt(at + 1 - start);
        return at + 1;
      }
    }
    return to;
  }

  /** Whether a byte may stand behind the last one, as far as it takes to keep quotes and brackets in step. */
  #fits(byte: number, last: number): boolean {
    if (last === quote) {
      if (byte === comma || byte === colon) return true;
      if (byte !== closeObject && byte !== closeArray) return false;
    }
    const container = this.#depth > 0 ? this.#open[this.#depth - 1] : openArray;
    switch (byte) {
      case quote:
        return last === comma || last === colon || last === openObject || last === openArray;
      case openObject:
      case openArray:
        return this.#depth < maxNesting && (container === openArray || last === colon);
      case closeObject:
        return container === openObject;
      case closeArray:
        return container === openArray;
      default:
        return true;
    }
  }

  #readString(bytes: Buffer, from: number, to: number, start: number): number {
    let at = from;
    let byte = 0;
    while (at < to) {
      byte = bytes[at] ?? 0;
      if (byte === quote || byte === backslash || byte < space) break;
      at++;
    }
    if (at === to) return to;
    if (byte === backslash) {
      this.#mode = 'escape';
      return at + 1;
    }
    if (byte < space) {
      this.#break();
      return at;
    }
    this.#mode = 'structure';
    if (this.#depth === 0) this.#endAt(at + 1 - start);
    return at + 1;
  }

  /** Anything but an object, array or string: up to what can't be part of it. */
  #readScalar(bytes: Buffer, from: number, to: number, start: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === comma || byte === closeArray || byte === openArray || byte === openObject || byte === lineFeed) {
        this.#endAt(this.#isUnheld ? at - start : this.#trimmed);
        return at;
      }
      if (byte !== space && byte !== tab && byte !== carriageReturn) this.#trimmed = at + 1 - start;
    }
    return to;
  }

  #readBroken(bytes: Buffer, from: number, to: number, start: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte <= space && this.#isBlank(byte)) continue;
      const isNext =
        byte === openObject && (this.#indentBytes >= 0 ? this.#indent === this.#indentBytes : this.#last === comma);
      if (isNext) {
        this.#endAt(at - start);
        return at;
      }
      this.#last = byte;
      this.#indent = -1;
    }
    return to;
  }

  /** Quotes or brackets are out of step at this byte. */
  #break(): void {
    this.#mode = 'broken';
    this.endEarlier();
  }

  /** A `{`: notes whether it begins a line as the array's elements do; true if that ends this one. */
  #meetObject(length: number): boolean {
    if (length === 0 || this.#indent !== this.#indentBytes) return false;
    if (this.#isUnheld) this.#endAt(length);
    else if (this.#boundary === 0) {
      this.#boundary = length;
      this.#boundaryLines = this.lines;
    }
    return this.isOver;
  }

  #isBlank(byte: number): boolean {
    if (byte === lineFeed) {
      this.lines++;
      this.#indent = 0;
      return true;
    }
    if (byte === space || byte === tab) {
      if (this.#indent >= 0) this.#indent++;
      return true;
    }
    if (byte !== carriageReturn) return false;
    this.#indent = -1;
    return true;
  }
}
