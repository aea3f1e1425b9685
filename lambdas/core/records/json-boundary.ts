import type { Buffer } from 'node:buffer';
import { carriageReturn, lineFeed, space, tab } from './ascii.ts';

/** The lines of an element, and where in it another element seems to begin a line. */
export class JsonBoundary {
  /** Line breaks so far. */
  lines = 0;
  /**
   * Start of the first line that looks like the beginning of another element, and the line breaks before it. 0: none yet.
   */
  at = 0;
  linesBefore = 0;
  /** White space before the array's elements, if they begin lines; otherwise a length that no element has. */
  readonly #indentBytes: number;
  /** White space since the line's beginning; -1 after anything else. */
  #indent = -1;

  constructor(indentBytes: number | undefined) {
    this.#indentBytes = indentBytes ?? -2;
  }

  begin(): void {
    this.lines = 0;
    this.at = 0;
    this.linesBefore = 0;
    this.#indent = -1;
  }

  /** Whether the array's elements begin lines. */
  get isKnown(): boolean {
    return this.#indentBytes >= 0;
  }

  /** Whether a byte here would be at the indent of the array's elements. */
  get isHere(): boolean {
    return this.#indent === this.#indentBytes;
  }

  /** A `{` at this length of the element, at the elements' indent: the first one is kept. */
  note(length: number): void {
    if (this.at > 0) return;
    this.at = length;
    this.linesBefore = this.lines;
  }

  /** Any character except white space. */
  passText(): void {
    this.#indent = -1;
  }

  /** True if the byte is white space. */
  passBlank(byte: number): boolean {
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

/**
 * The white space between the beginning of the line and the first element of an array, in bytes, given the text after its
 * bracket; undefined if the element is on the bracket's line, `blank` if no element is found.
 */
export function indentBehind(bytes: Buffer): number | undefined | 'blank' {
  let indentBytes: number | undefined;
  for (const byte of bytes) {
    if (byte === lineFeed) indentBytes = 0;
    else if ((byte === space || byte === tab) && indentBytes !== undefined) indentBytes++;
    else if (byte !== space && byte !== tab && byte !== carriageReturn) return indentBytes;
  }
  return 'blank';
}
