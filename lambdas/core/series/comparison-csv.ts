import { csvLine, csvLineBreak } from '../dead-letters/reconciliation-csv.ts';

/** What a revision changes: a row for each record that is new, changed or removed. */
export interface ComparedRow {
  change: 'new' | 'changed' | 'removed';
  /** The earlier revision that had the record. */
  earlier?: { fileId: string; record: number };
  /** Its number in the revision. Absent if it is removed. */
  record?: number;
  /** Undefined for a removed record that can't be read, or that a person had corrected. */
  identity: readonly string[] | undefined;
  /** The record's text in the earlier file and in this one. */
  before?: string;
  after?: string;
  note?: string;
}

export const comparisonColumns = [
  'change',
  'earlier_file',
  'earlier_record',
  'record',
  'identity',
  'before',
  'after',
  'note',
] as const;

/** The first line. The byte-order mark makes spreadsheets read it as UTF-8. */
export const comparisonHeader = `\uFEFF${comparisonColumns.join(',')}${csvLineBreak}`;

/** A row's line. */
export function comparisonLine({ change, earlier, record, identity, before, after, note }: ComparedRow): string {
  const cells = [
    change,
    earlier?.fileId ?? '',
    String(earlier?.record ?? ''),
    String(record ?? ''),
    identity ? JSON.stringify(identity) : '',
    before ?? '',
    after ?? '',
    note ?? '',
  ];
  return `${csvLine(cells)}${csvLineBreak}`;
}

/** The change of the last line of a comparison that does not list everything. */
export const notListed = 'not listed';

/** What it says. @param records the number of new and changed records that are not listed */
export const notListedNote = (records: number): string =>
  `${records} more records are new or changed. Only the first ones of the file are listed; removed records are all listed.`;

export function notListedLine(note: string): string {
  return `${csvLine([notListed, '', '', '', '', '', '', note])}${csvLineBreak}`;
}

const order = ['removed', 'changed', 'new'] as const;

/** By identity, so that a spot that was moved is next to its old place. */
export function compareRows(a: ComparedRow, b: ComparedRow): number {
  return (
    compareIdentities(a.identity ?? [], b.identity ?? []) ||
    order.indexOf(a.change) - order.indexOf(b.change) ||
    (a.record ?? a.earlier?.record ?? 0) - (b.record ?? b.earlier?.record ?? 0)
  );
}

/** The same on every machine: no language's order. */
function compareIdentities(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at] ?? '', b[at] ?? ''];
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
