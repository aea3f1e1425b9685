import { Buffer } from 'node:buffer';
import { space, tab } from './ascii.ts';

/** A shorter name occurs in too many rows by chance. Bytes. */
const fewestBytes = 6;
/** A search for fewer bytes would have too many other matches. */
const fewestCompared = 4;
/** The part of a file from which rare bytes are determined. */
const sampledBytes = 1024;

/** Characters that end a field: a line's end, a quote, a delimiter. */
const fieldEnds: ReadonlySet<number | undefined> = new Set(Buffer.from('\r\n\x1a",;\t|'));

/**
 * Finds the lines that have a certain name at the end of a field: another header has it, at any position in the line.
 * Every byte of a file passes through here, so the search is for the part of the name that begins with the file's rarest
 * byte: the choice affects the time, not the result.
 */
export class HeaderMark {
  readonly #name: Buffer;
  /** The part to search for, and its position in the name. */
  #part: Buffer;
  #partAt = 0;
  #isChosen = false;
  /** `#seen` has no such name from `#from` to before `#next`. */
  #seen: Buffer | undefined;
  #from = 0;
  #next = 0;

  constructor(name: Buffer) {
    this.#name = name;
    this.#part = name;
  }

  /** Where the next one begins, from here on; the window's end if there is none. */
  from(bytes: Buffer, from: number): number {
    if (bytes !== this.#seen || from < this.#from || from > this.#next) {
      this.#seen = bytes;
      this.#from = from;
      this.#next = this.#search(bytes, from);
    }
    return this.#next;
  }

  isWithin(bytes: Buffer, start: number, end: number): boolean {
    const { length } = this.#name;
    for (let at = this.from(bytes, start); at + length <= end; at = this.#search(bytes, at + 1)) {
      let behind = at + length;
      while (behind < end && (bytes[behind] === space || bytes[behind] === tab)) behind++;
      if (behind === end || fieldEnds.has(bytes[behind])) return true;
    }
    return false;
  }

  #search(bytes: Buffer, from: number): number {
    if (!this.#isChosen) this.#choosePart(bytes.subarray(from, from + sampledBytes));
    const name = this.#name;
    for (let at = from + this.#partAt; ; at++) {
      at = bytes.indexOf(this.#part, at);
      if (at === -1) return bytes.length;
      const start = at - this.#partAt;
      if (bytes.compare(name, 0, name.length, start, start + name.length) === 0) return start;
    }
  }

  #choosePart(sample: Buffer): void {
    this.#isChosen = true;
    const counts = new Uint16Array(256);
    for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1;
    const name = this.#name;
    for (let at = 1; at <= name.length - fewestCompared; at++) {
      if ((counts[name[at] ?? 0] ?? 0) < (counts[name[this.#partAt] ?? 0] ?? 0)) this.#partAt = at;
    }
    this.#part = name.subarray(this.#partAt);
  }
}

/** For the longest of the names; undefined if that is too short. */
export function headerMarkOf(names: readonly Buffer[]): HeaderMark | undefined {
  const [longest] = names.toSorted((a, b) => b.length - a.length);
  return longest === undefined || longest.length < fewestBytes ? undefined : new HeaderMark(longest);
}
