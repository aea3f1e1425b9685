import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import type { ScheduledSpot } from '../../../localstack/fake-avstar/schedule.ts';
import type { Spot } from '../../../localstack/fake-avstar/spot.ts';
import { formatCount, formatCountOf } from '../../terminal/format.ts';
import type { Check } from '../check-demo.ts';
import type { LogOfDay } from './log-rows.ts';

export interface RevisionEnd {
  log: LogOfDay;
  /** Of the revision. */
  manifest: Manifest;
  schedule: readonly ScheduledSpot[];
  /** Requests that the API got for the revision. */
  requests: number;
  /** Identities of the removed records in the list of changes. */
  listed: readonly string[];
}

/** Compares the API's schedule with the revision, and the account with both. */
export function checkRevision(end: RevisionEnd): Check[] {
  return [checkFigures(end), checkRequests(end), checkSchedule(end), checkRemoved(end)];
}

/** A moved spot and one that was rejected before are new. */
const added = 2;

function checkFigures({ manifest, log }: RevisionEnd): Check {
  const { changed, removed, revision } = log;
  const wanted = [revision.rows, changed + added, revision.rows - changed - added, removed.length];
  const counts = [
    manifest.total_records,
    manifest.uploaded_records,
    manifest.unchanged_records,
    manifest.removed_records,
  ];
  return {
    required: true,
    holds: manifest.reconciled && wanted.join() === counts.join(),
    sentence:
      `the sum is exact: ${formatCount(manifest.unchanged_records)} of ${formatCount(manifest.total_records)} records ` +
      `are unchanged, ${formatCount(manifest.uploaded_records)} were sent`,
  };
}

function checkRequests({ log, requests }: RevisionEnd): Check {
  const wanted = log.changed + added;
  return {
    required: true,
    holds: requests === wanted,
    sentence: `the API got ${formatCountOf(requests, 'request')} for the revision, one for each record that changed or is new`,
  };
}

function checkSchedule({ log, schedule }: RevisionEnd): Check {
  const wanted = new Map([...log.revision.spots, ...log.removed].map((spot) => [placeOf(spot), spot]));
  const doubled = schedule.filter(({ entries }) => entries.length > 1).length;
  const wrong = schedule.filter((each) => !isAsWritten(each, wanted.get(placeOf(each)))).length;
  const missing = wanted.size - schedule.filter((each) => wanted.has(placeOf(each))).length;
  const sentence =
    doubled + wrong + missing === 0
      ? `the API's schedule has each of the revision's ${formatCountOf(log.revision.rows, 'spot')} once, as it is now`
      : `the API's schedule has ${doubled} spots twice, ${wrong} wrong and ${missing} missing`;
  return { required: true, holds: doubled + wrong + missing === 0, sentence };
}

function checkRemoved({ log, listed }: RevisionEnd): Check {
  const wanted = log.removed.map(placeOf).toSorted().join();
  return {
    required: true,
    holds: listed.toSorted().join() === wanted,
    sentence: `the ${log.removed.length} entries that the revision does not have any more are listed, to be removed by hand`,
  };
}

const placeOf = ({ spot_id: spot, airtime }: Pick<Spot, 'spot_id' | 'airtime'>): string => `${spot} ${airtime}`;

function isAsWritten({ entries }: ScheduledSpot, wanted: Spot | undefined): boolean {
  const [entry] = entries;
  if (!entry || !wanted) return false;
  const { station, duration_sec: seconds, advertiser } = wanted;
  return entry.station === station && entry.duration_sec === seconds && entry.advertiser === advertiser;
}
