/** A row of a log, by its spot; airtimes are all the same. */
export interface LogRow {
  spot: string;
  client: string;
  /** A row that the feed rejects. */
  isDamaged?: true;
}

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
export const airtime = '2026-01-05 06:00:00';

/** @param columns of the header; `jsonl`: a line of JSON for each row, which is cheaper to read */
export function exportOf(rows: readonly LogRow[], columns = header): Buffer {
  const cells = rows.map(({ spot, client, isDamaged }) => [spot, 'WABC', airtime, isDamaged ? '30s' : '30', client]);
  if (columns === 'jsonl') return Buffer.from(cells.map((row) => `${jsonOf(row)}\n`).join(''));
  return Buffer.from([columns, ...cells.map((row) => row.join()), ''].join('\n'));
}

const names = header.split(',');
const jsonOf = (row: readonly string[]): string =>
  JSON.stringify(Object.fromEntries(row.map((cell, n) => [names[n], cell])));
