import type { DeadResolution } from '../account/file-account.ts';
import { failureText } from '../answers/failure-text.ts';
import type { Receipt } from '../account/receipt.ts';
import type { Dialect } from '../records/dialect.ts';
import { notListed } from '../series/comparison-csv.ts';
import type { ListedChange } from '../series/read-comparison.ts';
import { changedFields } from '../series/read-comparison.ts';
import { Timeline } from './timeline.ts';

/** Rows of the dead letters' table; the archive has the rest. */
export const maxRows = 1_000;
/** Characters shown of a record, and of any foreign text. */
const maxText = 300;
const maxExamples = 3;
/** Reasons are few, and fields are the schema's; an API with a thousand statuses must not fill the page. */
const maxGroups = 100;
/** Columns shown of a changed record. */
const maxColumns = 50;

export type DeadState = 'open' | DeadResolution['kind'];

export interface DeadRow {
  record: number;
  line: number;
  outcome: Receipt['outcome'];
  reason: string;
  field: string;
  status: number | null;
  error: string;
  raw: string;
  /** The id by which people know the record; the small file that it came from, if there was one. */
  name: string;
  state: DeadState;
}

export interface FailureGroup {
  reason: string;
  field: string;
  count: number;
  /** Of these, those that still need attention. */
  open: number;
  examples: DeadRow[];
}

/** A record that a revision changes. */
export interface ReportedChange {
  change: 'new' | 'changed' | 'removed';
  identity: string;
  /** The columns that differ, or the whole record. */
  values: ReportedValue[];
  note: string;
}

/** A record's value in the two files. */
interface ReportedValue {
  /** Undefined for the whole record. */
  column: string | undefined;
  before: string;
  after: string;
}

/** What a report shows of a file's receipts: bounded in size, for a thousand of them as for ten million. */
export class ReportFacts {
  /** When records were accepted by the batches' consumers. */
  readonly timeline: Timeline;
  readonly rows: DeadRow[] = [];
  /** The first ones of a revision. */
  readonly changes: ReportedChange[] = [];
  /** Records that failed, including resolved ones. */
  failed = 0;
  #changedValues = 0;
  readonly #groups = new Map<string, FailureGroup>();

  constructor(timeline = new Timeline()) {
    this.timeline = timeline;
  }

  /** @param resolution how the dead letter was resolved since */
  addFailed(receipt: Receipt, resolution: DeadResolution['kind'] | undefined): void {
    this.failed++;
    const row = rowOf(receipt, resolution ?? 'open');
    if (this.rows.length < maxRows) this.rows.push(row);
    this.#group(row);
  }

  /** False once there is no room for more. @param dialect of the file */
  addChange(row: ListedChange, dialect: Dialect | undefined): boolean {
    if (row.change !== notListed) {
      const change = changeOf(row, row.change, dialect);
      this.#changedValues += change.values.length;
      this.changes.push(change);
    }
    return this.#changedValues < maxRows;
  }

  /** The most frequent first. */
  get groups(): FailureGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.open - a.open || b.count - a.count);
  }

  #group(row: DeadRow): void {
    const key = `${row.reason}\n${row.field}`;
    const isOther = !this.#groups.has(key) && this.#groups.size >= maxGroups;
    const [reason, field] = isOther ? ['other reasons', ''] : [row.reason, row.field];
    const group = this.#groups.get(isOther ? '' : key) ?? { reason, field, count: 0, open: 0, examples: [] };
    this.#groups.set(isOther ? '' : key, group);
    group.count++;
    if (row.state === 'open') group.open++;
    if (group.examples.length < maxExamples) group.examples.push(row);
  }
}

function changeOf(row: ListedChange, change: ReportedChange['change'], dialect: Dialect | undefined): ReportedChange {
  const { identity, before, after, note } = row;
  const fields = (change === 'changed' && changedFields(row, dialect)) || [];
  const whole = { column: undefined, before: shortened(before ?? ''), after: shortened(after ?? '') };
  const values: ReportedValue[] = fields.slice(0, maxColumns).map((field) => ({
    column: shortened(field.name),
    before: shortened(field.before ?? '(none)'),
    after: shortened(field.after ?? '(none)'),
  }));
  const more = fields.length - values.length;
  if (more > 0) values.push({ column: `… and ${more} more columns`, before: '', after: '' });
  return {
    change,
    identity: shortened(identity?.join(' · ') ?? '(unknown)'),
    values: values.length === 0 ? [whole] : values,
    note,
  };
}

function rowOf(receipt: Receipt, state: DeadState): DeadRow {
  const { record, line, outcome, status } = receipt;
  return {
    ...{ record, line, outcome, status, state },
    reason: shortened(receipt.reason ?? 'unknown'),
    field: shortened(receipt.field ?? ''),
    error: shortened(failureText({ error: receipt.error ?? '', answer: receipt.api_answer })),
    raw: shortened(receipt.raw_payload ?? ''),
    name: shortened(receipt.source_file ?? receipt.correlation_id ?? ''),
  };
}

const shortened = (text: string): string => (text.length <= maxText ? text : `${text.slice(0, maxText)}…`);
