import type { RevisionCounts } from './known-records.ts';

/** What a comparison counts: `12 changed, 2 new, 3 removed; 59,985 unchanged`. */
export function countsText({ changed, added, removed, unchanged }: RevisionCounts): string {
  return `${n(changed)} changed, ${n(added)} new, ${n(removed)} removed; ${n(unchanged)} unchanged`;
}

const n = (figure: number): string => figure.toLocaleString('en-US');
