import { ContradictionError } from '../core/errors.ts';
import { ChangedRecords } from '../core/series/changed-records.ts';
import { newestOf } from '../core/series/earlier-revisions.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { RevisionBase } from '../core/series/revision.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { CutFile } from './cut-file.ts';
import { sentOf } from './enter-series.ts';
import { currentBases, isOpen, takeOver } from './judge-revision.ts';
import { planKnownRevision } from './plan-revision.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { storeComparison } from './store-comparison.ts';

/**
 * The plan of a file that is cut once more; undefined if all of it is sent. A revision that was held before it took over from
 * the earlier ones does that first, and is compared once more with what they have become. `later`: an earlier revision is in
 * progress.
 */
export async function planAgain(
  file: CutFile,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<RevisionPlan | 'later' | undefined> {
  const { revision, series, sha256 } = file;
  if (!series || series.taken) return undefined;
  if (sha256 === undefined) throw new ContradictionError(`The file ${file.fileId} has not been read.`);
  if (revision?.taken) return plan(file, revision.bases, undefined, ports, deadline);
  const { ledger } = ports;
  const earlier = await ledger.revisionsBefore(series.id, file.fileId);
  for (const { fileId } of earlier) if (isOpen(await ledger.getFile(fileId))) return 'later';
  // A person has decided to send all of it.
  if (!revision) return (await takeOver(file.fileId, earlier, [], ports)) ? undefined : 'later';
  const sent = await sentOf(earlier, ledger);
  const before = newestOf(file.idsHaveFileId ? sent : sent.filter((each) => each.sha256 !== sha256));
  const bases = (before && (await currentBases(before.fileId, ports))) ?? revision.bases;
  const changes = new ChangedRecords(file.dialect);
  const made = await plan(file, bases, changes, ports, deadline);
  if (!(await takeOver(file.fileId, earlier, bases, ports))) return 'later';
  const { archive } = ports;
  const compared = { bases, plan: made, changes };
  const comparison = archive && (await storeComparison(file, compared, { ...ports, archive }, deadline, noLease));
  await ledger.takeSeries(file.fileId, {
    bases,
    counts: made.counts,
    ...(comparison ? { comparison } : {}),
    ...(made.supersedes ? { supersedes: true } : {}),
    taken: true,
  });
  return made;
}

const noLease = () => Promise.resolve();

async function plan(
  file: CutFile,
  bases: readonly RevisionBase[],
  changes: ChangedRecords | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<RevisionPlan> {
  const planned = await planKnownRevision(file, bases, undefined, ports, deadline, noLease, changes);
  if (planned.kind === 'planned') return planned.plan;
  throw new ContradictionError(`The file ${file.fileId} can't be compared any more: ${planned.kind}.`);
}
