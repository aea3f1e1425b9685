import type { Problem } from './problem.ts';

export type CsvFields = { kind: 'fields'; fields: string[] } | { kind: 'problem'; problem: Problem };

/** The facts beyond a record's text that messages and checks need. */
export interface CsvRow {
  /** The header's names. Without them there is no check for swallowed rows. */
  columns: readonly string[];
  /** The record's first line in the file, from 1. */
  line: number;
}

/**
 * The fields of one CSV record, given without its line break. RFC 4180, as strict about quotes as `CsvScanner`. A line
 * break must be quoted: an unquoted one is damage, and the original text can't be known.
 */
export function splitFields(text: string, delimiter: string, row?: CsvRow): CsvFields {
  if (!text.includes('"')) return unquoted(text.split(delimiter), text);
  const fields: string[] = [];
  /** The quoted fields with line breaks, with their text as written. */
  const multiline: { index: number; raw: string }[] = [];
  let at = 0;
  for (;;) {
    let end: number;
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1);
      if (close === -1)
        return problem('unclosed_quote', `the quote that opens field ${fields.length + 1} is not closed`);
      const raw = text.slice(at + 1, close);
      if (row !== undefined && hasLineBreak(raw)) multiline.push({ index: fields.length, raw });
      fields.push(raw.replaceAll('""', '"'));
      end = close + 1;
      if (end < text.length && text[end] !== delimiter) {
        return problem('text_after_quote', `field ${fields.length} continues after its closing quote`);
      }
    } else {
      const next = text.indexOf(delimiter, at);
      end = next === -1 ? text.length : next;
      const field = text.slice(at, end);
      if (field.includes('"')) {
        return problem('bare_quote', `field ${fields.length + 1} has a quote in it but does not begin with one`);
      }
      if (hasLineBreak(field)) return strayBreak(field, fields.length + 1);
      fields.push(field);
    }
    if (end >= text.length) break;
    at = end + 1;
  }
  if (row !== undefined && withoutSurplus(fields, row.columns).length === row.columns.length) {
    for (const field of multiline) {
      const swallowed = swallowedRows(field, text, delimiter, { fields: fields.length, line: row.line });
      if (swallowed) return swallowed;
    }
  }
  return { kind: 'fields', fields };
}

/**
 * One delimiter too many at the end of each row, or only of the header: the empty field after it can be dropped without
 * loss.
 */
export function withoutSurplus(fields: string[], columns: readonly string[]): string[] {
  if (fields.length === columns.length + 1 && fields.at(-1)?.trim() === '') return fields.slice(0, -1);
  if (fields.length === columns.length - 1 && columns.at(-1) === '') return [...fields, ''];
  return fields;
}

function unquoted(fields: string[], text: string): CsvFields {
  if (!hasLineBreak(text)) return { kind: 'fields', fields };
  const index = fields.findIndex(hasLineBreak);
  return strayBreak(fields[index] ?? '', index + 1);
}

function hasLineBreak(text: string): boolean {
  return text.includes('\r') || text.includes('\n');
}

function strayBreak(field: string, number: number): CsvFields {
  const name = field.includes('\r') ? 'a carriage return' : 'a line feed';
  return problem('stray_line_break', `field ${number} has ${name} in it but is not quoted`);
}

/**
 * A quote that was never closed pairs with the next stray one, and the rows between become text. That happened if the
 * first line is a row up to the field's text, the last line is a row from its beginning to the fields after it, and all
 * lines between are rows. Text that looks like this by chance is also rejected.
 */
function swallowedRows(
  { index, raw }: { index: number; raw: string },
  text: string,
  delimiter: string,
  row: { fields: number; line: number },
): CsvFields | undefined {
  // With two columns, a comma in each line of a text would be enough.
  if (row.fields < 3) return undefined;
  const lines = linesOf(raw);
  const last = lines.length - 1;
  const isRowLike = (line: string, n: number): boolean => {
    if (n > 0 && n < last && line.trim() === '') return true;
    const split = splitFields(line, delimiter);
    const wanted = n === 0 ? row.fields - index : n === last ? index + 1 : row.fields;
    if (split.kind === 'problem' || split.fields.length !== wanted) return false;
    // A line of delimiters alone is not a row.
    return n === 0 || wanted === 1 || split.fields.some((field) => field.trim() !== '');
  };
  if (!lines.every(isRowLike)) return undefined;
  // An earlier field may contain line breaks.
  const firstLine = row.line + breaksIn(text.slice(0, text.indexOf(raw)));
  return problem(
    'swallowed_rows',
    `the quote that opens field ${index + 1} in line ${firstLine} closes in line ${firstLine + last}, and each of these ` +
      'lines could be a row of its own: there may be a missing or an extra quote',
  );
}

function breaksIn(text: string): number {
  return linesOf(text).length - 1;
}

/** A line feed ends a line, together with all carriage returns before it; otherwise each carriage return ends one. */
function linesOf(text: string): string[] {
  return text.replace(/\r+(\n?)/g, (run, feed: string) => (feed === '' ? '\n'.repeat(run.length) : feed)).split('\n');
}

function closingQuote(text: string, from: number): number {
  let at = from;
  for (;;) {
    at = text.indexOf('"', at);
    if (at === -1 || text[at + 1] !== '"') return at;
    at += 2;
  }
}

function problem(reason: Problem['reason'], message: string): CsvFields {
  return { kind: 'problem', problem: { reason, field: null, message } };
}
