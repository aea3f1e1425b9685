import { isStopped } from '../core/account/quarantine.ts';
import { readingOf } from '../core/account/reading.ts';
import { ContradictionError } from '../core/errors.ts';
import { changedRules } from '../core/series/earlier-revisions.ts';
import { hasPlan } from '../core/series/revision.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { comparing } from './compare-ports.ts';
import type { CutFile } from './cut-file.ts';
import { planRevision } from './plan-revision.ts';
import type { SplitterPorts } from './splitter-ports.ts';

/**
 * The plan of a revision that another invocation has begun to send: the evidence is pinned, so it is the same. Undefined if
 * all of the file is sent, or nothing more: rules that were deployed since may plan otherwise, so then the file is stopped.
 * @throws ContradictionError if the evidence is gone
 */
export async function planContinued(
  file: CutFile,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<RevisionPlan | 'out-of-time' | undefined> {
  const { revision, fileId } = file;
  const { ledger, clock, feed } = ports;
  if (!revision?.taken || !hasPlan(revision) || isStopped(file)) return undefined;
  if (file.reading !== undefined && file.reading !== readingOf(file.dialect, file.limits, feed)) {
    if (await ledger.stopRevision(fileId, changedRules(clock.now()))) ports.metrics.add('QuarantinedFiles', 1);
    const { quarantine, release } = (await ledger.getFile(fileId)) ?? file;
    Object.assign(file, quarantine && { quarantine }, release && { release });
    return undefined;
  }
  const made = ports.plans.of(file);
  if (made) return made;
  const by = comparing(ports, deadline, { leaseOf: file, whole });
  if (!by) throw new ContradictionError(`The file ${fileId} is a revision, and no series is configured.`);
  const planned = await planRevision(file, revision.bases, by);
  if (planned.kind === 'unknown') throw new ContradictionError(`The file ${fileId} can't be compared any more.`);
  return planned.kind === 'planned' ? planned.plan : planned.kind;
}
