import { readingOf } from '../core/account/reading.ts';
import type { ReleasedRecords } from '../core/account/stops.ts';
import { isQuarantined, stopsOf } from '../core/account/stops.ts';
import { changedRules, unknownRevision } from '../core/series/earlier-revisions.ts';
import type { Revision } from '../core/series/revision.ts';
import { hasPlan } from '../core/series/revision.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { comparing } from './compare-ports.ts';
import { planDecided } from './compare-revision.ts';
import type { CutFile } from './cut-file.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import type { PlannedAgain } from './take-released.ts';
import { takeReleased } from './take-released.ts';

/**
 * The plan of a file that is cut once more: batches of it were lost, or it was held and a person has released it. A revision
 * that was held before it took over from the earlier ones does that first, and is compared with what they have become.
 */
export async function planAgain(file: CutFile, ports: SplitterPorts, deadline: Deadline): Promise<PlannedAgain> {
  const { revision, series } = file;
  if (!series || series.taken) return { kind: 'planned', plan: undefined };
  if (!revision?.taken) return takeReleased(file, series.id, ports, deadline);
  if (!hasPlan(revision)) return { kind: 'planned', plan: undefined };
  const reading = readingOf(file.dialect, file.limits, ports.feed);
  // Of a stopped file, nothing new is sent: batches that are begun end by the rules of now, as those in the queue do. Otherwise
  // it would never be closed, and no person could release it.
  if (file.reading !== undefined && file.reading !== reading && !isQuarantined(file)) {
    return planByOtherRules(file, revision, reading, ports, deadline);
  }
  const made = ports.plans.of(file);
  if (made) return { kind: 'planned', plan: made };
  const planned = await planDecided(file, revision, comparing(ports, deadline));
  if (planned.kind === 'unknown') return stopUnknown(revision, planned.why, ports);
  return { kind: 'planned', plan: ports.plans.keep(file, planned.plan) };
}

/** The feed's rules have changed since it was compared: a person decides, each time. */
async function planByOtherRules(
  file: CutFile,
  revision: Revision,
  reading: string,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<PlannedAgain> {
  const { quarantine, release } = file;
  const { released } = stopsOf(file);
  const isAnswered = quarantine?.code === 'rules_changed' && revision.plannedFor !== released;
  if (!isAnswered) return { kind: 'stop', quarantine: changedRules(ports.clock.now()) };
  const decided = { ...answered(revision, release?.sends), plannedFor: released };
  if (!hasPlan(decided)) {
    await ports.ledger.takeSeries(file.fileId, { revision: decided, reading });
    return { kind: 'planned', plan: undefined };
  }
  const planned = await planDecided({ ...file, revision: decided }, decided, comparing(ports, deadline));
  if (planned.kind === 'unknown') return stopUnknown(decided, planned.why, ports);
  await ports.ledger.takeSeries(file.fileId, { revision: decided, reading });
  return planned;
}

/** A revision of which the rest is sent as a person has answered. */
function answered({ isWhole: _, ...revision }: Revision, sends: ReleasedRecords | undefined): Revision {
  return sends === 'all' ? { ...revision, isWhole: true } : revision;
}

const stopUnknown = ({ bases }: Revision, why: string, { clock }: SplitterPorts): PlannedAgain => ({
  kind: 'stop',
  quarantine: unknownRevision(bases[0]?.fileId ?? '', why, clock.now()),
});
