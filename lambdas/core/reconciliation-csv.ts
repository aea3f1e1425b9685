import { Buffer } from 'node:buffer';
import type { DeadAttempt, DeadRecord, FileAccount } from './file-account.ts';
import type { Receipt } from './receipt.ts';
import { decodeText } from './records/decode-text.ts';
import type { Dialect } from './records/dialect.ts';
import { numberLiterals } from './records/number-literals.ts';
import { parseRecord } from './records/parse-record.ts';
import { uriOf } from './source-uri.ts';

/** A failed record that still needs somebody. */
export interface OpenDead {
  file: FileAccount;
  /** As it failed first. */
  receipt: Receipt;
  /** Undefined where no letter of it has been seen (yet). */
  dead: DeadRecord | undefined;
}

/** Columns behind the source's own. `sluice_file_id`, `sluice_record` and `sluice_sha256` tie a row to its record. */
export const ownColumns = [
  'sluice_reason',
  'sluice_field',
  'sluice_error',
  'sluice_outcome',
  'sluice_status',
  'sluice_attempts',
  'sluice_first_failure',
  'sluice_last_failure',
  'sluice_source_file',
  'sluice_line',
  'sluice_raw',
  'sluice_file_id',
  'sluice_record',
  'sluice_sha256',
  'sluice_request_id',
  'sluice_message_id',
  'sluice_checksum',
] as const;
export type OwnColumn = (typeof ownColumns)[number];

/** A record's row, as it was read and as a spreadsheet shows it. */
export interface SourceRow {
  row: Record<string, unknown>;
  /** By the source's column names: CSV fields and JSON strings as they are, JSON numbers as written, all else as JSON. */
  cells: ReadonlyMap<string, string>;
}

/** The row that a failed record was; undefined where it can't be read as one. */
export function sourceRowOf(receipt: Receipt, dialect: Dialect | undefined): SourceRow | undefined {
  const bytes = rawBytesOf(receipt);
  if (!dialect || !bytes) return undefined;
  // Without the feed's integer fields: what is wrong with a number is for the desk to see in its cell.
  const parsed = parseRecord(bytes, dialect, []);
  if (parsed.kind === 'problem') return undefined;
  const { row } = parsed;
  const literals =
    dialect.format === 'csv'
      ? new Map<string, string>()
      : numberLiterals(decodeText(bytes, dialect.encoding) ?? '', Object.keys(row));
  const cells = Object.entries(row)
    // A header may have a column without a name: nobody could correct it.
    .filter(([name]) => name !== '')
    .map(([name, value]): [string, string] => [name, literals.get(name) ?? cellOf(value)]);
  return { row, cells: new Map(cells) };
}

function cellOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The record's bytes; undefined where only their head was kept. */
function rawBytesOf({ raw_encoding: encoding, raw_payload: payload = '' }: Receipt): Buffer | undefined {
  if (encoding === undefined || encoding === 'head') return undefined;
  return Buffer.from(payload, encoding === 'text' ? 'utf8' : 'base64');
}

/** The last thing that went wrong with it. */
export function lastFailureOf({ receipt, dead }: OpenDead): Omit<DeadAttempt, 'correctionId'> {
  const last = dead?.history.at(-1);
  if (last) return last;
  return {
    at: Date.parse(receipt.at),
    outcome: receipt.outcome as DeadAttempt['outcome'],
    reason: receipt.reason ?? 'unknown',
    error: receipt.error ?? '',
    status: receipt.status,
  };
}

/** The first line, without its line break. A byte-order mark tells spreadsheets that it is UTF-8. */
export function csvHeader(sourceColumns: readonly string[]): string {
  return `\uFEFF${csvLine([...sourceColumns.map(columnOf), ...ownColumns])}`;
}

/** A record's line, without its line break. */
export function csvRow(open: OpenDead, sourceColumns: readonly string[]): string {
  const source = sourceRowOf(open.receipt, open.file.dialect);
  const own = ownCellsOf(open, source === undefined);
  return csvLine([
    ...sourceColumns.map((name) => source?.cells.get(name) ?? ''),
    ...ownColumns.map((name) => own[name]),
  ]);
}

/** RFC 4180's line break. */
export const csvLineBreak = '\r\n';

function ownCellsOf(open: OpenDead, showRaw: boolean): Record<OwnColumn, string> {
  const { file, receipt, dead } = open;
  const last = lastFailureOf(open);
  return {
    sluice_reason: last.reason,
    sluice_field: last.reason === receipt.reason ? (receipt.field ?? '') : '',
    sluice_error: last.error,
    sluice_outcome: last.outcome,
    sluice_status: last.status === null ? '' : String(last.status),
    sluice_attempts: String(dead?.history.length ?? 1),
    sluice_first_failure: new Date(dead?.history[0]?.at ?? Date.parse(receipt.at)).toISOString(),
    sluice_last_failure: new Date(last.at).toISOString(),
    sluice_source_file: receipt.source_file ?? uriOf(file.source),
    sluice_line: String(receipt.line),
    sluice_raw: showRaw ? readableRawOf(receipt) : '',
    sluice_file_id: file.fileId,
    sluice_record: String(receipt.record),
    sluice_sha256: receipt.sha256,
    sluice_request_id: dead?.requestId ?? receipt.request_id ?? '',
    sluice_message_id: dead?.messageId ?? '',
    sluice_checksum: droppedChecksumOf(open) ?? '',
  };
}

/** Of the file that was dropped: in a bundle each record was one. */
export function droppedChecksumOf({ file, receipt }: OpenDead): string | undefined {
  return file.bundle ? receipt.sha256 : file.sha256;
}

/** A spreadsheet's cell takes no more. Characters. */
const maxRawCharacters = 32_000;

/** As much as can be read of it. */
function readableRawOf({ raw_encoding: encoding, raw_payload: payload = '' }: Receipt): string {
  const text = encoding === 'text' ? payload : Buffer.from(payload, 'base64').toString('utf8');
  return text.slice(0, maxRawCharacters);
}

function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => quoted(escapeCell(cell))).join(',');
}

function quoted(cell: string): string {
  return /[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * What a spreadsheet takes for a formula, in full width too (https://owasp.org/www-community/attacks/CSV_Injection); with
 * apostrophes before it, since what is escaped must not be confused with what stood there.
 */
const formulaLike = /^'*[=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/;
const escaped = /^'+[=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/;
const negativeNumber = /^-[0-9]+(?:\.[0-9]+)?$/;

/** A cell that no spreadsheet runs: an apostrophe is put before what looks like a formula. */
export function escapeCell(text: string): string {
  return formulaLike.test(text) && !negativeNumber.test(text) ? `'${text}` : text;
}

/** The text that was escaped. */
export function unescapeCell(cell: string): string {
  return escaped.test(cell) ? cell.slice(1) : cell;
}

/** The CSV's name of a source's column: one that could pass for ours gets an underscore before it. */
export function columnOf(sourceColumn: string): string {
  return /^_*sluice_/.test(sourceColumn) ? `_${sourceColumn}` : sourceColumn;
}

/** The source's column; undefined for one of ours. */
export function sourceColumnOf(column: string): string | undefined {
  if (/^_+sluice_/.test(column)) return column.slice(1);
  return column.startsWith('sluice_') ? undefined : column;
}
