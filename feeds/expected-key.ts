import type { PatternPart } from './key-pattern.ts';
import { fitsParts, KeyPatternError, patternParts, refuseUnseparated } from './key-pattern.ts';

/**
 * The key of a file that is expected each day, without the lane's prefix: literal text, `*`, and dates such as
 * `{yyyyMMdd}`. `{yyyyMMdd+1}` is the day after.
 */
export interface ExpectedKey {
  readonly parts: readonly KeyPart[];
  /** It has a month and a day: a file's key says for which day it is. */
  readonly isDated: boolean;
}

type DatePart = { kind: 'date'; units: readonly DateUnit[]; addedDays: number };
type KeyPart = Extract<PatternPart, { kind: 'literal' | 'any' }> | DatePart;
type DateUnit = 'yyyy' | 'yy' | 'MM' | 'dd';

const dayMs = 24 * 3_600_000;

/** @throws KeyPatternError with a sentence about the first mistake */
export function parseExpectedKey(text: string): ExpectedKey {
  const parts = patternParts(text, datePart);
  const dates = parts.filter((part) => part.kind === 'date');
  refuseUnseparated(partsOn({ parts, isDated: true }, 0));
  refuseMixedDays(dates);
  const units = new Set(dates.flatMap((part) => part.units));
  return { parts, isDated: units.has('MM') && units.has('dd') };
}

function datePart(name: string): DatePart {
  const [, letters, added] = /^((?:yyyy|yy|MM|dd)+)([+-][0-9]{1,2})?$/.exec(name) ?? [];
  const units = (letters?.match(/yyyy|yy|MM|dd/g) ?? []) as DateUnit[];
  if (units.length === 0 || new Set(units.map((unit) => unit.slice(0, 2))).size < units.length) {
    throw new KeyPatternError(
      `'{${name}}' is not a date; use yyyy or yy, MM and dd, such as {yyyyMMdd}, or {yyyyMMdd+1} for the day after.`,
    );
  }
  return { kind: 'date', units, addedDays: Number(added ?? 0) };
}

/** `{yyyyMM}/{dd+1}` would be wrong on the last day of a month. */
function refuseMixedDays(dates: readonly DatePart[]): void {
  const partial = dates.filter(({ units }) => units.length < 3);
  const other = partial.find(({ addedDays }) => addedDays !== partial[0]?.addedDays);
  if (!other) return;
  throw new KeyPatternError(
    `Its parts ${written(partial[0])} and ${written(other)} are of different days, which is wrong at the end of a month; give both the same +1 or -1.`,
  );
}

function written(part: DatePart | undefined): string {
  if (!part) return '';
  const { units, addedDays } = part;
  return `{${units.join('')}${addedDays > 0 ? '+' : ''}${addedDays === 0 ? '' : addedDays}}`;
}

/**
 * The key of one day, such as `WABC_20261130*.csv`: only its `*` is not literal.
 * @param localDay midnight of the day, written as UTC. Milliseconds since 1970
 */
export function keyOnDay(key: ExpectedKey, localDay: number): string {
  return partsOn(key, localDay)
    .map((part) => (part.kind === 'literal' ? part.text : '*'))
    .join('');
}

function partsOn({ parts }: ExpectedKey, localDay: number): Extract<PatternPart, { kind: 'literal' | 'any' }>[] {
  return parts.map((part) => {
    if (part.kind !== 'date') return part;
    const [year = '', month = '', day = ''] = new Date(localDay + part.addedDays * dayMs).toISOString().split(/[-T]/);
    const texts = { yyyy: year, yy: year.slice(2), MM: month, dd: day };
    return { kind: 'literal', text: part.units.map((unit) => texts[unit]).join('') };
  });
}

/** @param keyOfDay from `keyOnDay` @param name the key after the lane's prefix */
export function fitsKey(keyOfDay: string, name: string): boolean {
  return fitsParts(
    keyOfDay.split(/(\*)/).map((text) => (text === '*' ? { kind: 'any' } : { kind: 'literal', text })),
    name,
  );
}

/** Whether one file could have both keys. */
export function keysOverlap(one: string, other: string): boolean {
  // `meets[j]`: the rest of `one` and other.slice(j) have a text in common; from the ends towards the beginnings.
  let meets: boolean[] = [];
  for (let i = one.length; i >= 0; i--) {
    const after = meets;
    meets = [];
    for (let j = other.length; j >= 0; j--) {
      const [a, b] = [one[i], other[j]];
      if (a === undefined && b === undefined) meets[j] = true;
      else if (a === '*') meets[j] = (after[j] ?? false) || (b !== undefined && b !== '/' && (meets[j + 1] ?? false));
      else if (b === '*') meets[j] = (meets[j + 1] ?? false) || (a !== undefined && a !== '/' && (after[j] ?? false));
      else meets[j] = a === b && (after[j + 1] ?? false);
    }
  }
  return meets[0] ?? false;
}

/** Why a text can't be the key of an expected file, in a sentence; undefined if it can. */
export function expectedKeyFault(text: string): string | undefined {
  try {
    parseExpectedKey(text);
    return undefined;
  } catch (error) {
    if (error instanceof KeyPatternError) return error.message;
    throw error;
  }
}
