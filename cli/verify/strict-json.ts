import { isUtf8 } from 'node:buffer';
import { DoesNotHoldError } from './verified.ts';

/** Maximum nesting depth, the outermost container included. Parsers of other languages have limits, too. */
const maxDepth = 100;

/** A number that JSON allows but no field of the evidence may have: `1.0`, `-0`, `1e3`, an integer beyond 2^53 − 1. */
export const oddNumber: unknown = Object.freeze({ isOddNumber: true });

/**
 * Parses JSON that every parser reads in the same way: UTF-8 without a byte-order mark, no duplicate name in an object, no
 * NaN, at most 100 levels.
 * @param what it is, for the message
 * @throws DoesNotHoldError
 */
export function parseStrictJson(bytes: Buffer, what: string): unknown {
  const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  if (text === undefined) throw new DoesNotHoldError(`${what} is not UTF-8`);
  try {
    if (isDeep(text)) throw new SyntaxError(`it is nested more than ${maxDepth} levels deep`);
    const value = JSON.parse(text) as unknown;
    // Text that JSON.stringify reproduces has no duplicate name and no number in another form.
    return JSON.stringify(value) === text ? value : new StrictReader(text).read();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new DoesNotHoldError(`${what} is not strict JSON: ${error.message}`, { cause: error });
  }
}

function isDeep(text: string): boolean {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x22) at = endOfString(text, at);
    else if (character === 0x7b || character === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (character === 0x7d || character === 0x5d) depth--;
  }
  return deepest > maxDepth;
}

/** Index of the quote that ends the string beginning at `start`; the text's length if there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return text.length;
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote;
    at = quote;
  }
}

/** Checks text that `JSON.parse` has accepted for what it lets pass. */
class StrictReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): unknown {
    const character = this.#next();
    if (character === '{') return this.#object();
    if (character === '[') return this.#array();
    if (character === '"') return this.#string();
    const rest = /[^\s,\]}]*/y;
    rest.lastIndex = this.#at;
    const [literal = ''] = rest.exec(this.#text) ?? [];
    this.#at = rest.lastIndex;
    return /^[-0-9]/.test(literal) ? numberOf(literal) : (JSON.parse(literal) as unknown);
  }

  /** The next character other than white space. */
  #next(): string | undefined {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? '.')) this.#at++;
    return this.#text[this.#at];
  }

  #string(): string {
    const end = endOfString(this.#text, this.#at) + 1;
    const literal = this.#text.slice(this.#at, end);
    this.#at = end;
    return JSON.parse(literal) as string;
  }

  #object(): object {
    const names = new Set<string>();
    const members: [string, unknown][] = [];
    this.#at++;
    while (this.#next() !== '}') {
      if (this.#text[this.#at] === ',') this.#at++;
      this.#next();
      const name = this.#string();
      if (names.has(name)) throw new SyntaxError(`an object has the same name twice`);
      names.add(name);
      this.#next();
      this.#at++;
      members.push([name, this.read()]);
    }
    this.#at++;
    return Object.fromEntries(members);
  }

  #array(): unknown[] {
    const elements: unknown[] = [];
    this.#at++;
    while (this.#next() !== ']') {
      if (this.#text[this.#at] === ',') this.#at++;
      elements.push(this.read());
    }
    this.#at++;
    return elements;
  }
}

function numberOf(literal: string): unknown {
  const value = Number(literal);
  if (/^-?\d+$/.test(literal)) return Number.isSafeInteger(value) && literal !== '-0' ? value : oddNumber;
  return Number.isFinite(value) && !Number.isInteger(value) ? value : oddNumber;
}
