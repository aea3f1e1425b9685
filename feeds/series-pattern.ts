/**
 * Which files are revisions of each other: a pattern for their keys, without the lane's prefix. `{station}_{yyyyMMdd}_R{#}.csv`
 * has literal text; parts with a name, whose values identify the series; `{#}`, a number that gives the order of the
 * revisions; and `*`, text that does not matter. `{file}` alone means that a series is the same key dropped again.
 */
export interface SeriesPattern {
  readonly text: string;
  readonly parts: readonly PatternPart[];
}

type PatternPart =
  | { kind: 'literal'; text: string }
  /** Any text without a slash, possibly none. */
  | { kind: 'any' }
  /** Text without a slash, at least one character; with `digits`, that many digits: `{yyyyMMdd}` has eight. */
  | { kind: 'named'; name: string; digits?: number }
  /** Digits. */
  | { kind: 'number' }
  /** The whole key. */
  | { kind: 'file' };

/** A key in a pattern's terms. */
export interface SeriesMatch {
  /** The values of the named parts, in the pattern's order. */
  values: readonly { name: string; value: string }[];
  /** Of `{#}`; absent if the pattern has none. */
  number?: number;
}

/** The pattern of a series can't work. Its message is a sentence for the person who set it. */
export class SeriesPatternError extends Error {
  override readonly name = 'SeriesPatternError';
}

/** S3 allows a key 1,024 bytes; the time to match is the product of key and pattern. */
const maxPatternLength = 200;

/** A number with more digits could not be compared exactly. */
const maxNumberDigits = 15;

/** Each letter is one digit: `{yyyyMMdd}`, `{yyMMdd}`, `{HHmm}`. */
const dateName = /^(?:yyyy|yy|MM|dd|HH|mm|ss)+$/;

/** @throws SeriesPatternError with a sentence about the first mistake */
export function parseSeriesPattern(text: string): SeriesPattern {
  if (text.length === 0) throw new SeriesPatternError('It is empty.');
  if (text.length > maxPatternLength) {
    throw new SeriesPatternError(`It has ${text.length} characters; ${maxPatternLength} are allowed.`);
  }
  if (text.startsWith('/')) {
    throw new SeriesPatternError("It begins with '/'; it is compared with the key after the feed's folder.");
  }
  const parts = [...partsOf(text)];
  refuseAmbiguous(parts);
  return { text, parts };
}

function* partsOf(text: string): Generator<PatternPart> {
  let at = 0;
  while (at < text.length) {
    const next = indexOfSpecial(text, at);
    if (next > at) yield { kind: 'literal', text: text.slice(at, next) };
    if (next === text.length) return;
    const character = text[next];
    if (character === '}') throw new SeriesPatternError(`It has a '}' at place ${next + 1} without a '{' before it.`);
    if (character === '*') {
      yield { kind: 'any' };
      at = next + 1;
      continue;
    }
    const end = text.indexOf('}', next);
    if (end < 0) throw new SeriesPatternError(`The '{' at place ${next + 1} has no '}' after it.`);
    yield partNamed(text.slice(next + 1, end));
    at = end + 1;
  }
}

function indexOfSpecial(text: string, from: number): number {
  let at = from;
  while (at < text.length && !'{}*'.includes(text[at] ?? '')) at++;
  return at;
}

function partNamed(name: string): PatternPart {
  if (name === '#') return { kind: 'number' };
  if (name === 'file') return { kind: 'file' };
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    throw new SeriesPatternError(
      `'{${name}}' is not a part; use {#}, {file}, or a name of letters, digits and '_' such as {station}.`,
    );
  }
  return dateName.test(name) ? { kind: 'named', name, digits: name.length } : { kind: 'named', name };
}

function refuseAmbiguous(parts: readonly PatternPart[]): void {
  if (parts.some(({ kind }) => kind === 'file') && parts.length > 1) {
    throw new SeriesPatternError('{file} means the whole key, so it must be the only part.');
  }
  if (parts.filter(({ kind }) => kind === 'number').length > 1) {
    throw new SeriesPatternError('It has {#} more than once; one number gives the order of the revisions.');
  }
  const names = parts.flatMap((part) => (part.kind === 'named' ? [part.name] : []));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new SeriesPatternError(`It has {${twice}} more than once; each name is used once.`);
  for (const [index, part] of parts.entries()) {
    const before = parts[index - 1];
    if (before && hasNoEnd(before) && hasNoEnd(part)) {
      throw new SeriesPatternError(
        `Nothing separates ${written(before)} from ${written(part)}; put literal text between them.`,
      );
    }
  }
  if (parts.every(({ kind }) => kind === 'any' || kind === 'number')) {
    throw new SeriesPatternError(
      'It has neither text nor a named part, so files that have nothing to do with each other would be one series.',
    );
  }
}

/** Its length does not follow from the pattern. */
const hasNoEnd = (part: PatternPart): boolean =>
  part.kind === 'any' || part.kind === 'number' || (part.kind === 'named' && part.digits === undefined);

function written(part: PatternPart): string {
  if (part.kind === 'named') return `{${part.name}}`;
  return part.kind === 'number' ? '{#}' : '*';
}

/**
 * The key's place in the series; undefined if it does not match. If a key can be read in more ways than one, each part
 * is as short as possible, from left to right. The time is the key's length times the pattern's, whatever they contain.
 * @param name the key after the lane's prefix
 */
export function matchSeries({ parts }: SeriesPattern, name: string): SeriesMatch | undefined {
  if (parts[0]?.kind === 'file') return name === '' ? undefined : { values: [{ name: 'file', value: name }] };
  const fits = placesThatFit(parts, name);
  if (!fits[0]?.[0]) return undefined;
  const values: { name: string; value: string }[] = [];
  let number: number | undefined;
  let from = 0;
  for (const [index, part] of parts.entries()) {
    let to = from + shortestOf(part);
    while (!fits[index + 1]?.[to]) to++;
    const value = name.slice(from, to);
    if (part.kind === 'named') values.push({ name: part.name, value });
    if (part.kind === 'number') number = Number(value);
    from = to;
  }
  return { values, ...(number === undefined ? {} : { number }) };
}

/** `[part][place]`: 1 if the name from that place on can be read as this part and all that follow it. */
function placesThatFit(parts: readonly PatternPart[], name: string): Uint8Array[] {
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

function shortestOf(part: PatternPart): number {
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

/** Why a text can't be the pattern of a series, in a sentence; undefined if it can. */
export function seriesFault(text: string): string | undefined {
  try {
    parseSeriesPattern(text);
    return undefined;
  } catch (error) {
    if (error instanceof SeriesPatternError) return error.message;
    throw error;
  }
}
