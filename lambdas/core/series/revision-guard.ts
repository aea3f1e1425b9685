import type { Quarantine } from '../account/stops.ts';
import { countsText } from './counts-text.ts';
import type { RevisionCounts } from './known-records.ts';

/**
 * What an API does with a record that it has and that is sent with other values. `replaces`: it has a key of its own.
 * `supersedes`: it replaces the entry that a header names.
 */
export type ChangedRecords = 'replaces' | 'supersedes';

/** What a feed allows a revision to change without a person's decision. */
export interface RevisionRules {
  /** Absent if the feed does not say. */
  changedRecords?: ChangedRecords | undefined;
  /** The share of records that may be changed or removed. */
  guard: number;
}

/** The codes of a quarantine for a file's place in its series: nothing of the file was sent before it. */
export const revisionStops: readonly string[] = ['revision_unknown', 'revision_order', 'revision_differs'];

/** Below this, a share of the records means little. */
const fewestRecords = 100;

/**
 * Why a person must decide about a revision before any of it is sent; undefined if its changes can be sent.
 * @param hasPassed it was compared with all of the earlier revision, which was stopped for it: what differs now was not sent
 */
export function guardRevision(
  counts: RevisionCounts,
  before: string,
  { changedRecords, guard }: RevisionRules,
  nowMs: number,
  hasPassed = false,
): Quarantine | undefined {
  const { unchanged, changed, removed } = counts;
  const held = (why: string): Quarantine => {
    const message = `Compared with the file ${before}: ${countsText(counts)}. ${why} None of it was sent.`;
    return { at: nowMs, code: 'revision_differs', rejected: 0, seen: 0, message };
  };
  const earlier = unchanged + changed + removed;
  if (!hasPassed && unchanged + changed === 0 && removed > 0) return held('They have no record in common.');
  if (changed > 0 && changedRecords === undefined) {
    return held('The feed does not declare that its API replaces a changed record.');
  }
  const share = (changed + removed) / Math.max(1, earlier);
  if (!hasPassed && earlier >= fewestRecords && share > guard) {
    const percent = (value: number) => `${Math.round(value * 1000) / 10}%`;
    return held(
      `${percent(share)} of the earlier records are changed or removed, and the feed allows ${percent(guard)}.`,
    );
  }
  return undefined;
}
