import { Buffer } from 'node:buffer';

/** A shorter name stands in too many rows by chance. Bytes. */
const fewestBytes = 6;
/** Looking for fewer bytes would find more than the name. */
const fewestLooked = 4;
/** So much of a file says which bytes are rare in it. */
const sampledBytes = 1024;

const tab = 9;
const space = 32;
/** What ends a field: a line's end, a quote, a delimiter. */
const fieldEnds: ReadonlySet<number | undefined> = new Set(Buffer.from('\r\n\x1a",;\t|'));

/**
 * Finds the lines that have a certain name at the end of a field: another header has it, wherever in the line. Every byte
 * of a file passes through here, so that the search is for the part of the name that begins with the rarest byte of
 * the file: which one that is changes the time it takes and not what is found.
 */
export class HeaderMark {
  readonly #name: Buffer;
  /** The part that is looked for, and where in the name it begins. */
  #part: Buffer;
  #partAt = 0;
  #isChosen = false;
  /** There is no such name in `#seen` from `#from` to before `#next`. */
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
    for (let at = 1; at <= name.length - fewestLooked; at++) {
      if ((counts[name[at] ?? 0] ?? 0) < (counts[name[this.#partAt] ?? 0] ?? 0)) this.#partAt = at;
    }
    this.#part = name.subarray(this.#partAt);
  }
}

/** For the longest of the names; undefined where that is too short. */
export function headerMarkOf(names: readonly Buffer[]): HeaderMark | undefined {
  const [longest] = names.toSorted((a, b) => b.length - a.length);
  return longest === undefined || longest.length < fewestBytes ? undefined : new HeaderMark(longest);
}
