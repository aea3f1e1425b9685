import { randomUUID } from 'node:crypto';

export const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName,Agency';

/** Rows of one file, their truth beside them. */
export interface TrafficExport {
  prefix: string;
  text: string;
  good: { spot_id: string; station: string; airtime: string; duration_sec: number; advertiser: string }[];
  /** By the raw text in the file. */
  rejected: Map<string, string>;
  refused: string[];
}

const quoted = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Ten kinds of invalid row, as written in a CSV; and why. */
const brokenRows: ((id: string) => [string, string])[] = [
  (id) => [`${id},WABC,2026-11-24 06:00:00,30s,Acme,x`, 'not_an_integer'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,29.97,Acme,x`, 'not_an_integer'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30.0,Acme,x`, 'not_an_integer'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,,Acme,x`, 'blank'],
  (id) => [`,WABC,2026-11-24 06:00:00,30,Acme ${id},x`, 'blank'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30,   ,x`, 'blank'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30`, 'field_count'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30,Acme,x,surplus`, 'field_count'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30,"Acme,x`, 'unclosed_quote'],
  (id) => [`${id},WABC,2026-11-24 06:00:00,30,Ac"me,x`, 'bare_quote'],
];

/** Windows' line ends, a BOM, quotes and line breaks in fields; one row in 40 is invalid. */
export function csvExport(rows: number): TrafficExport {
  const prefix = `C${randomUUID().slice(0, 8)}`;
  const result: TrafficExport = { prefix, text: '', good: [], rejected: new Map(), refused: [] };
  const lines = [header];
  for (let number = 1; number <= rows; number++) {
    const id = `${prefix}-${number}`;
    const broken = number % 40 === 0 ? brokenRows[(number / 40) % brokenRows.length] : undefined;
    if (broken) {
      const [raw, why] = broken(id);
      result.rejected.set(raw, why);
      lines.push(raw);
      continue;
    }
    const isRefused = number % 333 === 0;
    const spot = {
      spot_id: isRefused ? `REFUSE-${id}` : id,
      station: ['WABC', 'KTLA', 'WGN'][number % 3] as string,
      airtime: ` 2026-11-24 ${String(number % 24).padStart(2, '0')}:00:00`,
      duration_sec: 15 * (1 + (number % 4)),
      advertiser: ['Joe’s "Best" Pizza, Inc.', 'Müller & Söhne', 'line\r\nbreak', 'plain '][number % 4] as string,
    };
    if (isRefused) result.refused.push(spot.spot_id);
    else result.good.push(spot);
    const { spot_id, station, airtime, duration_sec, advertiser } = spot;
    lines.push([spot_id, station, airtime, ` ${duration_sec} `, quoted(advertiser), 'x'].join(','));
  }
  result.text = `\ufeff${lines.join('\r\n')}\r\n`;
  return result;
}

/** One line in 25 is invalid. */
export function jsonLinesExport(rows: number): TrafficExport {
  const prefix = `J${randomUUID().slice(0, 8)}`;
  const result: TrafficExport = { prefix, text: '', good: [], rejected: new Map(), refused: [] };
  const broken = (id: string): [string, string][] => [
    [`{"SpotID":"${id}","StationCode":"W"`, 'not_json'],
    [`["${id}"]`, 'not_an_object'],
    [`{"SpotID":7,"StationCode":"W","AirDateTime":"${id}","Duration":30,"ClientName":"c"}`, 'wrong_type'],
    [`{"SpotID":"${id}","StationCode":"W","AirDateTime":"t","Duration":30.0,"ClientName":"c"}`, 'not_an_integer'],
    [`{"SpotID":"${id}","StationCode":"W","AirDateTime":"t","Duration":true,"ClientName":"c"}`, 'wrong_type'],
    [`{"SpotID":"${id}","StationCode":"W","Duration":30,"ClientName":"c"}`, 'missing'],
  ];
  const lines: string[] = [];
  for (let number = 1; number <= rows; number++) {
    const id = `${prefix}-${number}`;
    if (number % 25 === 0) {
      const kinds = broken(id);
      const [raw, why] = kinds[(number / 25) % kinds.length] as [string, string];
      result.rejected.set(raw, why);
      lines.push(raw);
      continue;
    }
    const duration = number % 2 === 0 ? 30 : '30';
    const row = {
      ClientName: 'Zoë \u2028 🎺',
      SpotID: id,
      StationCode: 'WABC',
      AirDateTime: 't',
      Duration: duration,
      Extra: null,
    };
    lines.push(JSON.stringify(row));
    result.good.push({ spot_id: id, station: 'WABC', airtime: 't', duration_sec: 30, advertiser: row.ClientName });
  }
  result.text = `${lines.join('\n')}\n`;
  return result;
}

/** The lines of an export in JSON Lines as a pretty-printed array, those that are whole. */
export function jsonArrayExport(rows: number): TrafficExport {
  const lines = jsonLinesExport(rows);
  const values = lines.text
    .trim()
    .split('\n')
    .filter((line) => !lines.rejected.has(line));
  const text = JSON.stringify(
    values.map((line) => JSON.parse(line) as unknown),
    null,
    2,
  );
  return { ...lines, rejected: new Map(), text };
}
