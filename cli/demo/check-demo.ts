import { requestIdOf } from '../../lambdas/core/records/identity.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import type { ScheduleEntry } from '../../localstack/fake-avstar/schedule.ts';
import type { FakeAvstarStats } from '../../localstack/fake-avstar/traffic-count.ts';
import { formatCount, formatCountOf } from '../terminal/format.ts';
import { demo } from './demo-settings.ts';
import type { DemoExport } from './write-demo-export.ts';

/** A condition, and whether it holds. */
export interface Check {
  holds: boolean;
  sentence: string;
  /** The demo fails if it does not hold. */
  required: boolean;
}

export interface DemoEnd {
  exported: Omit<DemoExport, 'path'>;
  manifest: Manifest;
  entries: readonly ScheduleEntry[];
  stats: FakeAvstarStats;
  /** Record numbers of the file's dead letters in the DLQ. */
  lettersOf: readonly number[];
}

/** Compares what was written with what the API holds, what the account says and what is in the DLQ. */
export function checkDemo(end: DemoEnd): Check[] {
  return [checkSum(end), checkFigures(end), checkSchedule(end), checkLimit(end), checkLetters(end)];
}

function checkSum({ manifest }: DemoEnd): Check {
  const sum = outcomes.reduce((total, outcome) => total + manifest[`${outcome}_records`], 0);
  return {
    required: true,
    holds: manifest.reconciled && sum === manifest.total_records,
    sentence: `the sum is exact: ${formatCount(sum)} outcomes for ${formatCount(manifest.total_records)} records`,
  };
}

function checkFigures({ manifest, exported }: DemoEnd): Check {
  const { valid, broken, refused, sha256, bytes } = exported;
  const wanted = [demo.rows, valid, broken, refused, 0, 0, 0, 0];
  const { total_records, uploaded_records, rejected_records, refused_records } = manifest;
  const { duplicate_records, unchanged_records, exhausted_records, held_records } = manifest;
  const counts = [total_records, uploaded_records, rejected_records, refused_records];
  counts.push(duplicate_records, unchanged_records, exhausted_records, held_records);
  return {
    required: true,
    holds: wanted.join() === counts.join() && manifest.checksum === sha256 && manifest.bytes === bytes,
    sentence:
      `the manifest agrees with the export: ${formatCount(valid)} valid rows, ${formatCount(broken)} invalid, ` +
      `${formatCount(refused)} to be refused; and with its checksum`,
  };
}

function checkSchedule({ exported: { spots, sha256 }, entries }: DemoEnd): Check {
  const seen = new Set<string>();
  let wrong = 0;
  for (const { request_id, ...spot } of entries) {
    const wanted = spots.get(spot.spot_id);
    const same = wanted !== undefined && JSON.stringify(wanted) === JSON.stringify(spot);
    if (!same || seen.has(spot.spot_id) || request_id !== requestIdOf([spot.spot_id, spot.airtime], sha256)) wrong++;
    seen.add(spot.spot_id);
  }
  const missing = [...spots.keys()].filter((id) => !seen.has(id)).length;
  const found =
    wrong + missing === 0
      ? `each of the ${formatCountOf(spots.size, 'valid row')} exactly once, field by field, and nothing else`
      : `${formatCount(entries.length)} entries, of which ${formatCount(wrong)} are wrong, and ${formatCount(missing)} are missing`;
  return { required: true, holds: wrong + missing === 0, sentence: `the API holds ${found}` };
}

function checkLimit({ stats }: DemoEnd): Check {
  const { requests, windowSeconds } = stats.limit;
  return {
    // On a busy machine some requests are late and cost a try each.
    required: false,
    holds: stats.throttled === 0,
    sentence:
      `the API answered 429 ${stats.throttled === 0 ? 'never' : formatCountOf(stats.throttled, 'time')}; it received ` +
      `${formatCount(stats.maxOfferedInWindow)} of ${formatCount(requests ?? 0)} allowed requests in the busiest ${windowSeconds} s`,
  };
}

function checkLetters({ manifest, lettersOf }: DemoEnd): Check {
  const records = new Set(lettersOf).size;
  return {
    required: true,
    holds: records === manifest.dead_lettered_records && lettersOf.length === records,
    sentence: `the DLQ holds ${formatCountOf(lettersOf.length, 'dead letter')}, one for each record that failed`,
  };
}
