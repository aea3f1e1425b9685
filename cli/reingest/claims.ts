import { otherFieldsColumn, sourceColumnOf } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { unescapeCell, unescapeName } from '../../lambdas/core/dead-letters/spreadsheet-text.ts';
import { CliError } from '../cli-error.ts';
import type { ParsedCsv } from './parse-csv.ts';

/** A row of the CSV with the record that it claims to correct; not compared with the record yet. */
export interface Claim {
  line: number;
  fileId: string;
  record: number;
  /** Identifies the record, and its file if the CSV has it. */
  sha256: string;
  checksum: string | undefined;
  /** Whether the list showed the record's raw text, as it does where it could not read a row; undefined without that column. */
  hasRaw: boolean | undefined;
  /** Cells by the source's column names, as the desk left them. */
  cells: ReadonlyMap<string, string>;
}

/** Columns that identify a row's record. */
export const tyingColumns = ['sluice_file_id', 'sluice_record', 'sluice_sha256'] as const;

/** Faults reported at once. */
const maxFaults = 10;

/** Every row's claim, by file. @throws CliError listing lines that match no record, or the same record twice */
export function claimsOf({ columns, rows }: ParsedCsv): Map<string, Claim[]> {
  const sources = columns.map((column) => (column === '' ? undefined : sourceColumnOf(nameOf(column))));
  const at = (cells: readonly string[], column: string): string => {
    const index = columns.indexOf(column);
    return index === -1 ? '' : textOf(cells[index] ?? '').trim();
  };
  const faults: string[] = [];
  const claims = new Map<string, Claim[]>();
  const lines = new Map<string, number>();
  for (const { line, cells } of rows) {
    const [fileId, record] = [at(cells, 'sluice_file_id'), at(cells, 'sluice_record')];
    const key = `${fileId}/${record}`;
    const before = lines.get(key);
    const others = otherFieldsIn(at(cells, otherFieldsColumn));
    if (fileId === '' || !/^[1-9][0-9]{0,9}$/.test(record)) {
      faults.push(`Line ${line}: sluice_file_id or sluice_record is missing or damaged ('${fileId}', '${record}').`);
    } else if (before !== undefined) {
      faults.push(`Line ${line}: record ${record} of the file ${fileId} is in line ${before} already.`);
    } else if (others === undefined) {
      faults.push(
        `Line ${line}: ${otherFieldsColumn} is no longer a valid JSON object: empty the cell to leave these fields as they are.`,
      );
    } else {
      const values = sources.flatMap((name, index): [string, string][] =>
        name === undefined ? [] : [[name, textOf(cells[index] ?? '')]],
      );
      const checksum = at(cells, 'sluice_checksum');
      const claim: Claim = {
        line,
        fileId,
        record: Number(record),
        sha256: at(cells, 'sluice_sha256').toLowerCase(),
        checksum: checksum === '' ? undefined : checksum.toLowerCase(),
        hasRaw: columns.includes('sluice_raw') ? at(cells, 'sluice_raw') !== '' : undefined,
        // A column takes precedence over an entry of the same name in the column of other fields.
        cells: new Map([...others, ...values]),
      };
      const ofFile = claims.get(fileId);
      if (ofFile) ofFile.push(claim);
      else claims.set(fileId, [claim]);
    }
    lines.set(key, before ?? line);
  }
  throwFaults(faults);
  return claims;
}

/**
 * Version 0.1 put an apostrophe before a possible formula at a cell's start. Today a backslash separates them, so a
 * cell that begins this way is from version 0.1.
 */
const isOfBefore = /^'+[=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/;

const textOf = (cell: string): string => (isOfBefore.test(cell) ? cell.slice(1) : unescapeCell(cell));

const nameOf = (cell: string): string => (isOfBefore.test(cell) ? cell.slice(1) : unescapeName(cell));

/** Undefined if it can't be read. */
function otherFieldsIn(text: string): [string, string][] | undefined {
  if (text === '') return [];
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
    return Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
  } catch {
    return undefined;
  }
}

/** @throws CliError if there are any */
export function throwFaults(faults: readonly string[]): void {
  if (faults.length === 0) return;
  const more = faults.length > maxFaults ? `\n… and ${faults.length - maxFaults} more.` : '';
  throw new CliError(
    `Nothing was sent: some rows of the CSV do not match a record.\n${faults.slice(0, maxFaults).join('\n')}${more}`,
  );
}
