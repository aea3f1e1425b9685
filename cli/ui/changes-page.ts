import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ChangedField, ListedChange } from '../../lambdas/core/series/read-comparison.ts';
import { changedFields } from '../../lambdas/core/series/read-comparison.ts';
import { countsText } from '../../lambdas/core/series/counts-text.ts';
import type { ChangeKind } from '../archive/find-changes.ts';
import { identityText } from '../archive/find-changes.ts';

/** One page of what a revision changes. */
export interface ChangesPage {
  /** What the comparison counts, in a sentence. */
  counts: string;
  compared_with: string;
  /** Of the kind that is selected. */
  matching: number;
  page: number;
  pages: number;
  rows: ShownChange[];
  /** Why the list has fewer rows than are counted; empty if it has all. */
  note: string;
}

export interface ShownChange {
  key: string;
  change: ChangeKind;
  identity: string;
  /** The fields that differ; null for a new or removed record, or if a text can't be read. */
  fields: ChangedField[] | null;
  before: string | null;
  after: string | null;
  note: string;
  record: number | null;
}

/** @param page from 1 @param size rows of a page; reading it ends with the page's last row */
export async function changesPage(
  { revision, dialect }: Pick<FileAccount, 'revision' | 'dialect'>,
  rows: AsyncIterable<ListedChange>,
  { only, page, size }: { only?: ChangeKind | undefined; page: number; size: number },
): Promise<ChangesPage> {
  const counts = revision?.counts ?? { unchanged: 0, changed: 0, added: 0, removed: 0 };
  const ofKind = { new: counts.added, changed: counts.changed, removed: counts.removed };
  const matching = only === undefined ? counts.added + counts.changed + counts.removed : ofKind[only];
  const pages = Math.max(1, Math.ceil(matching / size));
  const shown = Math.min(Math.max(1, page), pages);
  const found: ShownChange[] = [];
  let note = '';
  let place = 0;
  for await (const row of rows) {
    if (row.change === 'not listed') note = row.note;
    else if (only === undefined || row.change === only) {
      if (place++ >= (shown - 1) * size) found.push(shownOf(row, row.change, dialect));
    }
    if (found.length === size) break;
  }
  const compared = revision?.bases[0]?.fileId ?? '';
  return {
    counts: revision ? countsText(revision.counts) : '',
    compared_with: compared,
    matching,
    page: shown,
    pages,
    rows: found,
    note,
  };
}

function shownOf(row: ListedChange, change: ChangeKind, dialect: FileAccount['dialect']): ShownChange {
  const { earlier_file: file, earlier_record: earlier, record, before, after, note } = row;
  return {
    key: `${change} ${file ?? ''} ${earlier ?? ''} ${record ?? ''}`,
    change,
    identity: identityText(row),
    fields: change === 'changed' ? (changedFields(row, dialect) ?? null) : null,
    ...{ before, after, note, record },
  };
}
