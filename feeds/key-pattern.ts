/** Patterns for the keys of files, without the lane's prefix: no regular expressions, and matched in linear time. */

export type PatternPart =
  | { kind: 'literal'; text: string }
  /** Any text without a slash, possibly none. */
  | { kind: 'any' }
  /** Text without a slash, at least one character; with `digits`, that many digits: `{yyyyMMdd}` has eight. */
  | { kind: 'named'; name: string; digits?: number }
  /** Digits. */
  | { kind: 'number' }
  /** The whole key. */
  | { kind: 'file' };

/** A pattern can't work. Its message is a sentence for the person who set it. */
export class KeyPatternError extends Error {
  override readonly name = 'KeyPatternError';
}

/** S3 allows a key 1,024 bytes; the time to match is the product of key and pattern. */
const maxPatternLength = 200;

/** A number with more digits could not be compared exactly. */
const maxNumberDigits = 15;

/**
 * A pattern's text as its parts: literal text, `*`, and what `named` makes of the text between braces.
 * @throws KeyPatternError with a sentence about the first mistake
 */
export function patternParts<Part>(
  text: string,
  named: (name: string) => Part,
): (Part | Extract<PatternPart, { kind: 'literal' | 'any' }>)[] {
  if (text.length === 0) throw new KeyPatternError('It is empty.');
  if (text.length > maxPatternLength) {
    throw new KeyPatternError(`It has ${text.length} characters; ${maxPatternLength} are allowed.`);
  }
  if (text.startsWith('/')) {
    throw new KeyPatternError("It begins with '/'; it is compared with the key after the feed's folder.");
  }
  return [...partsOf(text, named)];
}

function* partsOf<Part>(
  text: string,
  named: (name: string) => Part,
): Generator<Part | Extract<PatternPart, { kind: 'literal' | 'any' }>> {
  let at = 0;
  while (at < text.length) {
    const next = indexOfSpecial(text, at);
    if (next > at) yield { kind: 'literal', text: text.slice(at, next) };
    if (next === text.length) return;
    const character = text[next];
    if (character === '}') throw new KeyPatternError(`It has a '}' at place ${next + 1} without a '{' before it.`);
    if (character === '*') {
      yield { kind: 'any' };
      at = next + 1;
      continue;
    }
    const end = text.indexOf('}', next);
    if (end < 0) throw new KeyPatternError(`The '{' at place ${next + 1} has no '}' after it.`);
    yield named(text.slice(next + 1, end));
    at = end + 1;
  }
}

function indexOfSpecial(text: string, from: number): number {
  let at = from;
  while (at < text.length && !'{}*'.includes(text[at] ?? '')) at++;
  return at;
}

/** @throws KeyPatternError if two parts in a row have no fixed length: where one ends would be a guess */
export function refuseUnseparated(parts: readonly PatternPart[]): void {
  for (const [index, part] of parts.entries()) {
    const before = parts[index - 1];
    if (before && hasNoEnd(before) && hasNoEnd(part)) {
      throw new KeyPatternError(
        `Nothing separates ${written(before)} from ${written(part)}; put literal text between them.`,
      );
    }
  }
}

/** Its length does not follow from the pattern. */
const hasNoEnd = (part: PatternPart): boolean =>
  part.kind === 'any' || part.kind === 'number' || (part.kind === 'named' && part.digits === undefined);

function written(part: PatternPart): string {
  if (part.kind === 'named') return `{${part.name}}`;
  return part.kind === 'number' ? '{#}' : '*';
}

/** `[part][place]`: 1 if the name from that place on can be read as this part and all that follow it. */
export function placesThatFit(parts: readonly PatternPart[], name: string): Uint8Array[] {
  const end = new Uint8Array(name.length + 1);
  end[name.length] = 1;
  const fits = [end];
  for (const part of parts.toReversed()) {
    const after = fits[0] ?? end;
    const here = new Uint8Array(name.length + 1);
    fillPlaces(part, name, after, here);
    fits.unshift(here);
  }
  return fits;
}

function fillPlaces(part: PatternPart, name: string, after: Uint8Array, here: Uint8Array): void {
  if (part.kind === 'literal') {
    const last = name.length - part.text.length;
    for (let at = 0; at <= last; at++) if (after[at + part.text.length] && name.startsWith(part.text, at)) here[at] = 1;
    return;
  }
  const most = longestOf(part);
  const shortest = shortestOf(part);
  const mayHave = part.kind === 'number' || (part.kind === 'named' && part.digits) ? isDigit : isNoSlash;
  // From right to left: where the run of allowed characters that begins here ends, and the nearest place after the part.
  let runEnd = name.length;
  let nearest = name.length + 1;
  for (let at = name.length; at >= 0; at--) {
    if (at < name.length && !mayHave(name[at] ?? '')) runEnd = at;
    if (at + shortest <= name.length && after[at + shortest]) nearest = at + shortest;
    if (at + shortest <= runEnd && nearest <= runEnd && nearest - at <= most) here[at] = 1;
  }
}

export function shortestOf(part: PatternPart): number {
  if (part.kind === 'literal') return part.text.length;
  if (part.kind === 'any') return 0;
  return part.kind === 'named' ? (part.digits ?? 1) : 1;
}

function longestOf(part: PatternPart): number {
  if (part.kind === 'number') return maxNumberDigits;
  return part.kind === 'named' ? (part.digits ?? Infinity) : Infinity;
}

const isDigit = (character: string): boolean => character >= '0' && character <= '9';
const isNoSlash = (character: string): boolean => character !== '/';

/** Whether the whole name fits. @param name the key after the lane's prefix */
export const fitsParts = (parts: readonly PatternPart[], name: string): boolean =>
  placesThatFit(parts, name)[0]?.[0] === 1;
