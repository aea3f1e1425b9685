import type { Buffer } from 'node:buffer';

const tab = 9;
const lineFeed = 10;
const carriageReturn = 13;
const space = 32;

/** The lines of an element, and where in it another element seems to begin a line. */
export class JsonBoundary {
  /** Line breaks so far. */
  lines = 0;
  /** Where the first line begins that looks like the beginning of another element, and the line breaks before. 0: nowhere yet. */
  at = 0;
  linesBefore = 0;
  /** White space before the array's elements, where they begin lines; else a length that none has. */
  readonly #indentBytes: number;
  /** White space since the line began; -1 behind anything else. */
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
  get isTold(): boolean {
    return this.#indentBytes >= 0;
  }

  /** Whether a byte here would stand where the array's elements begin. */
  get isHere(): boolean {
    return this.#indent === this.#indentBytes;
  }

  /** A `{` at this length of the element, where elements begin: the first of them is kept. */
  note(length: number): void {
    if (this.at > 0) return;
    this.at = length;
    this.linesBefore = this.lines;
  }

  /** Something else than white space. */
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
 * The white space between the beginning of the line and the first element of an array, in bytes, given what follows its
 * bracket; undefined where the element stands in the bracket's line, `blank` where none is in sight.
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
