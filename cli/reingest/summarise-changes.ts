import type { ColumnChange } from './compare-row.ts';
import type { CorrectionPlan } from './plan-corrections.ts';

export interface ColumnSummary {
  column: string;
  rows: number;
  example: ColumnChange;
  /** Changed in every row, also where it was not at fault: as when a spreadsheet has reformatted it. */
  isSuspicious: boolean;
}

/** Which columns were changed, the one that most rows have first. */
export function summariseChanges({ corrections, unchanged }: CorrectionPlan): ColumnSummary[] {
  // Rows that could not be read before have no values to compare with.
  const readable = corrections.filter(({ changes }) => changes.some(({ before }) => before !== undefined));
  const changes = corrections.flatMap((correction) =>
    correction.changes.map((change) => ({ change, isAtFault: correction.field === change.column })),
  );
  return [...Map.groupBy(changes, ({ change }) => change.column)]
    .map(([column, ofColumn]): ColumnSummary => {
      const altered = ofColumn.filter(({ change }) => change.before !== undefined);
      const inEvery = unchanged === 0 && readable.length > 1 && altered.length === readable.length;
      const example = (altered.find(({ isAtFault }) => !isAtFault) ?? ofColumn[0])?.change as ColumnChange;
      const isSuspicious = inEvery && altered.some(({ isAtFault }) => !isAtFault);
      return { column, rows: ofColumn.length, example, isSuspicious };
    })
    .sort((a, b) => b.rows - a.rows);
}
