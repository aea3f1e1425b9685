import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Spot } from '../../../localstack/fake-avstar/spot.ts';

/** A station's day in two exports. */
export interface LogOfDay {
  day: ExportedLog;
  revision: ExportedLog;
  changed: number;
  /** Places in the schedule that the revision does not have any more: removed spots, and the old one of a moved spot. */
  removed: readonly Spot[];
}

export interface ExportedLog {
  path: string;
  rows: number;
  sha256: string;
  /** What the API should have of it. */
  spots: readonly Spot[];
}

/** Sent within seconds at the demo's limit. */
const rows = 1_200;
const changed = 12;
const removed = 3;
/** Places in the log, from 0. The damaged row is fixed in the revision. */
const damagedAt = 850;
const movedAt = 617;
const isChanged = (place: number) => (place - 45) % 97 === 0 && (place - 45) / 97 < changed;
const isRemoved = (place: number) => place % 350 === 200 && place / 350 < removed;

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const clients = ['Harbor Coffee', 'Blue Ridge Motors', "Joe's Diner", 'City Credit Union', 'Northside Dental'];

/**
 * Writes the two exports of a day.
 * @param station in the names of the files: a series of its own for each run of the demo
 */
export async function writeLogOfDay(dir: string, station: string, date: string): Promise<LogOfDay> {
  const before = Array.from({ length: rows }, (_, place) => spotAt(place, date));
  const after = before.flatMap((spot, place) => (isRemoved(place) ? [] : [revised(spot, place, date)]));
  const moved = before[movedAt];
  const dropped = [...before.filter((_, place) => isRemoved(place)), ...(moved ? [moved] : [])];
  const name = (number: number) => join(dir, `${station}_${date.replaceAll('-', '')}_R${number}.csv`);
  const damaged = before[damagedAt];
  return {
    day: await exportLog(name(1), before, damaged?.spot_id),
    revision: await exportLog(name(2), after),
    changed,
    removed: dropped,
  };
}

/** @param damaged the id of a spot whose row the feed rejects */
async function exportLog(path: string, spots: readonly Spot[], damaged?: string): Promise<ExportedLog> {
  const lines = spots.map(({ spot_id: id, station, airtime, duration_sec: seconds, advertiser }) =>
    [id, station, airtime, id === damaged ? 'thirty' : seconds, advertiser].join(','),
  );
  const text = [header, ...lines, ''].join('\n');
  await writeFile(path, text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { path, rows: spots.length, sha256, spots: spots.filter(({ spot_id: id }) => id !== damaged) };
}

function spotAt(place: number, date: string): Spot {
  return {
    spot_id: `SP-${100_000 + place}`,
    station: 'WABC',
    airtime: airtimeAt(place, date),
    duration_sec: place % 3 === 0 ? 60 : 30,
    advertiser: clients[place % clients.length] ?? '',
  };
}

/** One a minute. */
function airtimeAt(place: number, date: string): string {
  return `${date} ${new Date(place * 60_000).toISOString().slice(11, 19)}`;
}

function revised(spot: Spot, place: number, date: string): Spot {
  // To a place between two others.
  if (place === movedAt)
    return { ...spot, airtime: `${date} ${new Date(place * 60_000 + 7_230_000).toISOString().slice(11, 19)}` };
  if (!isChanged(place)) return spot;
  return place % 2 === 0 ? { ...spot, duration_sec: 15 } : { ...spot, advertiser: `${spot.advertiser} (new copy)` };
}
