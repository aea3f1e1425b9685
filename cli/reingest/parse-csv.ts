import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import { CliError } from '../cli-error.ts';

/** A row as it stands in a CSV; `line` is the one it begins in. */
export interface CsvRow {
  line: number;
  cells: string[];
}

export interface ParsedCsv {
  /** As they stand in the header, without blanks around them. */
  columns: string[];
  rows: CsvRow[];
}

/** What separates cells, in the order in which they are tried. */
const delimiters = [',', ';', '\t', '|'] as const;

/**
 * A CSV as a spreadsheet program saves it, whatever it was made of: with a byte-order mark or without, any line break,
 * any quoting, its own separator. Rows without a single value are left out.
 * @param required columns that it must have: they tell the separator
 * @throws CliError where it can't be read so
 */
export function parseCsv(bytes: Buffer, required: readonly string[]): ParsedCsv {
  const text = textOf(bytes);
  // Excel's own way of telling the separator.
  const told = /^sep=([,;\t|])\r?\n/.exec(text);
  const body = told ? text.slice(told[0].length) : text;
  const linesBefore = told ? 1 : 0;
  const candidates = told ? [told[1] ?? ','] : delimiters;
  for (const delimiter of candidates) {
    const [header] = read(body, delimiter, linesBefore, 1);
    const columns = header?.cells.map((name) => name.trim()) ?? [];
    if (!required.every((name) => columns.includes(name))) continue;
    const [, ...rows] = read(body, delimiter, linesBefore);
    return checked(columns, rows);
  }
  throw new CliError(
    `The CSV has no columns ${required.join(', ')}: they tie each row to its record. Take one that ` +
      '`dlq export` has written, and leave the columns that begin with sluice_ as they are.',
  );
}

function textOf(bytes: Buffer): string {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16 || !isUtf8(bytes)) {
    throw new CliError(
      `The CSV is not in UTF-8${isUtf16 ? ' but in UTF-16' : ''}: save it once more, as "CSV UTF-8" (Excel) or with the ` +
        'character set "Unicode (UTF-8)" (LibreOffice). Nothing was sent.',
    );
  }
  const text = bytes.toString('utf8');
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
    // With another separator its quotes may make sense.
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
  // Trailing empty cells are left out by some programs, and added by others.
  const cellsOf = ({ cells }: CsvRow): string[] => columns.map((_, index) => cells[index] ?? '');
  return { columns, rows: filled.map((row) => ({ line: row.line, cells: cellsOf(row) })) };
}
