import { nameOfFile } from '../../lambdas/core/account/file-account.ts';
import { momentText, zoneText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { formatCount, formatShare, oneLine } from '../terminal/format.ts';
import { formatTable } from '../terminal/table.ts';
import type { FileSummary } from './file-summary.ts';

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
  const rows = files.map((file) => [
    file.file_id,
    stateOf(file),
    formatCount(file.settled_records),
    file.total_records === null ? '?' : formatCount(file.total_records),
    formatCount(file.uploaded_records + file.duplicate_records),
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
    { title: 'dead', align: 'right' as const },
    { title: 'received' },
    ...(hasProjection ? [{ title: 'projected' }] : []),
    { title: 'file' },
  ];
  return `${formatTable(titles, rows)}Times in ${zoneText(zone, now)}.\n`;
}

function stateOf(file: FileSummary): string {
  if (file.duplicate_of !== null) return `not sent: duplicate of ${file.duplicate_of}`;
  if (file.manifest_key !== null) return file.reconciled === false ? `${file.state}, NOT RECONCILED` : file.state;
  if (file.state !== 'split' || file.total_records === null) return file.state;
  return file.settled_records >= file.total_records
    ? 'closing'
    : `uploading ${formatShare(file.settled_records, file.total_records)}`;
}
