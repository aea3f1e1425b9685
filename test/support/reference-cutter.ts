import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { CsvDialect, CutBatch, CutLimits, CutPosition, Dialect } from '../../lambdas/core/records/dialect.ts';

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
  for (;;) {
    const found = nextOf(text, at, dialect, limits);
    if (!found) return records;
    const { start, end, next } = found;
    records.push({ offset: start, line: lineAt(start), length: end - start, next, nextLine: lineAt(next) });
    at = next;
  }
}

/** The batches of a file, by the same rules. */
export function referenceBatches(
  file: Buffer,
  dialect: Dialect,
  limits: CutLimits,
): { batch: CutBatch; position: CutPosition }[] {
  const batches: { batch: CutBatch; position: CutPosition }[] = [];
  const all = referenceRecords(file, dialect, limits);
  for (let n = 0; n < all.length;) {
    const first = all[n];
    if (!first) break;
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
        if (records > 0 && record.offset + record.length - first.offset > limits.maxBatchBytes) break;
        last = record;
      }
      batch = { kind: 'slice', ...place, records, bytes: file.subarray(first.offset, last.offset + last.length) };
    }
    batches.push({ batch, position: { offset: last.next, line: last.nextLine, record: n, batch: batches.length + 1 } });
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
      return nextLine(text, at, '\n');
    case 'json-document':
      return at < text.length ? { start: at, end: text.length, next: text.length } : null;
    case 'json-array':
      return nextElement(text, at, dialect.indentBytes, limits.maxRecordBytes);
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

/** RFC 4180 as a grammar; null where the text does not follow it. */
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

function nextElement(text: string, from: number, indentBytes: number | undefined, max: number): Extent | null {
  const start = elementStart(text, from);
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

function elementStart(text: string, from: number): number | null {
  let isClosed = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === ']') isClosed = true;
    else if (char === '[' && isClosed) isClosed = false;
    else if (!', \t\r\n'.includes(char)) return at;
  }
  return null;
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
