import { prepareCut } from '../core/records/prepare-batch.ts';
import { RevisionPlan } from '../core/series/revision-plan.ts';
import type { ChangedRecords } from '../core/series/changed-records.ts';
import type { KnownRecords } from '../core/series/known-records.ts';
import type { RevisionBase } from '../core/series/revision.ts';
import { columnsOf } from '../core/series/revision.ts';
import type { Archive } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { CutFile } from './cut-file.ts';
import { cutWhole } from './cut-whole.ts';
import type { KeepLease } from './keep-lease.ts';
import { readBase } from './read-base.ts';
import type { SplitterPorts } from './splitter-ports.ts';

/** A file that waits for an earlier revision checks this often whether it is closed. Seconds. */
export const revisionWaitSeconds = 30;

/** Why a file can't be compared. */
export const unknownWhy = {
  unknown: 'A record of it may have been sent, and it is not known which.',
  'out-of-time': 'Comparing the two takes too long.',
};

export type PlanEnd = { kind: 'planned'; plan: RevisionPlan } | { kind: 'out-of-time' } | { kind: 'unknown' };

/**
 * Compares all records of a file with what the API has of the revisions before it, in one invocation. It is done again by
 * each invocation that cuts the file: the evidence is pinned, so the result is the same.
 * @param changes gets the records that are new or changed
 */
export async function planRevision(
  file: CutFile,
  bases: readonly RevisionBase[],
  whole: Buffer | undefined,
  ports: Pick<SplitterPorts, 'sources' | 'feed' | 'series'> & { archive: Pick<Archive, 'getStream'> },
  deadline: Deadline,
  keepLease: KeepLease,
  changes?: ChangedRecords,
): Promise<PlanEnd> {
  const known: KnownRecords[] = [];
  for (const base of bases) {
    const hasOtherColumns = base.columns !== undefined && base.columns !== columnsOf(file.dialect);
    const read = await readBase(base, { archive: ports.archive, onProgress: keepLease }, hasOtherColumns);
    if (!read) return { kind: 'unknown' };
    if (deadline.isDrawingIn()) return { kind: 'out-of-time' };
    known.push(read);
  }
  return compareWith(file, known, whole, ports, deadline, keepLease, changes);
}

/** Compares all records of a file with what is known. */
export async function compareWith(
  file: CutFile,
  known: readonly KnownRecords[],
  whole: Buffer | undefined,
  ports: Pick<SplitterPorts, 'sources' | 'feed' | 'series'>,
  deadline: Deadline,
  keepLease: KeepLease,
  changes?: ChangedRecords,
): Promise<Exclude<PlanEnd, { kind: 'unknown' }>> {
  // Once something of it may have been sent, every cut names the same earlier versions, whatever the feed declares by then.
  const supersedes = file.revision?.taken
    ? file.revision.supersedes === true
    : ports.series?.rules.changedRecords === 'supersedes';
  const plan = new RevisionPlan(known, supersedes, file.revision?.isWhole);
  const isRead = await cutWhole(file, whole, ports, deadline, keepLease, (batch) => {
    for (const record of prepareCut(batch, ports.feed, file)) {
      const change = plan.note(record);
      if (change) changes?.add(record, change);
    }
  });
  return isRead ? { kind: 'planned', plan } : { kind: 'out-of-time' };
}
