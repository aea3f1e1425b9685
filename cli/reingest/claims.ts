import { sourceColumnOf, unescapeCell } from '../../lambdas/core/reconciliation-csv.ts';
import { CliError } from '../cli-error.ts';
import type { ParsedCsv } from './parse-csv.ts';

/** A row of the CSV that says which record it stands for; yet to be compared with it. */
export interface Claim {
  line: number;
  fileId: string;
  record: number;
  /** Of the record; and of its file, where the CSV has it. */
  sha256: string;
  checksum: string | undefined;
  /** By the source's column names, as the desk left them. */
  cells: ReadonlyMap<string, string>;
}

/** What ties a row to its record. */
export const tyingColumns = ['sluice_file_id', 'sluice_record', 'sluice_sha256'] as const;

/** Faults that are told at once: the rest is more of the same. */
const maxFaults = 10;

/** Every row's claim, by file. @throws CliError naming the lines that tie to no record, or two to the same */
export function claimsOf({ columns, rows }: ParsedCsv): Map<string, Claim[]> {
  const sources = columns.map((column) => (column === '' ? undefined : sourceColumnOf(column)));
  const at = (cells: readonly string[], column: string): string => {
    const index = columns.indexOf(column);
    return index === -1 ? '' : unescapeCell(cells[index] ?? '').trim();
  };
  const faults: string[] = [];
  const claims = new Map<string, Claim[]>();
  const lines = new Map<string, number>();
  for (const { line, cells } of rows) {
    const [fileId, record] = [at(cells, 'sluice_file_id'), at(cells, 'sluice_record')];
    const key = `${fileId}/${record}`;
    const before = lines.get(key);
    if (fileId === '' || !/^[1-9][0-9]{0,9}$/.test(record)) {
      faults.push(`Line ${line}: sluice_file_id or sluice_record is missing or damaged ('${fileId}', '${record}').`);
    } else if (before !== undefined) {
      faults.push(`Line ${line}: record ${record} of the file ${fileId} stands in line ${before} already.`);
    } else {
      const values = sources.flatMap((name, index): [string, string][] =>
        name === undefined ? [] : [[name, unescapeCell(cells[index] ?? '')]],
      );
      const checksum = at(cells, 'sluice_checksum');
      const claim: Claim = {
        line,
        fileId,
        record: Number(record),
        sha256: at(cells, 'sluice_sha256').toLowerCase(),
        checksum: checksum === '' ? undefined : checksum.toLowerCase(),
        cells: new Map(values),
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

/** @throws CliError where there are any */
export function throwFaults(faults: readonly string[]): void {
  if (faults.length === 0) return;
  const more = faults.length > maxFaults ? `\n… and ${faults.length - maxFaults} more.` : '';
  throw new CliError(
    `Nothing was sent: not every row of the CSV is tied to its record.\n${faults.slice(0, maxFaults).join('\n')}${more}`,
  );
}
