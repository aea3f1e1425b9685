import { attemptsIn } from './dead-history.ts';
import { Buffer } from 'node:buffer';
import type { DeadAttempt, DeadRecord, FileAccount } from '../account/file-account.ts';
import { sha256Of } from '../records/identity.ts';
import type { Receipt } from '../account/receipt.ts';
import type { Dialect } from '../records/dialect.ts';
import type { SourceRow } from '../records/source-row.ts';
import { readSourceRow } from '../records/source-row.ts';
import { uriOf } from '../account/source-uri.ts';
import { escapeCell, escapeFirstCell, escapeName } from './spreadsheet-text.ts';

/** A failed record that still needs attention. */
export interface OpenDead {
  file: FileAccount;
  /** Its first failure. */
  receipt: Receipt;
  /** Undefined if none of its letters has been seen (yet). */
  dead: DeadRecord | undefined;
}

/** Holds the fields without a column of their own: a JSON object of names and cell texts. */
export const otherFieldsColumn = 'sluice_other_fields';

/** Columns after the source's own. `sluice_file_id`, `sluice_record` and `sluice_sha256` tie a row to its record. */
export const ownColumns = [
  'sluice_reason',
  'sluice_field',
  'sluice_error',
  'sluice_api_answer',
  'sluice_outcome',
  'sluice_status',
  'sluice_attempts',
  'sluice_first_failure',
  'sluice_last_failure',
  'sluice_source_file',
  'sluice_line',
  'sluice_raw',
  otherFieldsColumn,
  'sluice_file_id',
  'sluice_record',
  'sluice_sha256',
  'sluice_request_id',
  'sluice_message_id',
  'sluice_checksum',
] as const;
export type OwnColumn = (typeof ownColumns)[number];

/** The failed record's row; undefined if it can't be read as one, or is nested deeper than any feed's records. */
export function sourceRowOf(receipt: Receipt, dialect: Dialect | undefined): SourceRow | undefined {
  const bytes = rawBytesOf(receipt);
  return dialect && bytes && readSourceRow(bytes, dialect);
}

/** The record's bytes; undefined if only their head was kept. */
function rawBytesOf({ raw_encoding: encoding, raw_payload: payload = '' }: Receipt): Buffer | undefined {
  if (encoding === undefined || encoding === 'head') return undefined;
  return Buffer.from(payload, encoding === 'text' ? 'utf8' : 'base64');
}

/** The record's last failure. */
export function lastFailureOf({ receipt, dead }: OpenDead): Omit<DeadAttempt, 'correctionId'> {
  const last = dead?.history.at(-1);
  // An item of an earlier version has no answer in its history.
  if (dead?.history.length === 1 && last?.answer === undefined && receipt.api_answer !== undefined) {
    return { ...(last as DeadAttempt), answer: receipt.api_answer };
  }
  if (last) return last;
  return {
    at: Date.parse(receipt.at),
    outcome: receipt.outcome as DeadAttempt['outcome'],
    reason: receipt.reason ?? 'unknown',
    error: receipt.error ?? '',
    status: receipt.status,
    ...(receipt.api_answer === undefined ? {} : { answer: receipt.api_answer }),
  };
}

/** The fields that rows of its file may have: a CSV has them in its header; each JSON record has its own. */
export function fieldsOf({ file: { dialect }, receipt }: OpenDead): Iterable<string> {
  return dialect?.format === 'csv' ? dialect.columns : (sourceRowOf(receipt, dialect)?.cells.keys() ?? []);
}

/** The first line, without its line break. The byte-order mark makes spreadsheets read it as UTF-8. */
export function csvHeader(sourceColumns: readonly string[]): string {
  return `\uFEFF${joined([...sourceColumns.map((name) => escapeName(columnOf(name))), ...ownColumns])}`;
}

/** A record's line, without its line break. Fields without a column are collected in `sluice_other_fields`. */
export function csvRow(open: OpenDead, sourceColumns: readonly string[]): string {
  const source = sourceRowOf(open.receipt, open.file.dialect);
  const own = ownCellsOf(open, source === undefined);
  own[otherFieldsColumn] = source ? otherFieldsOf(source, new Set(sourceColumns)) : '';
  return csvLine([
    ...sourceColumns.map((name) => source?.cells.get(name) ?? ''),
    ...ownColumns.map((name) => own[name]),
  ]);
}

/**
 * As many as fit into a cell, in the record's order: fields that are left out can't be corrected here and stay unchanged.
 */
function otherFieldsOf({ cells }: SourceRow, columns: ReadonlySet<string>): string {
  const members: string[] = [];
  let room = maxCellCharacters;
  for (const [name, cell] of cells) {
    if (columns.has(name) || name.length > room) continue;
    const member = `${JSON.stringify(name)}:${JSON.stringify(shownCell(cell))}`;
    const characters = escapeCell(member).length + 1;
    if (characters > room) continue;
    room -= characters;
    members.push(member);
  }
  return members.length === 0 ? '' : `{${members.join(',')}}`;
}

/** Excel allows 32,767 in a cell, and moves the rest into the next rows. Characters, escaped. */
const maxCellCharacters = 32_000;
/** Characters shown of a text that is too long. */
const shownCharacters = 1_000;

/** A cell's text as it can be shown: the whole text, or its head and a description. */
export function shownCell(text: string): string {
  // An escaped character takes six.
  if (text.length * 6 <= maxCellCharacters) return text;
  if (text.length <= maxCellCharacters && escapeCell(text).length <= maxCellCharacters) return text;
  return (
    `${text.slice(0, shownCharacters)}… [too long for a spreadsheet: ${text.length} characters, SHA-256 ` +
    `${sha256Of(text.toWellFormed())}. The full value is used as long as this cell is unchanged.]`
  );
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
    sluice_api_answer: last.answer ?? '',
    sluice_outcome: last.outcome,
    sluice_status: last.status === null ? '' : String(last.status),
    sluice_attempts: String(dead ? attemptsIn(dead).length : 1),
    sluice_first_failure: new Date(dead?.history[0]?.at ?? Date.parse(receipt.at)).toISOString(),
    sluice_last_failure: new Date(last.at).toISOString(),
    sluice_source_file: receipt.source_file ?? uriOf(file.source),
    sluice_line: String(receipt.line),
    sluice_raw: showRaw ? readableRawOf(receipt) : '',
    [otherFieldsColumn]: '',
    sluice_file_id: file.fileId,
    sluice_record: String(receipt.record),
    sluice_sha256: receipt.sha256,
    sluice_request_id: dead?.requestId ?? receipt.request_id ?? '',
    sluice_message_id: dead?.messageId ?? '',
    sluice_checksum: droppedChecksumOf(open) ?? '',
  };
}

/** Checksum of the dropped file: in a bundle each record was one. */
export function droppedChecksumOf({ file, receipt }: OpenDead): string | undefined {
  return file.bundle ? receipt.sha256 : file.sha256;
}

/** The readable part of the record. */
function readableRawOf({ raw_encoding: encoding, raw_payload: payload = '' }: Receipt): string {
  return encoding === 'text' ? payload : Buffer.from(payload, 'base64').toString('utf8');
}

/** A line of a CSV that is safe to open in a spreadsheet, without its line break. */
export function csvLine(cells: readonly string[]): string {
  return joined(cells.map((cell, index) => (index === 0 ? escapeFirstCell : escapeCell)(shownCell(cell))));
}

function joined(escapedCells: readonly string[]): string {
  return escapedCells.map(quoted).join(',');
}

function quoted(cell: string): string {
  return /[",;\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** The CSV's name of a source column: a name that could be mistaken for one of Sluice's gets an underscore as a prefix. */
export function columnOf(sourceColumn: string): string {
  return /^_*sluice_/.test(sourceColumn) ? `_${sourceColumn}` : sourceColumn;
}

/** The source's column; undefined for one of Sluice's. */
export function sourceColumnOf(column: string): string | undefined {
  if (/^_+sluice_/.test(column)) return column.slice(1);
  return column.startsWith('sluice_') ? undefined : column;
}
