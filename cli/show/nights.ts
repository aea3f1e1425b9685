import { durationText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { timeIn } from '../../lambdas/core/nights/night-page-times.ts';
import { nameOfFile } from '../../lambdas/core/account/file-account.ts';
import { isUnfinished } from '../../lambdas/core/nights/night-entry.ts';
import { nightWords, verdictOfNight, wordOfExpected } from '../../lambdas/core/nights/night-verdict.ts';
import type { StoredNight } from '../nights/read-nights.ts';
import type { NightSummary } from '../nights/summarise-night.ts';
import { flat, formatCount } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';

/** A line per night. */
export function formatNights(nights: readonly NightSummary[]): string {
  const columns = [
    ...[{ title: 'feed' }, { title: 'night', align: 'right' as const }, { title: 'until' }, { title: '' }],
    ...['files', 'records', 'dead letters'].map((title) => ({ title, align: 'right' as const })),
    ...[{ title: 'deadline' }, { title: 'expected' }],
  ];
  const rows = nights.map((night) => [
    ...[night.feed, String(night.number), timeIn(night.deadline?.time_zone ?? 'UTC', night.to)],
    nightWords[night.verdict],
    ...[night.files.received, night.sums.total_records, night.sums.dead_lettered_records].map(formatCount),
    ...[marginText(night), expectedText(night)],
  ]);
  return formatTable(columns, rows);
}

export function marginText({ deadline }: Pick<NightSummary, 'deadline'>): string {
  if (deadline?.margin_seconds == null) return '-';
  const span = durationText(Math.abs(deadline.margin_seconds));
  return deadline.met ? `met, ${span} before` : `MISSED by ${span}`;
}

function expectedText({ expectations: { met, missed } }: NightSummary): string {
  if (met + missed === 0) return '-';
  return missed === 0 ? `all ${met}` : `${missed} of ${met + missed} MISSING`;
}

/** One night: the answer first, then what was expected, files that need attention, and what changed. */
export function formatNight({ entry, sha256 }: StoredNight): string {
  const { sentence, details } = verdictOfNight(entry);
  const zone = entry.deadline?.time_zone ?? 'UTC';
  const expected = entry.expectations.map((each) => [
    wordOfExpected(each),
    each.name,
    `by ${timeIn(zone, each.by)}`,
    each.file_id ?? '',
  ]);
  const fileRows = entry.received.map((file) => [
    isUnfinished(file) ? 'UNFINISHED' : file.state,
    nameOfFile(file.key, file.bundled_files),
    file.counts ? `${formatCount(file.counts.total_records)} records` : '',
    file.counts?.dead_lettered_records ? `${formatCount(file.counts.dead_lettered_records)} dead letters` : '',
    file.file_id,
  ]);
  const earlier = entry.earlier.map((file) => [
    isUnfinished(file) ? 'UNFINISHED' : file.state,
    nameOfFile(file.key, file.bundled_files),
    file.entry === 0 ? 'before the log' : `night ${file.entry}`,
    file.manifest ? `manifest ${file.manifest.number}` : '',
    file.file_id,
  ]);
  const part = (title: string, rows: readonly string[][]): string =>
    rows.length === 0
      ? ''
      : `\n${title}:\n${formatTable(
          (rows[0] ?? []).map(() => ({ title: '' })),
          rows,
          '  ',
        )}`;
  return [
    `${flat(sentence)}\n`,
    ...details.map((detail) => `${flat(detail)}\n`),
    part('Expected', expected),
    part('Received', fileRows),
    part('Changed in earlier nights', earlier),
    `\nNight ${entry.number} of ${entry.feed}, ${timeIn(zone, entry.from)} to ${timeIn(zone, entry.to)} (${zone})\n`,
    `SHA-256 of its entry: ${sha256}\n`,
  ].join('');
}
