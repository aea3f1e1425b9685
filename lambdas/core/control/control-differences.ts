import { csvLine, csvLineBreak, columnOf } from '../dead-letters/reconciliation-csv.ts';
import { escapeName } from '../dead-letters/spreadsheet-text.ts';

/** Rows of each kind that the list has; the counts have all. */
export const maxListed = 10_000;

/** The list is made in memory. Bytes. */
const maxListBytes = 8 * 1024 * 1024;

/** What a file and its control file do not have in common. */
export interface ControlDifferences {
  /** A sentence for the desk. */
  message: string;
  /** Values of the control file that the file does not have, and the reverse. */
  missing: number;
  extra: number;
  /** Both, as a CSV that is safe to open in a spreadsheet. */
  csv: string;
}

/** A row that only one of the two has. */
export interface OddRow {
  kind: 'missing' | 'extra';
  /** `line 7` of the control file, or `record 7` of the file. */
  place: string;
  values: readonly string[];
}

/** Gathers the list of rows, up to its limits. */
export class OddRows {
  readonly #rows: OddRow[] = [];
  readonly #listed = { missing: 0, extra: 0 };
  #bytes = 0;
  #isCut = false;

  /** False once no more rows of this kind are listed. */
  add(row: OddRow): boolean {
    const bytes = row.values.reduce((sum, value) => sum + value.length + 3, row.place.length);
    if (this.#listed[row.kind] >= maxListed || this.#bytes + bytes > maxListBytes) {
      this.#isCut = true;
      return false;
    }
    this.#listed[row.kind]++;
    this.#bytes += bytes;
    this.#rows.push(row);
    return true;
  }

  /** Not all rows are listed. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** By values, so that a moved row stands next to its old place. */
  sorted(): readonly OddRow[] {
    const keyed = this.#rows.map((row) => ({ row, key: JSON.stringify(row.values) }));
    return keyed.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ row }) => row);
  }
}

export function rowDifferences(
  rows: OddRows,
  columns: readonly string[],
  counts: { missing: number; extra: number },
): ControlDifferences {
  const { missing, extra } = counts;
  const header = ['sluice_difference', 'sluice_place', ...columns.map((name) => escapeName(columnOf(name)))];
  const lines = rows.sorted().map(({ kind, place, values }) => csvLine([kind, place, ...values]));
  const more = rows.isCut ? ` The list has the first ${maxListed.toLocaleString('en-US')} of each, at most 8 MiB.` : '';
  const message =
    `${countOf(missing, 'row')} of the control file ${missing === 1 ? 'is' : 'are'} missing in the file, and ` +
    `${countOf(extra, 'record')} of the file ${extra === 1 ? 'is' : 'are'} not in the control file.${more}`;
  return { message, missing, extra, csv: csvOf(header, lines) };
}

/** One value that both should have. */
export interface OddValue {
  what: string;
  control: string;
  file: string;
}

export function valueDifferences(values: readonly OddValue[]): ControlDifferences {
  const header = ['sluice_difference', 'control_file', 'file'];
  const lines = values.map(({ what, control, file }) => csvLine([what, control, file]));
  const sentences = values.map(
    ({ what, control, file }) => `${what}: the control file says ${control}, the file has ${file}.`,
  );
  return { message: sentences.join(' '), missing: values.length, extra: values.length, csv: csvOf(header, lines) };
}

/** @param why in a sentence */
export function unreadableControl(why: string): ControlDifferences {
  const message = `The control file can't be used. ${why}`;
  return { message, missing: 0, extra: 0, csv: csvOf(['sluice_difference', 'why'], [csvLine(['unreadable', why])]) };
}

/** The byte-order mark makes spreadsheets read it as UTF-8. */
function csvOf(header: readonly string[], lines: readonly string[]): string {
  return `\uFEFF${[header.join(','), ...lines].map((line) => `${line}${csvLineBreak}`).join('')}`;
}

function countOf(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}
