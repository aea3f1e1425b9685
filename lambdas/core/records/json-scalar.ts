import type { Buffer } from 'node:buffer';
import { carriageReturn, closeArray, comma, lineFeed, openArray, openObject, space, tab } from './ascii.ts';

/** An element that is not an object, array or string. */
export class JsonScalar {
  /** Its length without trailing white space. */
  trimmedLength = 0;

  begin(): void {
    this.trimmedLength = 0;
  }

  /**
   * Continues in the element that begins at `start`. Returns the index of the first byte that can't be part of it; `to`
   * if there is none.
   */
  read(bytes: Buffer, from: number, to: number, start: number): number {
    let at = from;
    for (; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === comma || byte === closeArray || byte === openArray || byte === openObject || byte === lineFeed)
        break;
      if (byte !== space && byte !== tab && byte !== carriageReturn) this.trimmedLength = at + 1 - start;
    }
    return at;
  }
}
