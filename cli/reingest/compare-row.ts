import type { Feed } from '../../feeds/feed.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { shownCell, sourceRowOf } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { maxNesting } from '../../lambdas/core/records/json-nesting.ts';
import { surveyJson } from '../../lambdas/core/records/json-survey.ts';

export interface ColumnChange {
  column: string;
  /** Undefined if the record could not be read or had no such field. */
  before: string | undefined;
  after: string;
}

export interface ComparedRow {
  /** Values by the source's column names, in their original types; unchanged ones are as they were. */
  row: Record<string, unknown>;
  /** Empty: the desk changed nothing. */
  changes: ColumnChange[];
  /** Columns with values that are not fields of the record: notes of the desk. */
  ignored: string[];
}

/**
 * Compares a corrected row with its record. A spreadsheet's line break in a cell is not a change.
 * @param known the fields of the file's rows, as far as they are known
 */
export function compareRow(
  open: OpenDead,
  cells: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
  feed: Feed,
): ComparedRow {
  const { dialect } = open.file;
  const source = sourceRowOf(open.receipt, dialect);
  // Without a prototype: a column may be named `__proto__` or `constructor`.
  const row = Object.assign(Object.create(null) as Record<string, unknown>, source?.row);
  if (!source && dialect?.format === 'csv') for (const name of dialect.columns) row[name] = '';
  const compared: ComparedRow = { row, changes: [], ignored: [] };
  for (const [column, after] of cells) {
    const before = source?.cells.get(column);
    if (isSame(shownCell(before ?? ''), after)) continue;
    if (!known.has(column)) {
      compared.ignored.push(column);
      continue;
    }
    row[column] = valueOf(after, before === undefined ? undefined : source?.row[column], column, feed);
    compared.changes.push({ column, before, after });
  }
  return compared;
}

/** The fields of a file's rows: the header's, or the feed's columns and those seen in records. */
export function knownColumns(opens: readonly OpenDead[], feed: Feed): Set<string> {
  const dialect = opens[0]?.file.dialect;
  if (dialect?.format === 'csv') return new Set(dialect.columns);
  const known = new Set(feed.columns);
  for (const { receipt } of opens) {
    for (const name of sourceRowOf(receipt, dialect)?.cells.keys() ?? []) known.add(name);
  }
  return known;
}

function isSame(a: string, b: string): boolean {
  return a === b || withPlainBreaks(a) === withPlainBreaks(b);
}

const withPlainBreaks = (text: string): string => text.replace(/\r\n?/g, '\n');

/** Text stays text. A value that was a number, boolean or the like becomes one again if the cell still holds one. */
function valueOf(text: string, before: unknown, column: string, feed: Feed): unknown {
  if (before === undefined || typeof before === 'string') return text;
  // As in a file: `30.0` is not a whole number, although JSON would read it as one.
  if (feed.integerFields.includes(column) && !/^-?[0-9]+$/.test(text.trim())) return text;
  // Nested deeper than any feed's records may be: it could not be serialized.
  if (surveyJson(text).depth > maxNesting) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
