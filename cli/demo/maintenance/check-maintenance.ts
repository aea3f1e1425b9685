import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { outcomes } from '../../../lambdas/core/account/outcome.ts';
import { formatCount, formatCountOf } from '../../terminal/format.ts';
import type { Check } from '../check-demo.ts';
import type { DemoFile } from './demo-records.ts';
import type { StoredRecord } from './read-record-ledger.ts';
import { sumManifests } from './sum-manifests.ts';

export interface MaintenanceEnd {
  files: readonly DemoFile[];
  manifests: readonly Manifest[];
  stored: readonly StoredRecord[];
  /** Dead letters in the DLQ, of both lanes. */
  letters: number;
  /** When the urgent file was dropped and its account was closed, and when the others' were. Milliseconds since 1970. */
  urgent: { droppedAtMs: number; doneAtMs: number };
  othersDoneAtMs: readonly number[];
}

/** Compares what was written with what the manifests say, what the ledger holds and what is in the DLQ. */
export function checkMaintenance(end: MaintenanceEnd): Check[] {
  return [checkSum(end), checkFigures(end), checkLedger(end), checkLetters(end), checkUrgent(end)];
}

const ofFate = ({ files }: MaintenanceEnd, fate: DemoFile['fate']) => files.filter((file) => file.fate === fate);

function checkSum({ manifests, files }: MaintenanceEnd): Check {
  const sum = sumManifests(manifests);
  const all = outcomes.reduce((total, outcome) => total + sum[`${outcome}_records`], 0);
  return {
    required: true,
    holds: sum.reconciled && all === sum.total_records && all === files.length,
    sentence:
      `the sum is exact: ${formatCount(all)} outcomes for ${formatCountOf(files.length, 'record')} ` +
      `in ${formatCountOf(manifests.length, 'manifest')}`,
  };
}

function checkFigures(end: MaintenanceEnd): Check {
  const sum = sumManifests(end.manifests);
  const [good, bad] = [ofFate(end, 'stored').length + 1, ofFate(end, 'rejected').length];
  return {
    required: true,
    holds: sum.uploaded_records === good && sum.rejected_records === bad && sum.refused_records === 1,
    sentence: `the manifests agree with the files: ${formatCount(good)} to store, ${formatCount(bad)} to reject, 1 conflict`,
  };
}

function checkLedger(end: MaintenanceEnd): Check {
  const hashes = new Map<string, string[]>();
  for (const { recordId, text, fate } of end.files) {
    if (fate !== 'rejected') hashes.set(recordId, [...(hashes.get(recordId) ?? []), sha256Of(Buffer.from(text))]);
  }
  const seen = new Set(end.stored.map(({ recordId }) => recordId));
  const wrong = end.stored.filter(({ recordId, sha256 }) => !hashes.get(recordId)?.includes(sha256)).length;
  const missing = [...hashes.keys()].filter((id) => !seen.has(id)).length;
  const isExact = wrong + missing === 0 && seen.size === end.stored.length;
  return {
    required: true,
    holds: isExact,
    sentence: isExact
      ? `the record ledger holds each of the ${formatCount(seen.size)} records once, with the hash of its bytes`
      : `the record ledger holds ${formatCount(end.stored.length)} records, ${formatCount(wrong)} wrong, ${formatCount(missing)} missing`,
  };
}

function checkLetters(end: MaintenanceEnd): Check {
  const dead = sumManifests(end.manifests).dead_lettered_records;
  return {
    required: true,
    holds: end.letters === dead,
    sentence: `the DLQ holds ${formatCountOf(end.letters, 'dead letter')}, one for each record that failed`,
  };
}

function checkUrgent({ urgent, othersDoneAtMs }: MaintenanceEnd): Check {
  const waiting = othersDoneAtMs.filter((at) => at > urgent.droppedAtMs).length;
  const behind = othersDoneAtMs.filter((at) => at > urgent.doneAtMs).length;
  const seconds = ((urgent.doneAtMs - urgent.droppedAtMs) / 1000).toFixed(1);
  return {
    // A small demo may have ended before the urgent file is dropped.
    required: false,
    holds: behind > waiting / 2,
    sentence:
      `the urgent record was done ${seconds} s after it was dropped, ahead of ${formatCount(behind)} of the ` +
      `${formatCountOf(waiting, 'file')} that were waiting`,
  };
}
