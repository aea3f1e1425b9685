import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import { KeyTable, keyBytes } from '../../../lambdas/core/key-table.ts';
import { ContradictionError } from '../../../lambdas/core/errors.ts';
import { encodeText } from '../../../lambdas/core/records/decode-text.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import type { ListedChange } from '../../../lambdas/core/series/read-comparison.ts';
import { readComparison } from '../../../lambdas/core/series/read-comparison.ts';
import { readChunks } from '../evidence-lines.ts';
import { DoesNotHoldError, mustHold } from '../verified.ts';
import type { RevisionRecords } from './revision-records.ts';
import { isStopped } from './revision-records.ts';

/** A cell that is too long for a spreadsheet has the SHA-256 of its text. */
const cutCell = /… \[too long for a spreadsheet: \d+ characters, SHA-256 ([0-9a-f]{64})\. /;

/** What was found in the list. */
export interface ListedRecords {
  new: number;
  changed: number;
  removed: number;
  /** Of the newer file: those that are listed. */
  records: Set<number>;
  /** The request ids that the removed ones would have in the newer file. */
  removedIds: RemovedIds;
  /** False if not all new and changed records are listed. */
  isWhole: boolean;
}

/** Identities that the newer file must not have. */
class RemovedIds {
  readonly #ids: KeyTable;

  constructor(records: number) {
    this.#ids = new KeyTable(records, 1);
  }

  add(requestId: string): void {
    const key = Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex');
    const at = this.#ids.find(key);
    if (this.#ids.slots[at + keyBytes] === 0) this.#ids.take(at, key);
    this.#ids.slots[at + keyBytes] = 1;
  }

  has(requestId: string): boolean {
    const at = this.#ids.find(Buffer.from(requestId.slice(0, 2 * keyBytes), 'hex'));
    return this.#ids.slots[at + keyBytes] !== 0;
  }
}

/**
 * Checks each row of the list of what a revision changes: that the two files have the records with the identity, the text
 * and the number that it names, and that a record is new, changed or removed by their request ids.
 * @param bases the earlier revisions, the newest first; undefined if its evidence is missing
 * @throws DoesNotHoldError at the first row that is wrong
 */
export async function checkChanges(
  path: string,
  own: RevisionRecords,
  bases: readonly (RevisionRecords | undefined)[],
): Promise<ListedRecords> {
  const { removed_records: removed } = own.manifest;
  const earlier = bases.reduce((sum, base) => sum + (base?.manifest.total_records ?? 0), 0);
  const removedIds = new RemovedIds(Math.min(removed, earlier));
  const found: ListedRecords = { new: 0, changed: 0, removed: 0, records: new Set(), removedIds, isWhole: true };
  let number = 0;
  try {
    for await (const row of readComparison(readChunks(path))) {
      number++;
      if (row.change === 'not listed') {
        found.isWhole = false;
        continue;
      }
      found[row.change]++;
      mustHold(found.removed <= removed, `the list has more removed records than the ${removed} of the manifest`);
      const where = `row ${number} of the list of changes`;
      const base = checkRow(row, where, own, bases);
      if (row.change === 'removed' && row.identity !== null && base) removedIds.add(own.requestIdOf(row.identity));
      if (row.record === null) continue;
      mustHold(!found.records.has(row.record), `${where}: record ${row.record} has been listed before`);
      found.records.add(row.record);
    }
  } catch (error) {
    if (!(error instanceof ContradictionError)) throw error;
    throw new DoesNotHoldError(`the list of changes can't be read: ${error.message}`, { cause: error });
  }
  return found;
}

/** Returns the earlier revision that the row names. */
function checkRow(
  row: ListedChange,
  where: string,
  own: RevisionRecords,
  bases: readonly (RevisionRecords | undefined)[],
): RevisionRecords | undefined {
  const { change, identity, record, earlier_file: file, earlier_record: earlier } = row;
  const isNamed =
    (change === 'new') === (file === null && earlier === null) && (change === 'removed') === (record === null);
  mustHold(isNamed && (identity !== null || change === 'removed'), `${where} does not name its records`);
  if (record !== null && identity !== null && own.isIdentified(record)) {
    const isOwn = own.hasId(record, own.requestIdOf(identity));
    mustHold(isOwn, `${where}: record ${record} of this file has another identity`);
    checkText(row.after, record, own, where);
  }
  const index = bases.findIndex((each) => each?.manifest.file_id === file);
  const base = index < 0 ? undefined : bases[index];
  if (change !== 'new' && bases.every((each) => each))
    mustHold(base !== undefined, `${where} names another earlier file`);
  if (change === 'removed') {
    mustHold(base === undefined || index < certainOf(bases).length, `${where}: the record was removed before`);
    if (base) checkRemoved(row, base, where);
  }
  if (base && earlier !== null) {
    if (identity !== null) {
      const id = base.requestIdOf(identity);
      mustHold(base.hasId(earlier, id), `${where}: record ${earlier} of the earlier file has another identity`);
      // What it took the place of in those before is gone with it.
      for (const each of bases.slice(index)) each?.cover(each.requestIdOf(identity));
    }
    checkText(row.before, earlier, base, where);
  }
  if (change === 'new' && identity !== null) {
    const isKnown = bases.some((each) => each?.delivers(each.requestIdOf(identity)));
    mustHold(!isKnown, `${where}: record ${record} is not new, an earlier revision has delivered it`);
  }
  return base;
}

/** Whether the newer file has its identity is checked with each of that file's receipts. */
function checkRemoved(
  { earlier_record: earlier, identity, before }: ListedChange,
  base: RevisionRecords,
  where: string,
) {
  const isFirst = earlier !== null && base.noteRemoved(earlier);
  mustHold(isFirst, `${where}: record ${earlier} of the earlier file does not exist, or has been listed before`);
  const isNamed = identity !== null || before === null || base.isCorrected(earlier);
  if (identity === null) base.coverRecord(earlier);
  mustHold(isNamed, `${where} has no identity, and no person has corrected record ${earlier} of the earlier file`);
}

/** The newest revision; if it was stopped, the API has the rest as in those before it. */
export function certainOf(bases: readonly (RevisionRecords | undefined)[]): readonly (RevisionRecords | undefined)[] {
  const whole = bases.findIndex((each) => !each || !isStopped(each.manifest));
  return whole < 0 ? bases : bases.slice(0, whole + 1);
}

function checkText(text: string | null, record: number, of: RevisionRecords, where: string): void {
  // It was gone, or there was no room for it: its note says so.
  if (text === null) return;
  const encoding = of.manifest.encoding === 'windows-1252' ? 'windows-1252' : 'utf-8';
  const cut = cutCell.exec(text)?.[1];
  if (cut !== undefined && encoding !== 'utf-8') return;
  // Of a record that is not valid UTF-8, some characters are lost.
  if (text.includes('\uFFFD')) return;
  const sha256 = cut ?? sha256Of(encodeText(text, encoding));
  mustHold(of.hasContent(record, sha256), `${where}: record ${record} of ${of.manifest.file_id} has another text`);
}

/** Checks the manifest's counts of the list. @throws DoesNotHoldError */
export function checkCounts(found: ListedRecords, { comparison, removed_records: removed }: Manifest): void {
  const { new_records: added, changed_records: changed } = comparison ?? { new_records: 0, changed_records: 0 };
  const hasAll = found.isWhole
    ? found.new === added && found.changed === changed
    : found.new <= added && found.changed <= changed;
  mustHold(
    hasAll,
    `the list has ${found.new} new and ${found.changed} changed records; the manifest says ${added} and ${changed}`,
  );
  mustHold(found.removed === removed, `the list has ${found.removed} removed records; the manifest says ${removed}`);
}
