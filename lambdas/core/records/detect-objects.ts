import { Buffer } from 'node:buffer';
import type { Format } from '../../../feeds/feed.ts';
import { openArray, openObject } from './ascii.ts';
import type { DetectedDialect, DialectWish, JsonArrayDialect, Place } from './dialect.ts';
import { cutRules } from './dialect.ts';
import { indentBehind } from './json-boundary.ts';
import { JsonElement } from './json-element.ts';

/** The format is only searched in this much of a file. Bytes from the beginning of its content. */
export const maxFirstLineBytes = 256 * 1024;

/**
 * How a file that begins with `{` is laid out: one object per line; consecutive objects, over several lines or on one; a
 * single document; or an object that holds the array of records.
 */
export function detectObjects(head: Buffer, begin: Place, atEnd: boolean, wish: DialectWish): DetectedDialect {
  const searched = head.subarray(begin.offset, begin.offset + maxFirstLineBytes);
  if (searched.length < maxFirstLineBytes && !atEnd) return { kind: 'more' };
  const allows = (format: (typeof wish.formats)[number]): boolean => wish.formats.includes(format);
  const length = objectLength(searched);
  const behind = length === undefined ? undefined : nextInk(searched, length);

  if (behind === ',' || behind === ']') {
    const message =
      'The file has objects separated by commas, but does not begin with [: its beginning may be missing.';
    return refused('not_an_array', message);
  }
  const arrays = allows('json-array') ? arraysWithin(searched, wish) : [];
  const [array, second] = arrays;
  if (array && behind === '{') {
    return refused(
      'wrapped_arrays',
      `The file has several objects that each contain an array ("${array.name}"): drop each as a separate file.`,
    );
  }
  if (array && second) {
    if (array.name === second.name) {
      const message = `The object has the name "${array.name}" more than once, with an array of records each time: it is unclear which one counts.`;
      return refused('wrapped_arrays', message);
    }
    const message = `The object contains several arrays of objects ("${array.name}", "${second.name}"): the feed must name the one with its records.`;
    return refused('wrapped_arrays', message);
  }
  if (array) return wrapped(searched, begin, array, wish);
  const deeper = allows('json-array') && !allows('json-document') ? arrayDeeper(searched, wish) : undefined;
  if (deeper) {
    const message = `The object holds no array of records, but "${deeper.outer}" in it does ("${deeper.inner}"): drop the array, or that object.`;
    return refused('wrapped_arrays', message);
  }
  if (!allows('jsonl') && !allows('json-document')) {
    return refused('not_an_array', 'The file should be a JSON array, but does not begin with [.');
  }
  const format = layoutOf(searched, length, behind, allows('json-document'), allows('jsonl'), wish.key);
  const body = { encoding: wish.encoding, bodyOffset: begin.offset, bodyLine: begin.line, rules: cutRules };
  if (format !== 'sequence') return { kind: 'dialect', dialect: { format, ...body } };
  const indentBytes = columnOf(head, begin.offset);
  return { kind: 'dialect', dialect: { format: 'json-array', ...body, within: 'nothing', indentBytes } };
}

/** The format in the file's name, if any. */
export function hintOf(key: string): Format | null {
  const name = key.toLowerCase().replace(/\.(gz|zip|zst)$/, '');
  if (/\.(jsonl|ndjson|jsonlines)$/.test(name)) return 'jsonl';
  if (/\.(csv|tsv)$/.test(name)) return 'csv';
  return name.endsWith('.json') ? 'json-document' : null;
}

/** The length in bytes of the object that begins here, if it is complete and valid. */
function objectLength(searched: Buffer): number | undefined {
  const element = new JsonElement(undefined);
  element.begin(openObject);
  if (!element.read(searched, 0, searched.length)) return undefined;
  return isJson(searched.subarray(0, element.length)) ? element.length : undefined;
}

/** The first character after the object, except white space and the like; undefined if there is none. */
function nextInk(searched: Buffer, from: number): string | undefined {
  // A byte-order mark counts as white space here as well, for concatenated files.
  // eslint-disable-next-line no-control-regex -- files have them
  return /[^\s\x1a\xef\xbb\xbf]/.exec(searched.toString('latin1', from))?.[0];
}

function layoutOf(
  searched: Buffer,
  length: number | undefined,
  behind: string | undefined,
  takesDocument: boolean,
  takesLines: boolean,
  key: string,
): 'jsonl' | 'json-document' | 'sequence' {
  if (!takesLines) return 'json-document';
  const isNamedLines = hintOf(key) === 'jsonl';
  const isNamedDocument = hintOf(key) === 'json-document';
  if (length === undefined) {
    // Damaged, or longer than the inspected part.
    const [firstLine = '', ...rest] = searched.toString('latin1').split(/\r\n|\r|\n/);
    const next = rest.find((line) => line.trim() !== '')?.trim();
    const isLines = next === undefined ? !takesDocument || isNamedLines : next.startsWith('{');
    if (isLines) return 'jsonl';
    if (takesDocument && !isNamedLines) return 'json-document';
    // A line that leaves its object open is one of several: with one record per line, each line would become a dead
    // letter.
    return /[{[,:]\s*$/.test(firstLine) ? 'sequence' : 'jsonl';
  }
  const isOneLine = !/[\r\n]/.test(searched.toString('latin1', 0, length));
  if (behind === '{') {
    const [between = ''] = searched.toString('latin1', length).split('{');
    return isOneLine && between.includes('\n') ? 'jsonl' : 'sequence';
  }
  if (behind !== undefined) return isOneLine || !takesDocument ? 'jsonl' : 'json-document';
  if (!takesDocument) return isOneLine ? 'jsonl' : 'sequence';
  if (isNamedLines) return isOneLine ? 'jsonl' : 'sequence';
  return isOneLine && !isNamedDocument && searched.includes(0x0a, length) ? 'jsonl' : 'json-document';
}

interface ArrayWithin {
  name: string;
  /** Position of its opening bracket. */
  offset: number;
}

/**
 * The arrays of objects that the object holds, in the inspected part; the array that the feed names, with any content.
 * None if the object is a record itself: it has one of the feed's columns.
 */
function arraysWithin(searched: Buffer, { columns, recordsIn, formats }: DialectWish): ArrayWithin[] {
  const arrays: ArrayWithin[] = [];
  const empty: ArrayWithin[] = [];
  for (const { name, offset } of members(searched)) {
    if (searched[offset] !== openArray) {
      if (recordsIn === undefined && columns.includes(name)) return [];
      continue;
    }
    if (name === recordsIn) arrays.push({ name, offset });
    else if (recordsIn === undefined && /^\[\s*\{/.test(searched.toString('latin1', offset)))
      arrays.push({ name, offset });
    else if (recordsIn === undefined && /^\[\s*\]/.test(searched.toString('latin1', offset, offset + 1024)))
      empty.push({ name, offset });
  }
  // An empty export. A document may have an empty list of something else.
  const isOfNothing = arrays.length === 0 && empty.length === 1 && !formats.includes('json-document');
  return isOfNothing && columns.length > 0 ? empty : arrays;
}

/** An array of objects in an object within the object, if neither object is a record. */
function arrayDeeper(searched: Buffer, wish: DialectWish): { outer: string; inner: string } | undefined {
  const { columns } = wish;
  if (columns.length === 0) return undefined;
  const outer = [...members(searched)];
  if (outer.some(({ name }) => columns.includes(name))) return undefined;
  for (const { name, offset } of outer) {
    if (searched[offset] !== openObject) continue;
    const [inner] = arraysWithin(searched.subarray(offset), wish);
    if (inner) return { outer: name, inner: inner.name };
  }
  return undefined;
}

/**
 * The members of the object that begins here: their names and the positions of their values. Ends at damage or at the end
 * of the inspected part.
 */
function* members(searched: Buffer): Generator<{ name: string; offset: number }> {
  const text = searched.toString('latin1');
  const member = /[{,]\s*("(?:[^"\\]|\\.)*")\s*:\s*(?=\S)/y;
  for (let at = 0; ;) {
    member.lastIndex = at;
    const written = member.exec(text)?.[1];
    if (written === undefined) return;
    const offset = member.lastIndex;
    yield { name: nameOf(written), offset };
    const end = valueEnd(searched, text, offset);
    if (end === undefined) return;
    at = end + (/^\s*/.exec(text.slice(end, end + 1024))?.[0].length ?? 0);
  }
}

function valueEnd(searched: Buffer, text: string, offset: number): number | undefined {
  if (!'{["'.includes(text[offset] ?? '')) {
    const scalar = /[^\s,}\]]+/y;
    scalar.lastIndex = offset;
    return scalar.test(text) ? scalar.lastIndex : undefined;
  }
  const element = new JsonElement(undefined);
  element.begin(searched[offset] ?? 0);
  return element.read(searched, offset, searched.length) ? offset + element.length : undefined;
}

function nameOf(latin1: string): string {
  const text = Buffer.from(latin1, 'latin1').toString('utf8');
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

function wrapped(searched: Buffer, begin: Place, array: ArrayWithin, wish: DialectWish): DetectedDialect {
  const bodyOffset = array.offset + 1;
  const indent = indentBehind(searched.subarray(bodyOffset));
  const lines = searched.toString('latin1', 0, bodyOffset).split('\n').length - 1;
  const dialect: JsonArrayDialect = {
    format: 'json-array',
    encoding: wish.encoding,
    bodyOffset: begin.offset + bodyOffset,
    bodyLine: begin.line + lines,
    rules: cutRules,
    within: wish.recordsIn === undefined ? 'object' : 'named-object',
    arrayName: array.name,
    ...(typeof indent === 'number' ? { indentBytes: indent } : {}),
  };
  return { kind: 'dialect', dialect };
}

/** Bytes before this position in its line, without a byte-order mark. */
function columnOf(head: Buffer, offset: number): number {
  const line = head.lastIndexOf(0x0a, offset) + 1;
  return head.subarray(line, offset).filter((byte) => byte === 32 || byte === 9).length;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('latin1'));
    return true;
  } catch {
    return false;
  }
}

function refused(code: string, message: string): DetectedDialect {
  return { kind: 'refused', code, message };
}
