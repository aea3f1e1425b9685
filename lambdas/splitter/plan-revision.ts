import { prepareCut } from '../core/records/prepare-batch.ts';
import { RevisionPlan } from '../core/series/revision-plan.ts';
import type { ChangedRecords } from '../core/series/changed-records.ts';
import type { KnownRecords } from '../core/series/known-records.ts';
import type { RevisionBase } from '../core/series/revision.ts';
import { columnsOf, declarationOf } from '../core/series/revision.ts';
import type { Comparing, PlanPorts } from './compare-ports.ts';
import type { CutFile } from './cut-file.ts';
import { cutWhole } from './cut-whole.ts';
import { readBase } from './read-base.ts';

/** A file that waits for an earlier revision checks this often whether it is closed. Seconds. */
export const revisionWaitSeconds = 30;

export type PlanEnd = { kind: 'planned'; plan: RevisionPlan } | { kind: 'out-of-time' } | { kind: 'unknown' };

/**
 * Compares all records of a file with what the API has of the revisions before it, in one invocation. It is done again by
 * each invocation that cuts the file: the evidence is pinned, so the result is the same.
 * @param changes gets the records that are new or changed
 */
export async function planRevision(
  file: CutFile,
  bases: readonly RevisionBase[],
  by: Comparing<PlanPorts>,
  changes?: ChangedRecords,
): Promise<PlanEnd> {
  const known: KnownRecords[] = [];
  const reading = { archive: by.ports.archive, onProgress: by.keepLease };
  for (const base of bases) {
    const hasOtherColumns = base.columns !== undefined && base.columns !== columnsOf(file.dialect);
    const read = await readBase(base, reading, hasOtherColumns);
    if (!read) return { kind: 'unknown' };
    if (by.deadline.isDrawingIn()) return { kind: 'out-of-time' };
    known.push(read);
  }
  return compareWith(file, known, by, changes);
}

/** Compares all records of a file with what is known. */
export async function compareWith(
  file: CutFile,
  known: readonly KnownRecords[],
  by: Comparing<PlanPorts>,
  changes?: ChangedRecords,
): Promise<Exclude<PlanEnd, { kind: 'unknown' }>> {
  const { feed, rules } = by.ports;
  const { supersedes = false } = declarationOf(file.revision, rules.changedRecords);
  const plan = new RevisionPlan(known, supersedes, file.revision?.isWhole);
  const isRead = await cutWhole(file, by, (batch) => {
    for (const record of prepareCut(batch, feed, file)) {
      const change = plan.note(record);
      if (change) changes?.add(record, change);
    }
  });
  return isRead ? { kind: 'planned', plan } : { kind: 'out-of-time' };
}
