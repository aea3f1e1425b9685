import type { ManifestSummary } from './manifest.ts';

type Figures = Pick<ManifestSummary, 'failure' | 'total_records' | 'held_records' | 'rejected_records'>;

/** Who cancelled the file, when and why, and how much of it was sent before; undefined of a file that was not cancelled. */
export function cancelledText(manifest: Figures): string | undefined {
  const { failure, total_records: total, held_records: held, rejected_records: rejected } = manifest;
  if (failure?.code !== 'cancelled') return undefined;
  const count = (figure: number): string => figure.toLocaleString('en-US');
  const sent = total - held - rejected;
  return `${failure.message}; ${count(sent)} of ${count(total)} were sent, ${count(held)} are held`;
}
