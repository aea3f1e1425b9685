import type { ColumnChange } from './compare-row.ts';
import type { CorrectionPlan } from './plan-corrections.ts';

export interface ColumnSummary {
  column: string;
  rows: number;
  example: ColumnChange;
  /** Changed although it was valid, in every row or to the same number: a spreadsheet may have reformatted it. */
  isSuspicious: boolean;
}

/** The changed columns, the most frequent first. */
export function summariseChanges({ corrections, unchanged }: CorrectionPlan): ColumnSummary[] {
  // Rows that could not be read before have no values to compare.
  const readable = corrections.filter(({ changes }) => changes.some(({ before }) => before !== undefined));
  const changes = corrections.flatMap((correction) =>
    correction.changes.map((change) => ({ change, isAtFault: correction.field === change.column })),
  );
  return [...Map.groupBy(changes, ({ change }) => change.column)]
    .map(([column, ofColumn]): ColumnSummary => {
      const altered = ofColumn.filter(({ change }) => change.before !== undefined);
      const inEvery = unchanged === 0 && readable.length > 1 && altered.length === readable.length;
      const blameless = altered.filter(({ isAtFault }) => !isAtFault);
      const reformatted = blameless.find(({ change }) => isSameNumber(change));
      const isSuspicious = (inEvery && blameless.length > 0) || reformatted !== undefined;
      const example = (reformatted ?? blameless[0] ?? ofColumn[0])?.change as ColumnChange;
      return { column, rows: ofColumn.length, example, isSuspicious };
    })
    .sort((a, b) => b.rows - a.rows);
}

/** `007` and `7`, `1e5` and `100000`, `$1,234` and `1234`: the effect of a spreadsheet that takes text for a number. */
function isSameNumber({ before = '', after }: ColumnChange): boolean {
  const [from, to] = [before, after].map((text) => (text.trim() === '' ? NaN : Number(text.replace(/[$€£, ]/g, ''))));
  if (from === undefined || to === undefined) return false;
  // Spreadsheets keep 15 digits.
  return Math.abs(from - to) <= Math.abs(from) * 1e-14;
}
