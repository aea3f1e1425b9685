import { isWithoutRecords } from '../../lambdas/core/account/is-without-records.ts';
import { nameOfFile } from '../../lambdas/core/account/file-account.ts';
import { momentText, zoneText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { noRecords, noticeKindOf } from '../../lambdas/core/notices/file-notice.ts';
import { formatCount, formatShare, oneLine } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import type { FileSummary } from './file-summary.ts';

/** Of a reason below the table. */
const maxReasonCharacters = 500;

/**
 * A table of files, open ones first.
 * @param when the time zone of its times, and the time now
 * @param projected when a file will be done, in words; the column is left out if there is none
 */
export function formatFiles(
  files: readonly FileSummary[],
  { zone, now }: { zone: string; now: number },
  projected: (fileId: string) => string | undefined = () => undefined,
): string {
  const hasProjection = files.some((file) => projected(file.file_id) !== undefined);
  // Of revisions: the API has them from an earlier one.
  const hasUnchanged = files.some((file) => file.unchanged_records > 0);
  const rows = files.map((file) => [
    file.file_id,
    stateOf(file),
    formatCount(file.settled_records),
    file.total_records === null ? '?' : formatCount(file.total_records),
    formatCount(file.uploaded_records + file.duplicate_records),
    ...(hasUnchanged ? [formatCount(file.unchanged_records)] : []),
    formatCount(file.dead_lettered_records),
    momentText(Date.parse(file.received), zone, now),
    ...(hasProjection ? [projected(file.file_id) ?? ''] : []),
    oneLine(nameOfFile(file.source.key, file.bundled_files), 60),
  ]);
  const titles = [
    { title: 'file id' },
    { title: 'state' },
    { title: 'done', align: 'right' as const },
    { title: 'of', align: 'right' as const },
    { title: 'accepted', align: 'right' as const },
    ...(hasUnchanged ? [{ title: 'unchanged', align: 'right' as const }] : []),
    { title: 'dead', align: 'right' as const },
    { title: 'received' },
    ...(hasProjection ? [{ title: 'projected' }] : []),
    { title: 'file' },
  ];
  return `${formatTable(titles, rows)}${reasonsOf(files)}Times in ${zoneText(zone, now)}.\n`;
}

/** Why closed files were not sent, or not to their end; a line each. */
function reasonsOf(files: readonly FileSummary[]): string {
  const unsent = files.filter((file) => file.manifest_key !== null && (file.failure ?? isWithoutRecords(file)));
  const lines = unsent.map((file) => {
    const why = file.failure?.message ?? file.warnings[0]?.message ?? noRecords;
    return `  ${file.file_id}  ${oneLine(why, maxReasonCharacters)}\n`;
  });
  return lines.length === 0 ? '' : `\nNot sent, or not all of it:\n${lines.join('')}\n`;
}

function stateOf(file: FileSummary): string {
  if (file.duplicate_of !== null) return `not sent: duplicate of ${file.duplicate_of}`;
  if (file.manifest_key !== null) {
    if (file.reconciled === false) return `${file.state}, NOT RECONCILED`;
    return noticeKindOf(file) === 'empty' ? 'not sent: no records' : file.state;
  }
  if (file.state !== 'split' || file.total_records === null) return file.state;
  return file.settled_records >= file.total_records
    ? 'closing'
    : `uploading ${formatShare(file.settled_records, file.total_records)}`;
}
