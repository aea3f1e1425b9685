import type { PatternPart } from './key-pattern.ts';
import { KeyPatternError, patternParts, placesThatFit, refuseUnseparated, shortestOf } from './key-pattern.ts';

/**
 * Which files are revisions of each other: a pattern for their keys, without the lane's prefix. `{station}_{yyyyMMdd}_R{#}.csv`
 * has literal text; parts with a name, whose values identify the series; `{#}`, a number that gives the order of the
 * revisions; and `*`, text that does not matter. `{file}` alone means that a series is the same key dropped again.
 */
export interface SeriesPattern {
  readonly text: string;
  readonly parts: readonly PatternPart[];
}

/** A key in a pattern's terms. */
export interface SeriesMatch {
  /** The values of the named parts, in the pattern's order. */
  values: readonly { name: string; value: string }[];
  /** Of `{#}`; absent if the pattern has none. */
  number?: number;
}

/** Each letter is one digit: `{yyyyMMdd}`, `{yyMMdd}`, `{HHmm}`. */
const dateName = /^(?:yyyy|yy|MM|dd|HH|mm|ss)+$/;

/** @throws KeyPatternError with a sentence about the first mistake */
export function parseSeriesPattern(text: string): SeriesPattern {
  const parts = patternParts(text, partNamed);
  refuseAmbiguous(parts);
  return { text, parts };
}

function partNamed(name: string): PatternPart {
  if (name === '#') return { kind: 'number' };
  if (name === 'file') return { kind: 'file' };
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    throw new KeyPatternError(
      `'{${name}}' is not a part; use {#}, {file}, or a name of letters, digits and '_' such as {station}.`,
    );
  }
  return dateName.test(name) ? { kind: 'named', name, digits: name.length } : { kind: 'named', name };
}

function refuseAmbiguous(parts: readonly PatternPart[]): void {
  if (parts.some(({ kind }) => kind === 'file') && parts.length > 1) {
    throw new KeyPatternError('{file} means the whole key, so it must be the only part.');
  }
  if (parts.filter(({ kind }) => kind === 'number').length > 1) {
    throw new KeyPatternError('It has {#} more than once; one number gives the order of the revisions.');
  }
  const names = parts.flatMap((part) => (part.kind === 'named' ? [part.name] : []));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new KeyPatternError(`It has {${twice}} more than once; each name is used once.`);
  refuseUnseparated(parts);
  if (parts.every(({ kind }) => kind === 'any' || kind === 'number')) {
    throw new KeyPatternError(
      'It has neither text nor a named part, so files that have nothing to do with each other would be one series.',
    );
  }
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

/** Why a text can't be the pattern of a series, in a sentence; undefined if it can. */
export function seriesFault(text: string): string | undefined {
  try {
    parseSeriesPattern(text);
    return undefined;
  } catch (error) {
    if (error instanceof KeyPatternError) return error.message;
    throw error;
  }
}
