import type { Buffer } from 'node:buffer';
import { backslash, comma, openArray, openObject, quote, space } from './ascii.ts';
import { JsonBoundary } from './json-boundary.ts';
import { JsonNesting } from './json-nesting.ts';
import { JsonScalar } from './json-scalar.ts';

/**
 * Follows one element of a JSON array to its end, over any number of windows, with state of a fixed size.
 *
 * It checks only as much of JSON as is needed to notice early that quotes or brackets are unbalanced: a bracket of the
 * wrong kind, a string in an invalid position or not followed by `,` `:` `}` `]`, a control character in a string, an
 * object or array within an object that isn't a member's value, nesting past `maxNesting`. Such an element is broken, and
 * ends where the next one seems to begin (so it includes the comma and white space up to there):
 * - if the array's elements begin lines: at the first line in it with the same indent and a `{`. The same applies to an
 *   element that doesn't end by the file's end or within the limit;
 * - otherwise: at the first `{` after a comma, at or after the position where the fault was noticed.
 */
export class JsonElement {
  /** Bytes read of the element; after its end, its length. */
  length = 0;
  /** Line breaks in it; known after its end. */
  lines = 0;
  isOver = false;
  #mode: 'structure' | 'string' | 'escape' | 'scalar' | 'broken' = 'structure';
  readonly #nesting = new JsonNesting();
  readonly #boundary: JsonBoundary;
  readonly #scalar = new JsonScalar();
  #isUnheld = false;

  constructor(indentBytes: number | undefined) {
    this.#boundary = new JsonBoundary(indentBytes);
  }

  begin(firstByte: number): void {
    this.length = 0;
    this.lines = 0;
    this.isOver = false;
    this.#mode = firstByte === openObject || firstByte === openArray || firstByte === quote ? 'structure' : 'scalar';
    this.#nesting.begin();
    this.#boundary.begin();
    this.#scalar.begin();
    this.#isUnheld = false;
  }

  /** Continues reading; true once the element has ended. */
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
        // A control character is also invalid after a backslash.
        if (bytes.readUInt8(at) >= space) at++;
      }
      if (!this.isOver) this.length = at - start;
    }
    return this.isOver;
  }

  /** The file ends here, or the limit is passed: true if another element seems to begin at an earlier position. */
  endEarlier(): boolean {
    const { at, linesBefore } = this.#boundary;
    if (at > 0) this.#endAt(at, linesBefore);
    return this.isOver;
  }

  /** The file ends here, and with it the element. */
  endHere(): void {
    this.#endAt(this.#mode === 'scalar' && !this.#isUnheld ? this.#scalar.trimmedLength : this.length);
  }

  /** It is too long to be held: from here on it ends where another element seems to begin, broken or not. */
  goOnUnheld(): void {
    this.#isUnheld = true;
  }

  #endAt(length: number, lines = this.#boundary.lines): void {
    this.length = length;
    this.lines = lines;
    this.isOver = true;
  }

  #readStructure(bytes: Buffer, from: number, to: number, start: number): number {
    const nesting = this.#nesting;
    const boundary = this.#boundary;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte <= space && boundary.passBlank(byte)) continue;
      if (byte === openObject && this.#meetObject(at - start)) return at;
      if (!nesting.fits(byte)) {
        this.#break();
        return at;
      }
      boundary.passText();
      if (nesting.take(byte)) {
        this.#endAt(at + 1 - start);
        return at + 1;
      }
      if (byte !== quote) continue;
      this.#mode = 'string';
      return at + 1;
    }
    return to;
  }

  #readString(bytes: Buffer, from: number, to: number, start: number): number {
    const at = endOfPlain(bytes, from, to);
    if (at === to) return to;
    const byte = bytes[at] ?? 0;
    if (byte === backslash) {
      this.#mode = 'escape';
      return at + 1;
    }
    if (byte < space) {
      this.#break();
      return at;
    }
    this.#mode = 'structure';
    if (this.#nesting.depth === 0) this.#endAt(at + 1 - start);
    return at + 1;
  }

  #readScalar(bytes: Buffer, from: number, to: number, start: number): number {
    const at = this.#scalar.read(bytes, from, to, start);
    if (at < to) this.#endAt(this.#isUnheld ? at - start : this.#scalar.trimmedLength);
    return at;
  }

  #readBroken(bytes: Buffer, from: number, to: number, start: number): number {
    const nesting = this.#nesting;
    const boundary = this.#boundary;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte <= space && boundary.passBlank(byte)) continue;
      if (byte === openObject && (boundary.isKnown ? boundary.isHere : nesting.last === comma)) {
        this.#endAt(at - start);
        return at;
      }
      nesting.last = byte;
      boundary.passText();
    }
    return to;
  }

  /** Quotes or brackets are unbalanced at this byte. */
  #break(): void {
    this.#mode = 'broken';
    this.endEarlier();
  }

  /** A `{`: notes whether it begins a line at the elements' indent; true if that ends this element. */
  #meetObject(length: number): boolean {
    if (length === 0 || !this.#boundary.isHere) return false;
    if (this.#isUnheld) this.#endAt(length);
    else this.#boundary.note(length);
    return this.isOver;
  }
}

/** The first byte that is not plain text of a string. */
function endOfPlain(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === quote || byte === backslash || byte < space) return at;
  }
  return to;
}
