import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { splitFields } from '../../lambdas/core/records/csv-fields.ts';
import type { OtherHeader } from '../../lambdas/core/records/describe-header.ts';
import { describeOtherHeader } from '../../lambdas/core/records/describe-header.ts';
import { decodeText, encodeText } from '../../lambdas/core/records/decode-text.ts';
import type {
  CsvDialect,
  CutBatch,
  CutLimits,
  CutPosition,
  Dialect,
  JsonArrayDialect,
  OtherHeaderPlace,
  RepeatedHeaders,
} from '../../lambdas/core/records/dialect.ts';
import type { HeaderRow } from '../../lambdas/core/records/header-row.ts';
import { headerRowOf } from '../../lambdas/core/records/header-row.ts';

/**
 * What the cutters must do, written to be obviously right rather than fast: the whole file in memory, as a string with
 * a character a byte, and no state but the place.
 */

export interface ReferenceRecord {
  offset: number;
  line: number;
  length: number;
  /** Place and line after it. */
  next: number;
  nextLine: number;
  /** Before it, from the file's start. */
  headers: RepeatedHeaders | undefined;
  /** It is a header that differs from the file's own. */
  other: OtherHeader | undefined;
}

export function referenceRecords(file: Buffer, dialect: Dialect, limits: CutLimits): ReferenceRecord[] {
  const text = file.toString('latin1');
  const records: ReferenceRecord[] = [];
  const lineBreak = dialect.format === 'csv' && dialect.lineBreak === 'cr' ? '\r' : '\n';
  const lineAt = (offset: number): number =>
    // Nothing comes after a document, so its lines are not counted.
    dialect.format === 'json-document'
      ? dialect.bodyLine
      : dialect.bodyLine + text.slice(dialect.bodyOffset, offset).split(lineBreak).length - 1;
  let at = dialect.bodyOffset;
  let headers: RepeatedHeaders | undefined;
  for (;;) {
    const found = nextOf(text, at, dialect, limits);
    if (!found) return records;
    const { start, end, next } = found;
    at = next;
    const header = end - start <= limits.maxRecordBytes ? headerOf(file.subarray(start, end), dialect) : undefined;
    if (header?.kind === 'repeated') {
      headers = { count: (headers?.count ?? 0) + 1, firstLine: headers?.firstLine ?? lineAt(start) };
      continue;
    }
    const place = { offset: start, line: lineAt(start), length: end - start, next, nextLine: lineAt(next) };
    records.push({ ...place, headers, other: header?.kind === 'other' ? header : undefined });
  }
}

function headerOf(record: Buffer, dialect: Dialect): HeaderRow | undefined {
  if (dialect.format !== 'csv' || dialect.rules === undefined || dialect.columns.length < 2) return undefined;
  const text = decodeText(record, dialect.encoding);
  if (text === null || !mayBeHeader(text, dialect)) return undefined;
  return headerRowOf(text, dialect);
}

/** It begins with a name that headers have, or has the longest of them, of six bytes or more, at the end of a field. */
function mayBeHeader(
  text: string,
  { columns: [first = ''], delimiter, headerNames = [], encoding }: CsvDialect,
): boolean {
  const begin = text.replace(/^[" \t]*/, '');
  if (first === '' && begin.startsWith(delimiter)) return true;
  const names = [first, ...headerNames].filter((name) => name !== '');
  // Names here are of letters alone.
  const start = (name: string): RegExp => new RegExp(`^${name.split('').join('[ _.-]*')}`, 'i');
  if (names.some((name) => start(name).test(begin))) return true;
  const bytesOf = (name: string): number => encodeText(name, encoding).length;
  const [longest = ''] = [...headerNames].sort((a, b) => bytesOf(b) - bytesOf(a));
  const ends = text
    .split(longest)
    .slice(1)
    // eslint-disable-next-line no-control-regex -- files have them
    .map((behind) => /^[ \t]*(?:$|[\r\n\x1a",;\t|])/.test(behind));
  return bytesOf(longest) >= 6 && ends.includes(true);
}

/** The batches of a file, by the same rules. */
export function referenceBatches(
  file: Buffer,
  dialect: Dialect,
  limits: CutLimits,
): { batch: CutBatch; position: CutPosition }[] {
  const batches: { batch: CutBatch; position: CutPosition }[] = [];
  const all = referenceRecords(file, dialect, limits);
  const otherAt = all.findIndex(({ other }) => other !== undefined);
  let otherHeader: OtherHeaderPlace | undefined;
  for (let n = 0; n < all.length;) {
    const first = all[n];
    if (!first) break;
    if (n === otherAt && first.other && dialect.format === 'csv') {
      const message = `${describeOtherHeader(first.other, dialect, first.line)} Nothing from that line on is sent: drop it as a file of its own.`;
      otherHeader = { line: first.line, record: n, batch: batches.length, message };
    }
    const place = { batch: batches.length + 1, offset: first.offset, firstRecord: n + 1, firstLine: first.line };
    let last = first;
    let batch: CutBatch;
    if (first.length > limits.maxRecordBytes) {
      const bytes = file.subarray(first.offset, first.offset + first.length);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      batch = { kind: 'oversize', ...place, records: 1, length: first.length, sha256, head: bytes.subarray(0, 1024) };
      n++;
    } else {
      let records = 0;
      for (; n < all.length && records < limits.maxBatchRecords; n++, records++) {
        const record = all[n];
        if (!record || record.length > limits.maxRecordBytes) break;
        if (records > 0 && n === otherAt) break;
        if (records > 0 && record.offset + record.length - first.offset > limits.maxBatchBytes) break;
        last = record;
      }
      batch = { kind: 'slice', ...place, records, bytes: file.subarray(first.offset, last.offset + last.length) };
    }
    const position = { offset: last.next, line: last.nextLine, record: n, batch: batches.length + 1 };
    batches.push({
      batch,
      position: {
        ...position,
        ...(last.headers ? { headers: last.headers } : {}),
        ...(otherHeader ? { otherHeader } : {}),
      },
    });
  }
  return batches;
}

interface Extent {
  start: number;
  end: number;
  next: number;
}

function nextOf(text: string, at: number, dialect: Dialect, limits: CutLimits): Extent | null {
  switch (dialect.format) {
    case 'csv':
      return nextRow(text, at, dialect, limits);
    case 'jsonl':
      return dialect.rules === undefined
        ? nextLine(text, at, '\n')
        : nextLineByRules(text, at, lineRules('\n', undefined), limits);
    case 'json-document':
      return at < text.length ? { start: at, end: text.length, next: text.length } : null;
    case 'json-array':
      return nextElement(text, at, dialect, limits.maxRecordBytes);
    case 'bundle':
      return nextMember(text, at);
  }
}

/** A line that ends in the number of bytes after it, then these, then a line feed. */
function nextMember(text: string, start: number): Extent | null {
  const line = /.*\n/y;
  line.lastIndex = start;
  const head = line.exec(text)?.[0];
  if (head === undefined) return null;
  const end = start + head.length + Number(/"bytes":([0-9]+)/.exec(head)?.[1]);
  return { start, end, next: end + 1 };
}

/** The next line that isn't empty, without its break. */
function nextLine(text: string, from: number, lineBreak: '\n' | '\r'): Extent | null {
  for (let start = from; start < text.length;) {
    const at = text.indexOf(lineBreak, start);
    if (at === -1) return { start, end: text.length, next: text.length };
    const end = lineBreak === '\n' && at > start && text[at - 1] === '\r' ? at - 1 : at;
    if (end > start) return { start, end, next: at + 1 };
    start = at + 1;
  }
  return null;
}

function nextRow(text: string, from: number, dialect: CsvDialect, limits: CutLimits): Extent | null {
  if (dialect.rules !== undefined) return nextRowByRules(text, from, dialect, limits);
  const lineBreak = dialect.lineBreak === 'cr' ? '\r' : '\n';
  const line = nextLine(text, from, lineBreak);
  if (!line || line.end - line.start > limits.maxRecordBytes) return line;
  const row = quotedRow(text, line.start, dialect);
  if (!row || row.end <= line.end || row.end - line.start > limits.maxRecordBytes) return line;
  const lines = text.slice(line.start, row.end).split(lineBreak);
  const rowDelimiters = dialect.columns.length - 1;
  if (rowDelimiters >= 2) {
    const likeRows = lines.map((one) => one.split(dialect.delimiter).length - 1 === rowDelimiters);
    const isSwallowing =
      row.fields === dialect.columns.length
        ? lines.length >= 3 && !likeRows.includes(false)
        : likeRows.slice(1).includes(true);
    if (isSwallowing) return line;
  }
  return { start: line.start, end: row.end, next: row.next };
}

/** How the lines of a file end, and which are blank, as patterns. */
interface LineRules {
  /** A line's break, and what may belong to its end before it: a character class. */
  lineBreak: string;
  tail: string;
  /** What ends a line: its tail, whole, and its break or the file's end. */
  end: string;
  blank: string;
}

function lineRules(lineBreak: '\n' | '\r', delimiter: string | undefined): LineRules {
  const tail = lineBreak === '\n' ? '[\\r\\x1a]' : '[\\n\\x1a]';
  const blank = '[ \\t]*(?:"[ \\t]*"[ \\t]*)?';
  return {
    lineBreak: lineBreak === '\n' ? '\\n' : '\\r',
    tail,
    end: `${tail}{0,16}(?!${tail})(?:${lineBreak === '\n' ? '\\n' : '\\r'}|$)`,
    blank: delimiter === undefined ? '[ \\t]*' : `${blank}(?:${delimiter}${blank})*`,
  };
}

/** The next line with something in it, without what belongs to its end. */
function nextLineByRules(text: string, from: number, rules: LineRules, limits: CutLimits): Extent | null {
  // eslint-disable-next-line no-control-regex -- files have them
  const between = /(?:[\r\n\x1a]|\xef\xbb\xbf)*/y;
  const blankLine = new RegExp(`${rules.blank}(?=${rules.end})`, 'y');
  const line = new RegExp(`[^${rules.lineBreak}]*(?:${rules.lineBreak}|$)`, 'y');
  const end = new RegExp(`^${rules.end}$`);
  for (let start = from; ;) {
    between.lastIndex = start;
    start += between.exec(text)?.[0].length ?? 0;
    if (start >= text.length) return null;
    blankLine.lastIndex = start;
    const blank = blankLine.exec(text)?.[0].length ?? 0;
    if (blank > 0 && blank <= limits.maxRecordBytes) {
      start += blank;
      continue;
    }
    line.lastIndex = start;
    const whole = line.exec(text)?.[0] ?? '';
    // A complete run of line-end bytes, or none of it.
    const run = new RegExp(`${rules.tail}*(?:${rules.lineBreak})?$`).exec(whole)?.[0] ?? '';
    const broken = whole.endsWith(rules.lineBreak === '\\n' ? '\n' : '\r') ? 1 : 0;
    const ending = end.test(run) ? run.length : broken;
    return { start, end: start + whole.length - ending, next: start + whole.length };
  }
}

function nextRowByRules(text: string, from: number, dialect: CsvDialect, limits: CutLimits): Extent | null {
  const lineBreak = dialect.lineBreak === 'cr' ? '\r' : '\n';
  const d = dialect.delimiter === '|' ? '\\|' : dialect.delimiter;
  const rules = lineRules(lineBreak, d);
  const line = nextLineByRules(text, from, rules, limits);
  if (!line || line.end - line.start > limits.maxRecordBytes) return line;
  if (dialect.pairedBreaks) {
    const joined = joinedLine(text, line, dialect, rules, limits);
    if (joined) return joined;
  }
  const row = quotedRowByRules(text, line.start, dialect.delimiter, d, rules);
  if (!row || row.end <= line.end || row.end - line.start > limits.maxRecordBytes) return line;
  const { columns } = dialect;
  if (columns.length >= 3) {
    // An empty field too many at the end of the header or of the rows is none.
    const isRow = (fields: number): boolean =>
      fields >= columns.length - (columns.at(-1) === '' ? 1 : 0) && fields <= columns.length + 1;
    const isBlank = new RegExp(`^${rules.tail}*$`);
    const lines = text.slice(line.start, row.end).split(lineBreak);
    const likeRows = lines.map((one) => isRow(one.split(dialect.delimiter).length));
    const inked = lines.filter((one) => !isBlank.test(one)).length;
    const isSwallowing = isRow(row.fields)
      ? inked >= 3 && likeRows.filter(Boolean).length === inked
      : likeRows.slice(1).includes(true);
    if (isSwallowing) return line;
  }
  return { start: line.start, end: row.end, next: row.next };
}

/**
 * A row without quotes, and behind a line feed alone what is none: the line feed is within the last field. The other way
 * around, where there is no delimiter before it, it is within the first.
 */
function joinedLine(
  text: string,
  line: Extent,
  dialect: CsvDialect,
  rules: LineRules,
  limits: CutLimits,
): Extent | undefined {
  const { columns, delimiter } = dialect;
  const fewest = columns.length - (columns.at(-1) === '' ? 1 : 0);
  const first = text.slice(line.start, line.end);
  const fields = first.split(delimiter).length;
  let isRow = fields >= fewest && fields <= columns.length + 1;
  if (columns.length < 3 || first.includes('"') || (!isRow && fields > 1)) return undefined;
  const headerStart = encodeText(columns[0] ?? '', dialect.encoding).toString('latin1');
  const textOf = (piece: string): string => decodeText(Buffer.from(piece, 'latin1'), 'windows-1252') ?? '';
  let whole = line;
  while (text[whole.end] === '\n' && text[whole.end - 1] !== '\r') {
    const at = text.indexOf('\n', whole.next);
    const next = at === -1 ? text.length : at + 1;
    const lineText = text.slice(whole.next, at === -1 ? text.length : at);
    // eslint-disable-next-line no-control-regex -- files have them
    const run = /[\r\x1a]*$/.exec(lineText)?.[0].length ?? 0;
    const piece = run > 16 ? lineText : lineText.slice(0, lineText.length - run);
    const end = whole.next + piece.length;
    const isBlank = new RegExp(`^${rules.tail}*${rules.blank}${rules.tail}*$`).test(lineText);
    if (isBlank || piece.startsWith('\xef\xbb\xbf') || piece.startsWith(headerStart)) break;
    // All that is compared is ASCII.
    if (dialect.headerNames && mayBeHeader(textOf(piece), { ...dialect, encoding: 'windows-1252' })) break;
    if (opensQuote(piece, delimiter) || end - line.start > limits.maxRecordBytes) break;
    if (isRow === piece.split(delimiter).length >= fewest) break;
    isRow = true;
    whole = { start: line.start, end, next };
  }
  return whole;
}

/** Whether a field of this line is quoted and continues in the next. */
function opensQuote(line: string, delimiter: string): boolean {
  const split = splitFields(line.replaceAll('\r', ' '), delimiter);
  return split.kind === 'problem' && split.problem.reason === 'unclosed_quote';
}

function quotedRowByRules(
  text: string,
  start: number,
  delimiter: string,
  d: string,
  { tail, end, lineBreak }: LineRules,
): { end: number; next: number; fields: number } | null {
  const tailBytes = tail.slice(1, -1);
  const stray = `${tail}+(?!${tail})(?!${lineBreak}|$)|${tail}{17,}(?!${tail})`;
  const plain = `(?:[^"${d}${lineBreak}${tailBytes}]|${stray})*`;
  const field = new RegExp(`(?:"(?:[^"]|"")*"(?!")|(?!")${plain})(${d}|${end})`, 'y');
  field.lastIndex = start;
  for (let fields = 1; ; fields++) {
    const match = field.exec(text);
    if (!match) return null;
    const closing = match[1] ?? '';
    if (closing === delimiter) continue;
    return { end: field.lastIndex - closing.length, next: field.lastIndex, fields };
  }
}

/** RFC 4180 as a grammar; null if the text does not follow it. */
function quotedRow(
  text: string,
  start: number,
  dialect: CsvDialect,
): { end: number; next: number; fields: number } | null {
  const d = dialect.delimiter === '|' ? '\\|' : dialect.delimiter;
  const end = dialect.lineBreak === 'cr' ? '(?:\\r|$)' : '(?:\\r?\\n|$)';
  // Without a line feed behind it a carriage return is text.
  const plain = dialect.lineBreak === 'cr' ? `[^"${d}\\r]*` : `(?:[^"${d}\\r\\n]|\\r(?!\\n))*`;
  const field = new RegExp(`(?:"(?:[^"]|"")*"(?!")|(?!")${plain})(${d}|${end})`, 'y');
  field.lastIndex = start;
  for (let fields = 1; ; fields++) {
    const match = field.exec(text);
    if (!match) return null;
    const closing = match[1] ?? '';
    if (closing === dialect.delimiter) continue;
    return { end: field.lastIndex - closing.length, next: field.lastIndex, fields };
  }
}

const blank = '[ \\t\\r\\n]*';

function nextElement(text: string, from: number, dialect: JsonArrayDialect, max: number): Extent | null {
  const { indentBytes } = dialect;
  const start = elementStart(text, from, dialect, max);
  if (start === null) return null;
  const to = (end: number): Extent => ({ start, end, next: end });
  if (!'{["'.includes(text[start] ?? '')) {
    const scalar = /[^,[\]{\n]*/y;
    scalar.lastIndex = start;
    const found = scalar.exec(text)?.[0] ?? '';
    return to(start + (found.length > max ? found : found.replace(/[ \t\r]+$/, '')).length);
  }
  const followed = followElement(text, start);
  if (followed.kind === 'closed' && followed.at - start <= max) return to(followed.at);
  const orEnd = (index: number | undefined): number => index ?? text.length;
  if (indentBytes !== undefined) {
    const nextLike = matchEnd(text, start + 1, new RegExp(`\\n[ \\t]{${indentBytes}}(?=\\{)`, 'g'));
    return to(followed.kind === 'closed' ? Math.min(orEnd(nextLike), followed.at) : orEnd(nextLike));
  }
  if (followed.kind === 'closed') return to(followed.at);
  if (followed.kind === 'open') return to(text.length);
  if (followed.isBehindComma && text[followed.at] === '{') return to(followed.at);
  return to(orEnd(matchEnd(text, followed.at, new RegExp(`,${blank}(?=\\{)`, 'g'))));
}

function matchEnd(text: string, from: number, pattern: RegExp): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function elementStart(
  text: string,
  from: number,
  { rules, within, arrayName }: JsonArrayDialect,
  max: number,
): number | null {
  const isInObject = within === 'object' || within === 'named-object';
  let isClosed = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === ']') {
      const rest = text.slice(at);
      if (isInObject && rest.length <= max && endsObject(rest, within === 'named-object', arrayName)) return null;
      isClosed = true;
    } else if (char === '[' && isClosed) isClosed = false;
    else if (rules !== undefined && text.startsWith('\xef\xbb\xbf', at)) at += 2;
    else if (rules !== undefined && !isInObject && char === '[') {
      const blanks = /^[ \t\r\n]*(?=\{)/.exec(text.slice(at + 1))?.[0];
      if (blanks === undefined || blanks.length > max) return at;
    } else if (!(rules === undefined ? ', \t\r\n' : ', \t\r\n\x1a').includes(char)) return at;
  }
  return null;
}

/** Whether this closes an array and then the object that holds it, with no other array that could be the one. */
function endsObject(rest: string, isNamed: boolean, name: string | undefined): boolean {
  let members: unknown[];
  try {
    const object = JSON.parse(`{"the array":[${rest}`) as object;
    if (name !== undefined && Object.keys(object).includes(name)) return false;
    members = Object.values(object);
  } catch {
    return false;
  }
  return isNamed || !members.some((one) => Array.isArray(one) && one.some((each) => typeof each === 'object'));
}

/** Where an element closes, or the first byte at which its quotes or brackets are out of step. */
function followElement(
  text: string,
  start: number,
): { kind: 'closed' | 'broken' | 'open'; at: number; isBehindComma?: boolean } {
  const open: string[] = [];
  let last = '';
  for (let at = start; at < text.length; at++) {
    const char = text[at] ?? '';
    if (' \t\r\n'.includes(char)) continue;
    const container = open.at(-1);
    const isBehindComma = last === ',';
    if (last === '"' && !',:}]'.includes(char)) return { kind: 'broken', at };
    if (char === '"') {
      if (last !== '' && !',:{['.includes(last)) return { kind: 'broken', at };
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if ((text[at] ?? '') < ' ') return { kind: 'broken', at };
        if (text[at] !== '\\') continue;
        at++;
        if (at < text.length && (text[at] ?? '') < ' ') return { kind: 'broken', at };
      }
      if (at >= text.length) break;
      if (open.length === 0) return { kind: 'closed', at: at + 1 };
    } else if (char === '{' || char === '[') {
      if (open.length === 64 || (container === '{' && last !== ':')) return { kind: 'broken', at, isBehindComma };
      open.push(char);
    } else if (char === '}' || char === ']') {
      if (container !== (char === '}' ? '{' : '[')) return { kind: 'broken', at };
      open.pop();
      if (open.length === 0) return { kind: 'closed', at: at + 1 };
    }
    last = char;
  }
  return { kind: 'open', at: text.length };
}
