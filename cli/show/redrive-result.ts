import type { Amendment } from '../dlq/await-amendment.ts';
import type { RedriveEnd } from '../dlq/redrive-letters.ts';
import { formatCount, formatCountOf, oneLine } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';

/** Number of reasons shown, the most frequent first; `--json` has all of them. */
const maxReasons = 20;

/** `dlq redrive --json`. */
export function describeRedrive(end: RedriveEnd, amendments: readonly Amendment[]) {
  return {
    moved_messages: end.moved,
    moved_by: end.movedBy,
    remade_letters: end.remade,
    resolved: end.counts.resolved,
    failed_again: Object.fromEntries(end.counts.failed),
    untried: end.untried,
    files: amendments.map(describeAmendment),
  };
}

export function describeAmendment(amendment: Amendment) {
  if (amendment.kind !== 'amended') return { file_id: amendment.fileId, state: amendment.kind, manifest_number: null };
  const { manifest } = amendment;
  return {
    file_id: manifest.file_id,
    state: 'amended' as const,
    manifest_number: manifest.manifest_number,
    manifest_key: manifest.archive.manifest_key,
    total_records: manifest.total_records,
    uploaded_records: manifest.uploaded_records,
    resolved_records: manifest.resolved_records,
    handled_records: manifest.handled_records,
    dead_lettered_records: manifest.dead_lettered_records,
    reconciled: manifest.reconciled,
  };
}

export function formatRedrive(end: RedriveEnd, amendments: readonly Amendment[], feed: string): string {
  const { moved, remade, counts, untried } = end;
  if (moved + remade + untried === 0) return `There is nothing to redrive: ${feed} has no such dead letters.\n`;
  const lines = [`${formatCountOf(moved, 'letter')} moved back to be tried again.`];
  if (remade > 0)
    lines.push(`${formatCountOf(remade, 'letter')} whose message was gone was made again from the ledger.`);
  lines.push(`${formatCount(counts.resolved)} resolved.`);
  const failed = [...counts.failed].sort(([, a], [, b]) => b - a);
  for (const [reason, count] of failed.slice(0, maxReasons)) {
    lines.push(`${formatCount(count)} failed again: ${oneLine(reason, 60)}.`);
  }
  const others = failed.slice(maxReasons).reduce((sum, [, count]) => sum + count, 0);
  if (others > 0) lines.push(`${formatCount(others)} failed again for other reasons.`);
  if (untried > 0) lines.push(`${formatCountOf(untried, 'dead letter')} could not be tried.`);
  if (amendments.length === 0) return `${lines.join('\n')}\n`;
  return `${lines.join('\n')}\n\n${formatAmendments(amendments)}`;
}

/** The accounts after it. */
export function formatAmendments(amendments: readonly Amendment[]): string {
  const rows = amendments.map((amendment) => {
    if (amendment.kind === 'open') return [amendment.fileId, 'its first manifest is not written yet'];
    if (amendment.kind === 'owed') return [amendment.fileId, 'its amended manifest is not written yet'];
    const { file_id, manifest_number, total_records, uploaded_records, resolved_records, dead_lettered_records } =
      amendment.manifest;
    const figures = [total_records, uploaded_records, resolved_records, dead_lettered_records].map(formatCount);
    const sum = amendment.manifest.reconciled ? 'yes' : 'NO';
    return [file_id, `manifest ${manifest_number}`, ...figures, sum];
  });
  const right = ['records', 'uploaded', 'resolved', 'still dead'].map((title) => ({ title, align: 'right' as const }));
  return formatTable([{ title: 'file id' }, { title: 'account' }, ...right, { title: 'adds up' }], rows);
}
