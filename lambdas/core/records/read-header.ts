import type { Buffer } from 'node:buffer';
import { splitFields, withoutSurplus } from './csv-fields.ts';
import { CsvScanner } from './csv-scanner.ts';
import { decodeText, trimForMessage } from './decode-text.ts';
import { delimiterNames, describeMissingColumns, describeOtherHeader } from './describe-header.ts';
import type { CsvDialect, DetectedDialect, DialectWish } from './dialect.ts';
import { cutRules } from './dialect.ts';
import { delimiters, headerNamesOf } from './header-row.ts';
import { parseRecord } from './parse-record.ts';

/** A longer line is not a header. Bytes. */
const maxHeaderBytes = 64 * 1024;

/**
 * The part of a file that decides about its header and its rows' line breaks. It is fixed, so that a head of any length
 * gives the same decision.
 */
const searchedBytes = 3 * maxHeaderBytes;

/** The header of a file with a preamble must be within this many lines. */
const maxPreambleLines = 20;

/** Rows that are tried to find their line break. */
const maxTriedRows = 200;

type Delimiter = CsvDialect['delimiter'];

type Refusal = Extract<DetectedDialect, { kind: 'refused' }>;

/** One way to read the header. */
interface Reading {
  dialect: CsvDialect;
  /** Of the header's line. */
  offset: number;
  line: number;
  missing: string[];
}

/** Where a line begins: its offset in the head, and its number. */
interface LineStart {
  offset: number;
  line: number;
}

/**
 * The CSV dialect whose delimiter gives the header the most of the wished columns; refused if any is missing. The rows'
 * line break is determined from the rows.
 */
export function readHeader(head: Buffer, atEnd: boolean, wish: DialectWish): DetectedDialect {
  if (head.length < searchedBytes && !atEnd) return { kind: 'more' };
  const searched = head.subarray(0, searchedBytes);
  const isWhole = atEnd && head.length <= searchedBytes;
  const text = searched.toString('latin1');

  const begin = passBlankLines(text, { offset: text.startsWith('\xef\xbb\xbf') ? 3 : 0, line: 1 });
  const separator = separatorLine(text, begin);
  if (separator && 'kind' in separator) return separator;
  const first = separator ? passBlankLines(text, separator.after) : begin;
  const tried = separator ? [separator.delimiter] : delimiters;

  const read = (start: LineStart): Reading | Refusal => bestReading(searched, start, isWhole, wish, tried);
  const top = read(first);
  const reading = isComplete(top) ? top : laterHeader(text, first, read);
  if (reading === undefined || (!wish.preamble && reading !== top)) return refusalOf(top, reading);
  if (reading === top) return settle(reading, searched, isWhole, wish);
  const dialect = { ...reading.dialect, preambleBytes: reading.offset };
  return settle({ ...reading, dialect }, searched, isWhole, wish);
}

/** Passes lines without content, with any delimiter. */
function passBlankLines(text: string, { offset, line }: LineStart): LineStart {
  const blankLines = /(?:(?:[ \t,;|]|"[ \t]*")*(?:\r*\n|\r))*/y;
  blankLines.lastIndex = offset;
  const passed = blankLines.exec(text)?.[0] ?? '';
  return { offset: offset + passed.length, line: line + breaksIn(passed) };
}

function isComplete(reading: Reading | Refusal): reading is Reading {
  return !('kind' in reading) && reading.missing.length === 0;
}

/** The first line after this one with all columns, within the lines of a preamble. */
function laterHeader(
  text: string,
  first: LineStart,
  read: (start: LineStart) => Reading | Refusal,
): Reading | undefined {
  const lineEnd = /\r\n|\r|\n/g;
  lineEnd.lastIndex = first.offset;
  for (let line = first.line + 1; line <= maxPreambleLines; line++) {
    if (!lineEnd.test(text) || lineEnd.lastIndex > maxHeaderBytes) return undefined;
    const reading = read({ offset: lineEnd.lastIndex, line });
    if (isComplete(reading)) return reading;
  }
  return undefined;
}

function refusalOf(top: Reading | Refusal, later: Reading | undefined): Refusal {
  const hint = later
    ? ` Line ${later.line} has all columns: it is used as the header if the feed declares a preamble.`
    : '';
  if ('kind' in top) return { ...top, message: top.message + hint };
  const { columns, delimiter } = top.dialect;
  const message = describeMissingColumns({ missing: top.missing, columns, delimiter, line: top.line });
  return refused('missing_columns', message + hint);
}

/** Excel's `sep=;` before the header: it declares the delimiter, and is not part of the table. */
function separatorLine(
  text: string,
  begin: LineStart,
): { delimiter: Delimiter; after: LineStart } | Refusal | undefined {
  const line = /"?sep=([^\r\n])"?[ \t]*(?:\r*\n|\r|$)/iy;
  line.lastIndex = begin.offset;
  const given = line.exec(text)?.[1];
  if (given === undefined) return undefined;
  const delimiter = delimiters.find((each) => each === given);
  const after = { offset: line.lastIndex, line: begin.line + 1 };
  if (delimiter !== undefined) return { delimiter, after };
  const message = `The first line says that ${trimForMessage(JSON.stringify(given))} delimits the fields, which is not supported.`;
  return refused('bad_header', message);
}

function bestReading(
  searched: Buffer,
  start: LineStart,
  isWhole: boolean,
  wish: DialectWish,
  tried: readonly Delimiter[],
): Reading | Refusal {
  let best: Reading | undefined;
  let refusal: Refusal | undefined;
  for (const lineBreak of ['lf', 'cr'] as const) {
    for (const delimiter of tried) {
      const reading = readHeaderAs(searched, start, isWhole, wish, { lineBreak, delimiter });
      if ('kind' in reading) refusal ??= reading;
      else if (best === undefined || isBetter(reading, best)) best = reading;
    }
  }
  return best ?? refusal ?? refused('bad_header', 'The file has no CSV header.');
}

function isBetter(one: Reading, other: Reading): boolean {
  if (one.missing.length !== other.missing.length) return one.missing.length < other.missing.length;
  // A single CR is a line break only if that makes a header of a line that otherwise isn't one.
  if (one.dialect.lineBreak !== other.dialect.lineBreak) return false;
  return one.dialect.columns.length > other.dialect.columns.length;
}

function readHeaderAs(
  searched: Buffer,
  start: LineStart,
  isWhole: boolean,
  wish: DialectWish,
  { lineBreak, delimiter }: Pick<CsvDialect, 'lineBreak' | 'delimiter'>,
): Reading | Refusal {
  const { encoding } = wish;
  const shape = { lineBreak, delimiter, encoding, columns: [], rules: cutRules } as const;
  const scanner = new CsvScanner(shape, maxHeaderBytes);
  const found = scanner.find(searched, start.offset, isWhole);
  if (found !== 'record') return refused('bad_header', `The CSV header is longer than ${maxHeaderBytes} bytes.`);
  const text = decodeText(searched.subarray(scanner.start, scanner.end), encoding);
  if (text === null) return refused('invalid_encoding', `The CSV header is not valid ${encoding.toUpperCase()}.`);
  const split = splitFields(text, delimiter);
  if (split.kind === 'problem') return refused('bad_header', `The CSV header can't be read: ${split.problem.message}.`);
  const columns = split.fields.map((name) => name.trim());
  const line = start.line + scanner.linesBefore;
  return {
    dialect: {
      format: 'csv',
      encoding,
      delimiter,
      lineBreak,
      columns,
      bodyOffset: scanner.next,
      bodyLine: line + scanner.lines,
      rules: cutRules,
    },
    offset: start.offset,
    line,
    missing: wish.columns.filter((name) => !columns.includes(name)),
  };
}

/** The dialect of a header that has all columns: adds repeated names, and the rows' line breaks and delimiter. */
function settle(reading: Reading, searched: Buffer, isWhole: boolean, wish: DialectWish): DetectedDialect {
  const { dialect } = reading;
  const { columns, delimiter } = dialect;
  const twice = [...new Set(columns.filter((name, n) => name !== '' && columns.indexOf(name) !== n))];
  const wished = twice.find((name) => wish.columns.includes(name));
  if (wished !== undefined) {
    const message = `The CSV header has the column "${trimForMessage(wished)}" more than once.`;
    return refused('duplicate_columns', message);
  }
  const lineBreak = lineBreakOfRows(dialect, searched, isWhole);
  const headerNames = headerNamesOf(wish.columns, columns);
  const settled: CsvDialect = {
    ...dialect,
    lineBreak,
    ...(lineBreak === 'lf' && hasPairedBreaks(searched) ? { pairedBreaks: true } : {}),
    ...(twice.length > 0 ? { ambiguousColumns: twice } : {}),
    ...(headerNames ? { headerNames } : {}),
  };
  const { good, bad } = tryRows(settled, searched, isWhole);
  const other = good > 0 || bad === 0 ? undefined : delimiterOfRows(settled, searched, isWhole);
  if (other !== undefined) {
    const message = `The CSV header is delimited by ${delimiterNames[delimiter]}, the rows by ${delimiterNames[other]}.`;
    return refused('mixed_delimiters', message);
  }
  if (good === 0 && bad > 0 && areQuotedWhole(settled, searched, isWhole)) {
    return refused(
      'quoted_rows',
      'Each row is in quotes as a whole, which makes one field of it: export it again without them.',
    );
  }
  const otherHeader = findOtherHeader(settled, searched, isWhole);
  if (otherHeader !== undefined) return refused('other_header', `${otherHeader} Drop each export as a file.`);
  return { kind: 'dialect', dialect: settled };
}

/** The first header that differs from the file's own in what decides about the file, as a sentence. */
function findOtherHeader(dialect: CsvDialect, searched: Buffer, isWhole: boolean): string | undefined {
  const scanner = new CsvScanner(dialect, maxHeaderBytes);
  let line = dialect.bodyLine;
  for (let at = dialect.bodyOffset; ;) {
    scanner.skim(searched, at, searched.length, Infinity);
    line += scanner.lines;
    if (scanner.find(searched, scanner.next, isWhole) !== 'record') return undefined;
    line += scanner.linesBefore;
    if (scanner.otherHeader) return describeOtherHeader(scanner.otherHeader, dialect, line);
    line += scanner.lines;
    at = scanner.next;
  }
}

/** A carriage return that belongs neither to a line feed before it nor to one after it. */
// eslint-disable-next-line no-control-regex -- files have them
const loneReturn = /(?<![\n\r])\r+(?![\r\n\x1a])|(?<![\n\r])\r+$/;

/**
 * What ends the rows: the header may end differently. A single carriage return is a line's end only if the rows can't be
 * read otherwise: in a file with CR LF it is damage, and would cut a row short.
 */
function lineBreakOfRows(dialect: CsvDialect, searched: Buffer, isWhole: boolean): CsvDialect['lineBreak'] {
  const rows = searched.subarray(dialect.bodyOffset);
  if (!rows.includes(0x0d)) return 'lf';
  if (!rows.includes(0x0a)) return 'cr';
  if (!loneReturn.test(rows.toString('latin1'))) return 'lf';
  const { good: byLf } = tryRows({ ...dialect, lineBreak: 'lf' }, searched, isWhole);
  const { good: byCr } = tryRows({ ...dialect, lineBreak: 'cr' }, searched, isWhole);
  return 2 * byLf < byCr ? 'cr' : 'lf';
}

/** Whether lines end with CR LF: quoted fields may contain line feeds. */
function hasPairedBreaks(searched: Buffer): boolean {
  const text = searched.toString('latin1');
  const paired = text.split('\r\n').length - 1;
  return paired > 0 && 2 * paired > text.split('\n').length - 1;
}

/**
 * The delimiter with which most rows have the header's number of fields, if none has with the header's own; else
 * undefined.
 */
function delimiterOfRows(dialect: CsvDialect, searched: Buffer, isWhole: boolean): Delimiter | undefined {
  return delimiters.find((delimiter) => {
    const { good, bad } = tryRows({ ...dialect, delimiter }, searched, isWhole);
    return good > bad;
  });
}

/** Whether the first row is a single quoted field that reads as a row. */
function areQuotedWhole(dialect: CsvDialect, searched: Buffer, isWhole: boolean): boolean {
  const scanner = new CsvScanner(dialect, maxHeaderBytes);
  if (scanner.find(searched, dialect.bodyOffset, isWhole) !== 'record') return false;
  const text = decodeText(searched.subarray(scanner.start, scanner.end), dialect.encoding) ?? '';
  const split = splitFields(text, dialect.delimiter);
  if (split.kind !== 'fields' || split.fields.length !== 1 || !text.startsWith('"')) return false;
  const row = splitFields(split.fields[0] ?? '', dialect.delimiter);
  return row.kind === 'fields' && withoutSurplus(row.fields, dialect.columns).length === dialect.columns.length;
}

/** How many of the first rows have as many fields as the header, and how many don't. */
function tryRows(dialect: CsvDialect, searched: Buffer, isWhole: boolean): { good: number; bad: number } {
  const scanner = new CsvScanner(dialect, maxHeaderBytes);
  const tried = { good: 0, bad: 0 };
  let at = dialect.bodyOffset;
  while (tried.good + tried.bad < maxTriedRows && scanner.find(searched, at, isWhole) === 'record') {
    const parsed = parseRecord(searched.subarray(scanner.start, scanner.end), dialect);
    if (parsed.kind === 'row') tried.good++;
    else tried.bad++;
    at = scanner.next;
  }
  return tried;
}

function breaksIn(text: string): number {
  return text.split(/\r\n|\r|\n/).length - 1;
}

function refused(code: string, message: string): Refusal {
  return { kind: 'refused', code, message };
}
