import type { Amendment } from '../dlq/await-amendment.ts';
import type { EndedCorrection } from '../reingest/follow-corrections.ts';
import type { CorrectionPlan } from '../reingest/plan-corrections.ts';
import { summariseChanges } from '../reingest/summarise-changes.ts';
import { formatCount, formatCountOf, oneLine } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import { describeAmendment, formatAmendments } from './redrive-result.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** Number of rows shown one by one. */
const maxRows = 20;

/** The preview: what the desk has changed, before anything is sent. */
export function formatPlan(plan: CorrectionPlan): string {
  const { corrections, unchanged, resolved, ignored } = plan;
  const files = new Set(corrections.map(({ file }) => file.fileId)).size;
  const lines = [
    `${formatCountOf(corrections.length, 'row')} changed, of ${formatCountOf(files, 'file')}; ` +
      `${formatCount(unchanged)} unchanged, ${formatCount(resolved)} resolved since.`,
  ];
  const columns = summariseChanges(plan);
  if (columns.length > 0) {
    const rows = columns.map(({ column, rows: count, example }) => [
      oneLine(column, 30),
      formatCount(count),
      quoted(example.before),
      quoted(example.after),
    ]);
    const titles = [
      { title: 'column' },
      { title: 'rows', align: 'right' as const },
      { title: 'before' },
      { title: 'after' },
    ];
    lines.push('', formatTable(titles, rows, '  '));
  }
  for (const { column, example } of columns.filter(({ isSuspicious }) => isSuspicious)) {
    lines.push(
      `Look at ${oneLine(column, 30)}: valid values were changed, such as from ${quoted(example.before)} to ` +
        `${quoted(example.after)}. A spreadsheet may have reformatted it.`,
    );
  }
  const faulty = corrections.filter(({ fault }) => fault !== undefined);
  if (faulty.length > 0) lines.push(`${formatCountOf(faulty.length, 'row')} would be rejected again:`);
  for (const { line, fault = '' } of faulty.slice(0, maxRows)) lines.push(`  line ${line}: ${oneLine(fault, 100)}`);
  if (ignored.length > 0) {
    lines.push(
      `Not sent, because the files have no such columns: ${ignored.map((name) => oneLine(name, 30)).join(', ')}.`,
    );
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

const quoted = (text: string | undefined): string => (text === undefined ? '(none)' : `'${oneLine(text, 30)}'`);

/** Words for a corrected row's outcome, and what to do. */
const words = {
  uploaded: 'uploaded',
  resolved: 'resolved in another way meanwhile',
  rejected: 'rejected again: correct the row again',
  refused: 'refused by the API: correct the row again, or resolve it by hand',
  exhausted: 'the API failed on it: reingest the CSV again later',
  conflict: 'conflict: resolve it by hand',
  waiting: 'still waiting to be tried',
} as const;

export function formatEnds(ended: readonly EndedCorrection[], amendments: readonly Amendment[]): string {
  const groups = Map.groupBy(ended, ({ end }) => end.kind);
  const counts = [...groups].map(([kind, members]) => [formatCount(members.length), words[kind]]);
  const parts = [formatTable([{ title: '', align: 'right' }, { title: '' }], counts, '  ')];
  const open = ended.filter(({ end }) => 'error' in end);
  if (open.length > 0) {
    const rows = open
      .slice(0, maxRows)
      .map(({ correction, end }) => [
        `${correction.line}`,
        `${correction.file.fileId} ${correction.record}`,
        'error' in end ? `${end.kind}, ${end.reason}` : end.kind,
        'error' in end ? oneLine(end.error, 100) : '',
      ]);
    const titles = [
      { title: 'line', align: 'right' as const },
      { title: 'record' },
      { title: 'end' },
      { title: 'why' },
    ];
    parts.push(`\n${formatTable(titles, rows, '  ')}`);
    if (open.length > maxRows)
      parts.push(`  … and ${formatCount(open.length - maxRows)} more: --json has all of them.\n`);
  }
  const conflict = ended.find(({ end }) => end.kind === 'conflict');
  if (conflict) parts.push(conflictAdvice(conflict));
  if (amendments.length > 0) parts.push(`\n${formatAmendments(amendments)}`);
  return parts.join('');
}

function conflictAdvice({ correction: { file, record } }: EndedCorrection): string {
  return (
    '\nA conflict: the API already has an entry under the request id of the record, which may differ from the corrected ' +
    'row. Look up the entry in the API, fix it there, and then close the record:\n' +
    `  ${sluice} dlq resolve ${file.fileId} ${record} --why 'fixed in the API: …'\n`
  );
}

/** `dlq reingest --json`. */
export function describeReingest(
  plan: CorrectionPlan,
  ended: readonly EndedCorrection[],
  amendments: readonly Amendment[],
) {
  const ends = new Map(ended.map(({ correction, end }) => [correction, end]));
  return {
    changed_rows: plan.corrections.length,
    unchanged_rows: plan.unchanged,
    resolved_rows: plan.resolved,
    ignored_columns: plan.ignored,
    columns: summariseChanges(plan).map(({ column, rows, isSuspicious, example }) => ({
      column,
      rows,
      suspicious: isSuspicious,
      example: { before: example.before ?? null, after: example.after },
    })),
    corrections: plan.corrections.map((correction) => {
      const end = ends.get(correction);
      return {
        line: correction.line,
        file_id: correction.file.fileId,
        record: correction.record,
        correction_id: correction.correctionId,
        changed: correction.changes.map(({ column }) => column),
        fault: correction.fault ?? null,
        /** Null if nothing was sent. */
        end: end?.kind ?? null,
        reason: end && 'reason' in end ? end.reason : null,
        error: end && 'error' in end ? end.error : null,
      };
    }),
    files: amendments.map(describeAmendment),
  };
}
