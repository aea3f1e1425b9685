import type { Buffer } from 'node:buffer';
import { decodeText } from './decode-text.ts';
import type { Dialect } from './dialect.ts';
import { numberLiterals } from './exact-numbers.ts';
import { parseRecord } from './parse-record.ts';

/** A record's row, as it was read and as a spreadsheet shows it. */
export interface SourceRow {
  row: Record<string, unknown>;
  /**
   * By the source's column names: CSV fields and JSON strings as they are, JSON numbers as written, other values as JSON.
   */
  cells: ReadonlyMap<string, string>;
}

/** Undefined if the record can't be read as a row, or is nested deeper than any feed's records. */
export function readSourceRow(bytes: Buffer, dialect: Dialect): SourceRow | undefined {
  // Without the feed's integer fields: the desk sees in the cell what is wrong with a number.
  const parsed = parseRecord(bytes, dialect);
  if (parsed.kind === 'problem') return undefined;
  const { row } = parsed;
  const literals =
    dialect.format === 'csv'
      ? new Map<string, string>()
      : numberLiterals(decodeText(bytes, dialect.encoding) ?? '', Object.keys(row));
  const cells = Object.entries(row)
    // A header may have a column without a name: it can't be corrected.
    .filter(([name]) => name !== '')
    .map(([name, value]): [string, string] => [name, literals.get(name) ?? cellOf(value)]);
  return { row, cells: new Map(cells) };
}

function cellOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
