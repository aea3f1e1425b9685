import type { Buffer } from 'node:buffer';
import type { Encoding, Format } from '../../../feeds/feed.ts';
import { lineFeed, openArray, openObject } from './ascii.ts';
import { detectObjects, hintOf, maxFirstLineBytes } from './detect-objects.ts';
import type { DetectedDialect, DialectWish, Place } from './dialect.ts';
import { cutRules } from './dialect.ts';
import { nameForeignContent, sniffedBytes } from './foreign-content.ts';
import { indentBehind } from './json-boundary.ts';
import { readHeader } from './read-header.ts';
import { visibleText } from './visible-text.ts';

/**
 * Detects from a file's beginning how its records are laid out. The result is the same for every head that does not
 * result in `more`. The content decides, not the name: the name only decides what the content leaves open.
 */
export function detectDialect(head: Buffer, atEnd: boolean, wished: DialectWish): DetectedDialect {
  if (head.length < sniffedBytes && !atEnd) return { kind: 'more' };
  const foreign = nameForeignContent(head.subarray(0, sniffedBytes));
  if (foreign) return { kind: 'refused', ...foreign };

  // A file that begins with UTF-8's byte-order mark is in UTF-8, whatever encoding the feed has.
  const wish = hasMark(head) ? { ...wished, encoding: 'utf-8' as const } : wished;
  const begin = beginningOf(head);
  if (begin.offset === head.length) return atEnd ? { kind: 'empty', dialect: null } : { kind: 'more' };
  const { formats, encoding } = wish;
  const allows = (format: Format): boolean => formats.includes(format);
  const [first] = head.subarray(begin.offset);
  if (first === openArray && allows('json-array')) return arrayDialect(head, begin, atEnd, wish);
  if (first === openObject && formats.some((format) => format !== 'csv'))
    return detectObjects(head, begin, atEnd, wish);
  // Damage at the beginning is not a reason to read JSON as another format.
  if (allows('json-document') && formats.length === 1) return dialectOf({ format: 'json-document', encoding }, begin);
  if (first !== openArray && allows('jsonl') && (!allows('csv') || hintOf(wish.key) === 'jsonl')) {
    const content = head.subarray(begin.offset, begin.offset + maxFirstLineBytes);
    if (content.length < maxFirstLineBytes && !atEnd) return { kind: 'more' };
    if (hasObjectLine(content)) return dialectOf({ format: 'jsonl', encoding }, begin);
  }
  const content = head.subarray(begin.offset);
  if (allows('csv')) return withBeginning(readHeader(head, atEnd, wish), content, wish);
  if (formats.length === 1 && allows('json-array')) {
    const message = `The file should be a JSON array, and does not begin with "[": ${describeBeginning(content)}.`;
    return { kind: 'refused', code: 'not_an_array', message };
  }
  const message = `The file does not look like ${namesOf(formats)}: ${describeBeginning(content)}.`;
  return { kind: 'refused', code: 'unknown_format', message };
}

/** For a refused header that may not have been meant as one: adds the file's name and its beginning. */
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

/** The visible part of the first bytes, for a sentence. */
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

function dialectOf(
  own: { format: 'jsonl' | 'json-document'; encoding: Encoding },
  { offset, line }: Place,
): DetectedDialect {
  return { kind: 'dialect', dialect: { ...own, bodyOffset: offset, bodyLine: line, rules: cutRules } };
}

function hasMark(head: Buffer): boolean {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
}

/** The first byte that is neither part of a byte-order mark nor blank. */
function beginningOf(head: Buffer): Place {
  let offset = hasMark(head) ? 3 : 0;
  let line = 1;
  for (; offset < head.length; offset++) {
    const byte = head[offset];
    if (byte === lineFeed) line++;
    else if (byte !== 32 && byte !== 9 && byte !== 13) break;
  }
  return { offset, line };
}

/** Whether a line here begins as an object: a file without one is not JSON Lines, whatever its name is. */
function hasObjectLine(content: Buffer): boolean {
  return /(?:^|[\r\n])(?:\xef\xbb\xbf)?[ \t]*\{/.test(content.toString('latin1'));
}

function arrayDialect(head: Buffer, begin: Place, atEnd: boolean, { encoding }: DialectWish): DetectedDialect {
  const body = { bodyOffset: begin.offset + 1, bodyLine: begin.line };
  const searched = head.subarray(body.bodyOffset, body.bodyOffset + maxFirstLineBytes);
  const indent = indentBehind(searched);
  if (indent === 'blank' && !atEnd && searched.length < maxFirstLineBytes) return { kind: 'more' };
  const measured = indent === 'blank' || indent === undefined ? {} : { indentBytes: indent };
  return { kind: 'dialect', dialect: { format: 'json-array', encoding, ...body, rules: cutRules, ...measured } };
}
