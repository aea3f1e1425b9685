import type { Quarantine } from '../core/account/stops.ts';
import { isQuarantined } from '../core/account/stops.ts';
import { mayHaveBeenSent } from '../core/series/earlier-revisions.ts';
import { guardRevision } from '../core/series/revision-guard.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { Revision } from '../core/series/revision.ts';
import type { Comparing } from './compare-ports.ts';
import { compareRevision, revisionOf } from './compare-revision.ts';
import type { CutFile } from './cut-file.ts';
import type { PlaceAmongRevisions } from './enter-series.ts';
import { hasPassed, stopEarlier } from './stop-earlier.ts';
import { findOpen, findSettling, takeOver } from './take-over.ts';

export type RevisionJudgement =
  /** Something of an earlier revision may still be on its way. @param for its file id */
  | { kind: 'wait'; for: string }
  /** It can't be compared, for this reason. */
  | { kind: 'unknown'; why: string }
  /** A person decides; a release sends the changes. */
  | { kind: 'held'; revision: Revision; quarantine: Quarantine }
  /** A person has cancelled it: it takes nothing over before it is released. */
  | { kind: 'stopped'; revision: Revision }
  | { kind: 'send'; revision: Revision; plan: RevisionPlan };

/**
 * What becomes of a newer revision. Everything can be repeated until `send` is saved, with the file's epoch: comparing
 * changes nothing, and taking over from the earlier revisions is the same write each time.
 */
export async function judgeRevision(
  file: CutFile,
  place: Extract<PlaceAmongRevisions, { kind: 'newer' }>,
  by: Comparing,
): Promise<RevisionJudgement> {
  const { ports } = by;
  const { earlier, before } = place;
  const open = await findOpen(earlier, ports);
  if (open) await stopEarlier(file, place, by);
  const awaited = open ?? (await findSettling(earlier, file.fileId, ports));
  if (awaited) return { kind: 'wait', for: awaited.fileId };
  const compared = await compareRevision(file, before.fileId, by);
  const newest = await ports.ledger.getFile(before.fileId);
  if (compared.kind === 'unknown') {
    // It has ended since this file was placed, and nothing of it was sent: the next look compares with the one before it.
    if (!mayHaveBeenSent(newest)) return { kind: 'wait', for: before.fileId };
    return compared;
  }
  const { plan, bases } = compared;
  const isJudged = hasPassed(file, newest);
  const quarantine = guardRevision(plan.counts, before.fileId, ports.rules, ports.clock.now(), isJudged);
  if (quarantine) {
    return { kind: 'held', revision: await revisionOf({ ...file, quarantine }, compared, by), quarantine };
  }
  if (isQuarantined(file)) return { kind: 'stopped', revision: await revisionOf(file, compared, by) };
  const unsettled = await takeOver(place, bases, ports);
  if (unsettled !== undefined) return { kind: 'wait', for: unsettled };
  return { kind: 'send', revision: { ...(await revisionOf(file, compared, by)), taken: true }, plan };
}
