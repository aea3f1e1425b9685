import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusedOncePrefix } from '../../localstack/fake-avstar/spot.ts';
import { recordOf } from '../demo/maintenance/demo-records.ts';
import { smokeRows } from './smoke-plan.ts';

/** New ids in each run, so that no API takes them for records of an earlier one. */
export function writeSmokeFiles(dir: string): { traffic: string; maintenance: string } {
  const run = randomUUID().slice(0, 8);
  const traffic = join(dir, `smoke-${run}.csv`);
  const maintenance = join(dir, `smoke-${run}.jsonl`);
  writeFileSync(traffic, trafficCsv(run));
  writeFileSync(maintenance, maintenanceLines(run));
  return { traffic, maintenance };
}

function trafficCsv(run: string): string {
  const { good, rejected, refusedOnce } = smokeRows;
  const row = (id: string, duration = '30') => `${id},WABC,2026-11-24 06:00:00,${duration},Acme,Agency`;
  const many = (count: number, make: (number: number) => string) =>
    Array.from({ length: count }, (_, index) => make(index + 1));
  return [
    'SpotID,StationCode,AirDateTime,Duration,ClientName,Agency',
    ...many(good, (number) => row(`SMOKE-${run}-${number}`)),
    ...many(rejected, (number) => row(`SMOKE-${run}-bad-${number}`, '30s')),
    ...many(refusedOnce, (number) => row(`${refusedOncePrefix}${run}-${number}`)),
    '',
  ].join('\n');
}

function maintenanceLines(run: string): string {
  return Array.from(
    { length: smokeRows.maintenance },
    (_, index) => `${JSON.stringify(recordOf(`smoke-${run}-${index + 1}`, index))}\n`,
  ).join('');
}
