import { closeArray, closeObject, colon, comma, openArray, openObject, quote } from './ascii.ts';

/** Deeper than a record of any feed. Bounds how often a file of unclosed brackets is scanned. */
export const maxNesting = 64;

/** The open brackets of an element, and which bytes may follow, as far as needed to keep brackets and quotes balanced. */
export class JsonNesting {
  depth = 0;
  /** The last byte that wasn't white space. */
  last = comma;
  readonly #open = new Uint8Array(maxNesting);

  begin(): void {
    this.depth = 0;
    this.last = comma;
  }

  /** Whether a byte may follow the last one. */
  fits(byte: number): boolean {
    const { last } = this;
    if (last === quote) {
      if (byte === comma || byte === colon) return true;
      if (byte !== closeObject && byte !== closeArray) return false;
    }
    const container = this.depth > 0 ? this.#open[this.depth - 1] : openArray;
    switch (byte) {
      case quote:
        return last === comma || last === colon || last === openObject || last === openArray;
      case openObject:
      case openArray:
        return this.depth < maxNesting && (container === openArray || last === colon);
      case closeObject:
        return container === openObject;
      case closeArray:
        return container === openArray;
      default:
        return true;
    }
  }

  /** Takes a byte that fits; true if it closes the first opened bracket. */
  take(byte: number): boolean {
    this.last = byte;
    if (byte === openObject || byte === openArray) this.#open[this.depth++] = byte;
    else if (byte === closeObject || byte === closeArray) return --this.depth === 0;
    return false;
  }
}
