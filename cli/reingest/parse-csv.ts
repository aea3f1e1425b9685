import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import { CliError } from '../cli-error.ts';
import { refuseMisreadMark } from './re-encoding.ts';

/** A row of a CSV; `line` is the line on which it begins. */
export interface CsvRow {
  line: number;
  cells: string[];
}

export interface ParsedCsv {
  /** The header's names, without surrounding blanks. */
  columns: string[];
  rows: CsvRow[];
}

/** Separators, in the order in which they are tried. */
const delimiters = [',', ';', '\t', '|'] as const;

/**
 * Parses a CSV as spreadsheet programs save it: with or without a byte-order mark, with any line breaks, quoting and
 * separator. Rows without a single value are left out.
 * @param required columns that it must have: they identify the separator
 * @throws CliError if it can't be read
 */
export function parseCsv(bytes: Buffer, required: readonly string[]): ParsedCsv {
  const text = textOf(bytes);
  // Excel's own declaration of the separator.
  const declared = /^sep=([,;\t|])\r?\n/.exec(text);
  const body = declared ? text.slice(declared[0].length) : text;
  const linesBefore = declared ? 1 : 0;
  const candidates = declared ? [declared[1] ?? ','] : delimiters;
  for (const delimiter of candidates) {
    const [header] = read(body, delimiter, linesBefore, 1);
    const columns = header?.cells.map((name) => name.trim()) ?? [];
    if (!required.every((name) => columns.includes(name))) continue;
    const [, ...rows] = read(body, delimiter, linesBefore);
    return checked(columns, rows);
  }
  throw new CliError(
    `The CSV has no columns ${required.join(', ')}: they tie each row to its record. Use one that ` +
      '`dlq export` wrote, and do not change the columns that begin with sluice_.',
  );
}

function textOf(bytes: Buffer): string {
  const hasMark = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  // Without a byte-order mark: every other byte of a header in UTF-16 is zero.
  const isUtf16 = hasMark || bytes[0] === 0 || bytes[1] === 0;
  if (isUtf16 || !isUtf8(bytes)) {
    throw new CliError(
      `The CSV is not in UTF-8${isUtf16 ? ' but in UTF-16' : ''}: save it again, as "CSV UTF-8" (Excel) or with the ` +
        'character set "Unicode (UTF-8)" (LibreOffice). Nothing was sent.',
    );
  }
  const text = bytes.toString('utf8');
  refuseMisreadMark(text);
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function read(text: string, delimiter: string, linesBefore: number, atMost?: number): CsvRow[] {
  try {
    const found = parse(text, {
      delimiter,
      info: true,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      ...(atMost === undefined ? {} : { to: atMost }),
    }) as unknown as { record: string[]; info: { lines: number } }[];
    let before = linesBefore;
    return found.map(({ record, info }) => {
      const line = before + 1;
      before = linesBefore + info.lines;
      return { line, cells: record };
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // With another separator the quotes may be valid.
    if (atMost !== undefined) return [];
    throw new CliError(`The CSV can't be read: ${error.message}. Nothing was sent.`, { cause: error });
  }
}

function checked(columns: string[], rows: readonly CsvRow[]): ParsedCsv {
  const twice = columns.find((name, index) => name !== '' && columns.indexOf(name) !== index);
  if (twice !== undefined) throw new CliError(`The CSV has two columns ${twice}. Nothing was sent.`);
  const filled = rows.filter(({ cells }) => cells.some((cell) => cell !== ''));
  for (const { line, cells } of filled) {
    const surplus = cells.findIndex((cell, index) => index >= columns.length && cell !== '');
    if (surplus === -1) continue;
    throw new CliError(
      `Line ${line} of the CSV has ${cells.length} cells, the header ${columns.length}: its cells may be in the wrong ` +
        'columns. Nothing was sent.',
    );
  }
  // Some programs leave out trailing empty cells, others add them.
  const cellsOf = ({ cells }: CsvRow): string[] => columns.map((_, index) => cells[index] ?? '');
  return { columns, rows: filled.map((row) => ({ line: row.line, cells: cellsOf(row) })) };
}
