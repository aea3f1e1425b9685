import { cancelledText } from '../../lambdas/core/account/cancelled-text.ts';
import { isWithoutRecords } from '../../lambdas/core/account/is-without-records.ts';
import { fileDecisionText } from '../../lambdas/core/account/decision-text.ts';
import { controlText } from '../../lambdas/core/control/control-text.ts';
import { exitCodes } from '../exit-codes.ts';
import { exitCodeOf } from './exit-code-of.ts';
import { nameOfFile } from '../../lambdas/core/account/file-account.ts';
import type { Manifest, ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import type { Outcome } from '../../lambdas/core/account/outcome.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import type { Terminal } from '../terminal/terminal.ts';
import {
  displayWidth,
  formatBytes,
  formatCount,
  formatCountOf,
  formatDuration,
  formatRate,
  oneLine,
} from '../terminal/format.ts';
import { formatPairs, formatTable } from '../terminal/table.ts';
import { sluice } from '../terminal/sluice-command.ts';

type Painter = Pick<Terminal, 'style'>;

const quarantineReasons: Record<string, string> = {
  too_many_rejects: 'too many rejects',
  all_refused: 'the API refuses it',
  other_header: 'another header among its rows',
  control_differs: 'it does not agree with its control file',
  control_missing: 'its control file did not come',
  revision_unknown: 'a revision of a file that was sent',
  revision_differs: 'it differs much from a file that was sent',
  revision_order: 'which of two revisions is newer is unknown',
  rules_changed: 'the rules have changed since it was compared',
};

/** Held as revisions: a release must say what it sends. */
const needsChoice = ['revision_unknown', 'revision_differs', 'revision_order', 'rules_changed'];

type Shown = ManifestSummary & Pick<Manifest, 'decisions'>;

/** How a file ended, in a few words. */
export function verdictOf(manifest: ManifestSummary): string {
  switch (manifest.state) {
    case 'duplicate':
      return `nothing of it was sent: it has the same bytes as the file ${manifest.duplicate_of ?? '(unknown)'}`;
    case 'failed':
      return `failed: ${manifest.failure?.message ?? 'it could not be read'}`;
    case 'superseded':
      if (manifest.failure?.code === 'older_revision') return `nothing of it was sent: ${manifest.failure.message}`;
      if (manifest.failure?.code === 'newer_revision') {
        return `a newer revision is sent in its place: ${formatCount(manifest.held_records)} records were held`;
      }
      return `replaced under the same key while it was read: ${formatCount(manifest.held_records)} records were held`;
    case 'quarantined': {
      const cancelled = cancelledText(manifest);
      if (cancelled !== undefined) return cancelled;
      return `quarantined, ${quarantineReasons[manifest.failure?.code ?? ''] ?? 'stopped'}: ${formatCount(manifest.held_records)} records were held`;
    }
    case 'splitting':
    case 'split':
    case 'completed':
      if (!manifest.reconciled) return 'THE ACCOUNT DOES NOT ADD UP';
      if (isWithoutRecords(manifest)) return 'nothing of it was sent: it has no records';
      if (manifest.dead_lettered_records === 0) return doneVerdict(manifest);
      return `done, with ${formatCountOf(manifest.dead_lettered_records, 'dead letter')}`;
  }
}

function doneVerdict(manifest: ManifestSummary): string {
  const { total_records: total, unchanged_records: unchanged, removed_records: removed } = manifest;
  const uploaded = unchanged === 0 ? 'every record was uploaded' : 'every change was uploaded';
  const sent = total === 0 ? 'it has no records any more' : uploaded;
  return removed === 0 ? sent : `${sent}; ${formatCount(removed)} removed records are to be removed by hand`;
}

/** A manifest's figures as text. */
export function formatManifest(manifest: Shown, { style }: Painter, columns: number): string {
  const bad = exitCodeOf(manifest) === exitCodes.failed;
  const colour = bad ? 'red' : manifest.dead_lettered_records > 0 ? 'yellow' : 'green';
  // The name was chosen by another system.
  const name = oneLine(nameOfFile(manifest.source.key, manifest.bundled_files), Math.max(20, columns - 40));
  return [
    `${style('bold', name)}  ${style(colour, oneLine(verdictOf(manifest), Math.max(30, columns * 2)))}\n`,
    // Zeros say nothing.
    manifest.total_records === 0 ? '' : `\n${formatFigures(manifest)}`,
    '\n',
    formatPairs(factsOf(manifest), '  '),
  ].join('');
}

/** The counts of a manifest, or the sum of several. */
export type Figures = Pick<ManifestSummary, `${Outcome}_records` | 'total_records' | 'resolved_records'>;

/** The outcomes and their sum. */
export function formatFigures(manifest: Figures): string {
  const dead = 'dead letters';
  const remarks: Record<(typeof outcomes)[number], string> = {
    uploaded:
      manifest.resolved_records > 0 ? `${formatCount(manifest.resolved_records)} of them were dead letters before` : '',
    duplicate: 'the API already had them',
    unchanged: 'the API has them from an earlier revision; not sent',
    rejected: `${dead}: not valid, never sent`,
    refused: `${dead}: not accepted by the API`,
    exhausted: `${dead}: every try failed`,
    held: 'not sent',
  };
  const rows = outcomes.map((outcome) => {
    const count = manifest[`${outcome}_records`];
    return [outcome, formatCount(count), count > 0 ? remarks[outcome] : ''];
  });
  const sum = outcomes.reduce((total, outcome) => total + manifest[`${outcome}_records`], 0);
  const verdict = sum === manifest.total_records ? 'the sum is exact' : `NOT EXACT: they are ${formatCount(sum)}`;
  const table = formatTable(
    [{ title: '' }, { title: '', align: 'right' }, { title: '' }],
    [...rows, ['records', formatCount(manifest.total_records), verdict]],
    '  ',
  );
  const lines = table.split('\n').slice(0, -1);
  const counts = lines.map((line) => line.slice(0, line.search(/[0-9](?:\s\s|$)/) + 1));
  const rule = `  ${'-'.repeat(Math.max(...counts.map(displayWidth)) - 2)}`;
  return `${[...lines.slice(0, -1), rule, lines.at(-1)].join('\n')}\n`;
}

function factsOf(manifest: Shown): [string, string][] {
  const { times, archive, source } = manifest;
  const facts: [string, string][] = [['file id', manifest.file_id]];
  if (manifest.state === 'quarantined') {
    facts.push(['stopped', manifest.failure?.message ?? '']);
    const choice = needsChoice.includes(manifest.failure?.code ?? '') ? ' --changes (or --all)' : '';
    if (manifest.failure?.code !== 'other_header')
      facts.push(['send the held records', `${sluice} release ${manifest.file_id}${choice} --why "..."`]);
  }
  for (const decision of manifest.decisions ?? []) {
    const text = fileDecisionText(decision);
    if (text !== undefined) facts.push(['decided', text]);
  }
  if (manifest.comparison) facts.push(['what it changes', `${sluice} changes ${manifest.file_id}`]);
  if (times.upload_seconds > 0) {
    const rate = formatRate(times.records_per_second);
    facts.push(['uploaded in', `${formatDuration(times.upload_seconds)}, ${rate}`]);
  }
  facts.push(['done after', formatDuration(times.duration_seconds)]);
  facts.push(['size', `${formatBytes(manifest.bytes)}${manifest.format === null ? '' : `, ${manifest.format}`}`]);
  facts.push(['sha256', manifest.checksum ?? 'unknown']);
  facts.push(['signed', manifest.signature ? `by ${manifest.signature.key_arn}` : 'no']);
  if (manifest.control) facts.push(['control file', controlText(manifest.control)]);
  for (const warning of manifest.warnings) facts.push(['warning', warning.message]);
  if (manifest.bundled_files === null) facts.push(['dropped as', `s3://${source.bucket}/${source.key}`]);
  const folder = archive.manifest_key.slice(0, archive.manifest_key.lastIndexOf('/') + 1);
  const archived = (key: string | null) => (key?.startsWith(folder) ? key.slice(folder.length) : (key ?? 'none'));
  facts.push(['archived in', `s3://${archive.bucket}/${folder}`]);
  facts.push(['  source', archived(archive.source_key)]);
  facts.push(['  receipts', archived(archive.receipts_key)]);
  const differences = manifest.control?.differences_key;
  if (differences != null) facts.push(['  what differs', archived(differences)]);
  if (manifest.comparison) facts.push(['  what it changes', archived(manifest.comparison.changes_key)]);
  facts.push(['  manifest', archived(archive.manifest_key)]);
  facts.push(['report', `${sluice} report ${manifest.file_id}`]);
  return facts.map(([name, value]) => [name, oneLine(value, 400)]);
}
