import { ChangedRecords } from '../core/series/changed-records.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { Revision, RevisionBase } from '../core/series/revision.ts';
import { declarationOf } from '../core/series/revision.ts';
import type { Comparing } from './compare-ports.ts';
import type { CutFile } from './cut-file.ts';
import { basesOfRevision } from './bases-of-revision.ts';
import type { Compared } from './list-changes.ts';
import { planRevision } from './plan-revision.ts';
import { storeComparison } from './store-comparison.ts';

/** Why a file can't be compared. */
const unknownWhy = {
  unknown: 'A record of it may have been sent, and it is not known which.',
  'out-of-time': 'Comparing the two takes too long.',
};

export const canNotCompare = 'The two can not be compared.';

export type ComparisonEnd = ({ kind: 'compared' } & Compared) | { kind: 'unknown'; why: string };

/** Compares a file with what the API has now of an earlier revision. Changes nothing. @param before its file id */
export async function compareRevision(file: CutFile, before: string, by: Comparing): Promise<ComparisonEnd> {
  const bases = await basesOfRevision(before, by.ports);
  if (!bases) return { kind: 'unknown', why: 'What the API has of it is not known.' };
  return compareWithBases(file, bases, by);
}

/** The same with bases that are known, and with the list of what is new or changed. */
export async function compareWithBases(file: CutFile, bases: RevisionBase[], by: Comparing): Promise<ComparisonEnd> {
  const changes = new ChangedRecords(file.dialect);
  const end = await planRevision(file, bases, by, changes);
  if (end.kind !== 'planned') return { kind: 'unknown', why: unknownWhy[end.kind] };
  return { kind: 'compared', bases, plan: end.plan, changes };
}

/**
 * What a file's item has of its comparison, once the list of what changes is stored.
 * @param file with the stop that decides in which folder the list is
 */
export async function revisionOf(file: CutFile, compared: Compared, by: Comparing): Promise<Revision> {
  const stored = await storeComparison(file, compared, by);
  const { bases, plan } = compared;
  const removed = stored?.removed ?? plan.counts.removed;
  return {
    bases: [...bases],
    counts: { ...plan.counts, removed },
    ...(stored ? { comparison: stored.comparison } : {}),
    ...declarationOf(file.revision, by.ports.rules.changedRecords),
    ...(plan.isWhole ? { isWhole: true } : {}),
  };
}

/** The plan of a comparison that was decided on before: its evidence is pinned, so it is the same. */
export async function planDecided(
  file: CutFile,
  { bases }: Pick<Revision, 'bases'>,
  by: Comparing | undefined,
): Promise<{ kind: 'planned'; plan: RevisionPlan } | { kind: 'unknown'; why: string }> {
  if (!by) return { kind: 'unknown', why: canNotCompare };
  const end = await planRevision(file, bases, by);
  return end.kind === 'planned' ? end : { kind: 'unknown', why: unknownWhy[end.kind] };
}
