import { backslash, closeArray, closeObject, colon, openArray, openObject, quote } from './ascii.ts';
import { isRawJson } from './exact-numbers.ts';

export interface JsonSurvey {
  /** Open brackets at the deepest position. */
  depth: number;
  /** Names in all objects together, as written: a name that is written twice counts twice. */
  names: number;
}

/**
 * What JSON.parse does not report about a text: its nesting depth, and its number of names. One pass, without recursion.
 * The result is only meaningful for valid JSON.
 */
export function surveyJson(text: string): JsonSurvey {
  let depth = 0;
  let deepest = 0;
  let names = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at + 1);
    else if (code === colon) names++;
    else if (code === openObject || code === openArray) deepest = Math.max(deepest, ++depth);
    else if (code === closeObject || code === closeArray) depth--;
  }
  return { depth: deepest, names };
}

/** The position of the string's closing quote, or the text's end. */
function endOfString(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at;
    if (code === backslash) at++;
  }
  return at;
}

/** Names in all objects of a parsed value. Recursive: only for values whose depth is bounded. */
export function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null || isRawJson(value)) return 0;
  let names = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const member of Object.values(value)) if (typeof member === 'object') names += countNames(member);
  return names;
}

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]|[^\s{}[\],"]+/g;

/** The first name that an object of a valid text has twice, and whether it is in the outermost object. */
export function findDuplicateName(text: string): { name: string; isOutermost: boolean } | undefined {
  /** The names of each open object so far; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let isNameNext = false;
  for (const [piece] of text.matchAll(token)) {
    if (piece === '{') open.push(new Set());
    else if (piece === '[') open.push(undefined);
    else if (piece === '}' || piece === ']') open.pop();
    const names = open.at(-1);
    if (isNameNext && names !== undefined && piece.startsWith('"')) {
      // A name may be written with escapes.
      const name = JSON.parse(piece) as string;
      if (names.has(name)) return { name, isOutermost: open.length === 1 };
      names.add(name);
    }
    isNameNext = piece === '{' || (piece === ',' && names !== undefined);
  }
  return undefined;
}
