export type ExportFormat = 'csv' | 'jsonl';

/** Fields by Avion's names, in the order of its columns: five that matter, and some that are not used. */
export type SourceRow = Record<string, string | number | boolean | undefined>;

export const columns = [
  ...['SpotID', 'StationCode', 'AirDateTime', 'Duration', 'ClientName'],
  ...['ISCI', 'AgencyName', 'ContractLine', 'Notes'],
];

export function csvRow(row: SourceRow): string {
  return columns.map((name) => csvField(String(row[name] ?? ''))).join(',');
}

export function jsonRow(row: SourceRow): string {
  return JSON.stringify(row);
}

function csvField(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
