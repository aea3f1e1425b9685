import type { ChangedRecord, ChangedRecords } from '../core/series/changed-records.ts';
import { maxListedCharacters, maxListedRecords } from '../core/series/changed-records.ts';
import type { ComparedRow } from '../core/series/comparison-csv.ts';
import {
  compareRows,
  comparisonHeader,
  comparisonLine,
  notListedLine,
  notListedNote,
} from '../core/series/comparison-csv.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { RevisionBase } from '../core/series/revision.ts';
import type { EarlierPorts, EarlierText } from './read-earlier.ts';
import { readEarlier } from './read-earlier.ts';

/** What the comparison is made of: the evidence, the plan that was made from it, and the records that it changes. */
export interface Compared {
  bases: readonly RevisionBase[];
  plan: RevisionPlan;
  changes: ChangedRecords;
}

/**
 * The lines of the list of a revision's changes, as often as needed. New and changed records are listed as far as they fit
 * into memory; removed ones all are, sorted among the others, or if they do not fit, after them in the order of their file.
 * @param most removed records that are sorted, and characters of their texts
 * @throws ContradictionError if an earlier file in the archive was changed
 */
export async function listChanges(
  { bases, plan, changes }: Compared,
  ports: EarlierPorts,
  most = { records: maxListedRecords, characters: maxListedCharacters },
): Promise<{ lines: () => AsyncGenerator<string>; removed: number }> {
  const removedIn = await removedRecords(bases, plan, ports);
  const removed = removedIn.reduce((sum, { size }) => sum + size, 0);
  const listed = new Set(
    changes.listed.flatMap(({ earlier }) => (earlier ? [placeOf(earlier.base, earlier.record)] : [])),
  );
  const before = new Map<string, string>();
  let roomBefore = most.characters;
  const rows: ComparedRow[] = [];
  let room = removed > most.records ? -1 : most.characters;
  for (const [base, evidence] of bases.entries()) {
    const ofBase = removedIn[base];
    const isRemoved = (record: number) => room >= 0 && ofBase?.has(record) === true;
    const isWanted = (record: number) => isRemoved(record) || listed.has(placeOf(base, record));
    if (base > 0 && ofBase?.size === 0 && !changes.listed.some(({ earlier }) => earlier?.base === base)) continue;
    for await (const earlier of readEarlier(evidence, isWanted, ports)) {
      const { record, text } = earlier;
      if (isRemoved(record)) {
        rows.push(removedRow(evidence, earlier, base, plan));
        room -= (text ?? '').length;
      } else if (text !== undefined) {
        roomBefore -= text.length;
        if (roomBefore >= 0) before.set(placeOf(base, record), text);
      }
    }
  }
  const areSorted = room >= 0;
  const shown = areSorted ? rows : [];
  shown.push(...changes.listed.map((each) => changedRow(each, bases, before)));
  shown.sort(compareRows);
  const lines = async function* () {
    yield comparisonHeader;
    for (const row of shown) yield comparisonLine(row);
    // Too many to sort: in the order of their file.
    for (const [base, evidence] of areSorted ? [] : bases.entries()) {
      const isRemoved = (record: number) => removedIn[base]?.has(record) === true;
      for await (const each of readEarlier(evidence, isRemoved, ports)) {
        yield comparisonLine(removedRow(evidence, each, base, plan));
      }
    }
    if (changes.unlisted > 0) yield notListedLine(notListedNote(changes.unlisted));
  };
  return { lines, removed };
}

/**
 * The removed records of each base. One that a stopped revision had changed is in that one's, and not also in those of the
 * revision before: whether the two are versions of one record is known only by their identity.
 */
async function removedRecords(
  bases: readonly RevisionBase[],
  plan: RevisionPlan,
  ports: EarlierPorts,
): Promise<RecordSet[]> {
  const removedIn: RecordSet[] = [];
  for (const [base, evidence] of bases.entries()) {
    const found = new RecordSet(evidence.records, plan.removedRecords(base));
    const mayRepeat = found.size > 0 && removedIn.some(({ size }) => size > 0);
    if (mayRepeat) {
      for await (const { record, identity } of readEarlier(evidence, (each) => found.has(each), ports))
        if (identity && plan.isListedBefore(identity, base)) found.delete(record);
    }
    removedIn.push(found);
  }
  return removedIn;
}

const placeOf = (base: number, record: number): string => `${base}/${record}`;

function removedRow(
  { fileId }: RevisionBase,
  { record, text, identity }: EarlierText,
  base: number,
  plan: RevisionPlan,
): ComparedRow {
  const removed = { change: 'removed' as const, earlier: { fileId, record } };
  if (text === undefined) return { ...removed, identity, note: notReadable };
  if (identity && plan.isRemovedAs(identity, { base, record })) return { ...removed, identity, before: text };
  return { ...removed, identity: undefined, before: text, note: wasCorrected };
}

const wasCorrected = 'a person corrected it: the API has the corrected row in its place';

const notReadable = 'the earlier text is not available';
const uncertain = 'the API may have something else of it than the earlier file';

function changedRow(
  { record, identity, text, earlier }: ChangedRecord,
  bases: readonly RevisionBase[],
  texts: ReadonlyMap<string, string>,
): ComparedRow {
  const own = { record, identity, after: text };
  if (!earlier) return { change: 'new', ...own };
  const before = texts.get(placeOf(earlier.base, earlier.record));
  return {
    change: 'changed',
    ...own,
    earlier: { fileId: bases[earlier.base]?.fileId ?? '', record: earlier.record },
    ...(before === undefined ? { note: notReadable } : { before }),
    ...(before !== undefined && earlier.isUncertain ? { note: uncertain } : {}),
  };
}

/** A bit for each record: the removed ones may be all of ten million. */
class RecordSet {
  readonly #bits: Uint8Array;
  size = 0;

  constructor(records: number, members: Iterable<number>) {
    this.#bits = new Uint8Array((records >> 3) + 1);
    for (const record of members) {
      const byte = record >> 3;
      this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (record & 7));
      this.size++;
    }
  }

  delete(record: number): void {
    if (!this.has(record)) return;
    this.#bits[record >> 3] = (this.#bits[record >> 3] ?? 0) & ~(1 << (record & 7));
    this.size--;
  }

  has(record: number): boolean {
    return ((this.#bits[record >> 3] ?? 0) & (1 << (record & 7))) !== 0;
  }
}
