import type { Buffer } from 'node:buffer';
import type { Encoding, Format } from '../../../feeds/feed.ts';
import type { Dialect } from './dialect.ts';
import { nameForeignContent, sniffedBytes } from './foreign-content.ts';
import { readHeader } from './read-header.ts';
import { visibleText } from './visible-text.ts';

export interface DialectWish {
  formats: readonly Format[];
  encoding: Encoding;
  /** Columns a CSV header must have. */
  columns: readonly string[];
  /** Of the object: its extension settles what the content leaves open. */
  key: string;
}

export type DetectedDialect =
  | { kind: 'dialect'; dialect: Dialect }
  | { kind: 'refused'; code: string; message: string }
  /** More of the file is needed to say. */
  | { kind: 'more' }
  | { kind: 'empty'; dialect: Dialect | null };

const maxFirstLineBytes = 256 * 1024;

const lineFeed = 10;
const openArray = 91;
const openObject = 123;

/**
 * What a file's beginning says about how its records are laid out. The answer is the same for every head that isn't
 * answered with `more`. With a single format allowed, that is the one; a CSV header and an array's bracket are still checked.
 */
export function detectDialect(head: Buffer, atEnd: boolean, wish: DialectWish): DetectedDialect {
  if (head.length < sniffedBytes && !atEnd) return { kind: 'more' };
  const foreign = nameForeignContent(head.subarray(0, sniffedBytes));
  if (foreign) return { kind: 'refused', ...foreign };

  const begin = beginningOf(head);
  if (begin.offset === head.length) return atEnd ? { kind: 'empty', dialect: null } : { kind: 'more' };
  const format = formatOf(head.subarray(begin.offset), atEnd, wish);
  if (format === 'more') return { kind: 'more' };
  switch (format) {
    case 'csv':
      return withBeginning(readHeader(head, atEnd, wish), head.subarray(begin.offset), wish);
    case 'json-array':
      return arrayDialect(head, begin, atEnd, wish);
    case 'jsonl':
    case 'json-document':
      return { kind: 'dialect', dialect: { format, encoding: wish.encoding, ...bodyAt(begin) } };
    case null:
      return {
        kind: 'refused',
        code: 'unknown_format',
        message: `The file does not look like ${namesOf(wish.formats)}: ${describeBeginning(head.subarray(begin.offset))}.`,
      };
  }
}

/** Of a refused header that nobody may have meant as one: what the file is called, and what it begins with. */
function withBeginning(found: DetectedDialect, content: Buffer, { formats, key }: DialectWish): DetectedDialect {
  const hint = hintOf(key);
  if (found.kind !== 'refused') return found;
  if (hint !== null && hint !== 'csv' && formats.length > 1) {
    const message = `The file's name says JSON, but ${describeBeginning(content)}. As CSV: ${found.message}`;
    return { ...found, message };
  }
  return found.code === 'bad_header'
    ? { ...found, message: `${found.message} ${capital(describeBeginning(content))}.` }
    : found;
}

/** What can be seen of the first bytes, for a sentence. */
export function describeBeginning(content: Buffer): string {
  const beginning = content.subarray(0, 240).toString('utf8');
  return beginning === '' ? 'it is blank' : `it begins with "${visibleText(beginning, 60)}"`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function namesOf(formats: readonly Format[]): string {
  return formats.map((one) => formatNames[one]).join(' or ');
}

const formatNames: Record<Format, string> = {
  csv: 'CSV',
  jsonl: 'JSON Lines',
  'json-array': 'a JSON array',
  'json-document': 'a JSON document',
};

interface Place {
  offset: number;
  line: number;
}

function bodyAt({ offset, line }: Place): { bodyOffset: number; bodyLine: number } {
  return { bodyOffset: offset, bodyLine: line };
}

/** The first byte that is neither of a byte order mark nor blank. */
function beginningOf(head: Buffer): Place {
  let offset = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  let line = 1;
  for (; offset < head.length; offset++) {
    const byte = head[offset];
    if (byte === lineFeed) line++;
    else if (byte !== 32 && byte !== 9 && byte !== 13) break;
  }
  return { offset, line };
}

function formatOf(content: Buffer, atEnd: boolean, { formats, key }: DialectWish): Format | 'more' | null {
  const [only, another] = formats;
  if (only !== undefined && another === undefined) return only;
  const hint = hintOf(key);
  const allows = (format: Format): boolean => formats.includes(format);
  const first = content[0];
  if (first === openArray && allows('json-array')) return 'json-array';
  if (first === openObject && allows('jsonl') && allows('json-document')) return linesOrDocument(content, atEnd, hint);
  if (first === openObject && allows('jsonl')) return 'jsonl';
  if (first === openObject && allows('json-document')) return 'json-document';
  // A damaged first line is no reason to read JSON Lines as something else.
  if (hint === 'jsonl' && allows('jsonl')) return 'jsonl';
  return allows('csv') ? 'csv' : null;
}

function hintOf(key: string): Format | null {
  const name = key.toLowerCase().replace(/\.(gz|zip|zst)$/, '');
  if (/\.(jsonl|ndjson|jsonlines)$/.test(name)) return 'jsonl';
  if (/\.(csv|tsv)$/.test(name)) return 'csv';
  return name.endsWith('.json') ? 'json-document' : null;
}

/** An object whose first line is whole is a line of many, unless it is the only one and the name speaks for a document. */
function linesOrDocument(content: Buffer, atEnd: boolean, hint: Format | null): 'jsonl' | 'json-document' | 'more' {
  if (hint === 'jsonl') return 'jsonl';
  const lineEnd = content.subarray(0, maxFirstLineBytes).indexOf(lineFeed);
  if (lineEnd === -1) {
    if (!atEnd && content.length < maxFirstLineBytes) return 'more';
    return 'json-document';
  }
  const rest = content.subarray(lineEnd, maxFirstLineBytes);
  const next = rest.findIndex((byte) => byte > 32);
  if (next === -1 && !atEnd && content.length < maxFirstLineBytes) return 'more';
  if (next === -1) return isJson(content.subarray(0, lineEnd)) && hint !== 'json-document' ? 'jsonl' : 'json-document';
  // A line that begins an object anew: the first was one of its own, be it whole or damaged.
  return rest[next] === openObject || isJson(content.subarray(0, lineEnd)) ? 'jsonl' : 'json-document';
}

function isJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString('latin1'));
    return true;
  } catch {
    return false;
  }
}

function arrayDialect(head: Buffer, begin: Place, atEnd: boolean, { encoding }: DialectWish): DetectedDialect {
  if (head[begin.offset] !== openArray) {
    return {
      kind: 'refused',
      code: 'not_an_array',
      message: `The file should be a JSON array, and does not begin with "[": ${describeBeginning(head.subarray(begin.offset))}.`,
    };
  }
  const body = { offset: begin.offset + 1, line: begin.line };
  const limit = Math.min(head.length, body.offset + maxFirstLineBytes);
  let indentBytes: number | undefined;
  for (let at = body.offset; at < limit; at++) {
    const byte = head[at];
    if (byte === lineFeed) indentBytes = 0;
    else if ((byte === 32 || byte === 9) && indentBytes !== undefined) indentBytes++;
    else if (byte !== 32 && byte !== 9 && byte !== 13) {
      const indent = indentBytes === undefined ? {} : { indentBytes };
      return { kind: 'dialect', dialect: { format: 'json-array', encoding, ...bodyAt(body), ...indent } };
    }
  }
  if (!atEnd && limit === head.length) return { kind: 'more' };
  return { kind: 'dialect', dialect: { format: 'json-array', encoding, ...bodyAt(body) } };
}
