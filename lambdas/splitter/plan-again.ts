import { isOpen } from '../core/account/file-account.ts';
import { readingOf } from '../core/account/reading.ts';
import type { Quarantine, ReleasedRecords } from '../core/account/stops.ts';
import { outrunFile } from '../core/account/quarantine.ts';
import { ChangedRecords } from '../core/series/changed-records.ts';
import type { KnownRevision } from '../core/series/earlier-revisions.ts';
import { changedRules, newestOf, unknownRevision } from '../core/series/earlier-revisions.ts';
import { guardRevision } from '../core/series/revision-guard.ts';
import { compareRevisions } from '../core/series/revision-order.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { Revision } from '../core/series/revision.ts';
import { hasPlan } from '../core/series/revision.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { CutFile } from './cut-file.ts';
import { sentOf } from './enter-series.ts';
import { currentBases, takeOver } from './judge-revision.ts';
import { planRevision, unknownWhy } from './plan-revision.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { storeComparison } from './store-comparison.ts';

export type PlannedAgain =
  /** Undefined: all of it is sent, as new records. */
  | { kind: 'planned'; plan: RevisionPlan | undefined }
  /** An earlier revision is in progress. */
  | { kind: 'later' }
  /** Nothing of it may be sent now. @param by a newer revision that is sent in its place */
  | { kind: 'stop'; quarantine: Quarantine; by?: string };

/**
 * The plan of a file that is cut once more: batches of it were lost, or it was held and a person has released it. A revision
 * that was held before it took over from the earlier ones does that first, and is compared with what they have become.
 */
export async function planAgain(file: CutFile, ports: SplitterPorts, deadline: Deadline): Promise<PlannedAgain> {
  const { revision, series, quarantine } = file;
  const now = ports.clock.now();
  if (!series || series.taken) return { kind: 'planned', plan: undefined };
  if (!revision?.taken) return takeReleased(file, series.id, ports, deadline);
  if (!hasPlan(revision)) return { kind: 'planned', plan: undefined };
  const reading = readingOf(file.dialect, file.limits, ports.feed);
  const hasOtherRules = file.reading !== undefined && file.reading !== reading;
  if (hasOtherRules && quarantine?.code !== 'rules_changed') return { kind: 'stop', quarantine: changedRules(now) };
  const decided = hasOtherRules ? answered(revision, file.release?.sends) : revision;
  if (!hasPlan(decided)) {
    await ports.ledger.takeSeries(file.fileId, decided, reading);
    return { kind: 'planned', plan: undefined };
  }
  const made = hasOtherRules ? undefined : ports.plans.of(file);
  if (made) return { kind: 'planned', plan: made };
  const compared = await compare({ ...file, revision: decided }, decided.bases, undefined, ports, deadline);
  if (compared.kind === 'unknown') return stopUnknown(decided.bases[0]?.fileId ?? '', compared.why, now);
  if (hasOtherRules) await ports.ledger.takeSeries(file.fileId, decided, reading);
  else ports.plans.keep(file, compared.plan);
  return { kind: 'planned', plan: compared.plan };
}

/** A revision of which the rest is sent as a person has answered. */
function answered({ isWhole: _, ...revision }: Revision, sends: ReleasedRecords | undefined): Revision {
  return sends === 'all' ? { ...revision, isWhole: true } : revision;
}

async function takeReleased(
  file: CutFile,
  seriesId: string,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<PlannedAgain> {
  const { ledger, clock, series } = ports;
  const { fileId, release } = file;
  const reading = readingOf(file.dialect, file.limits, ports.feed);
  const found = await ledger.findInSeries(seriesId, fileId);
  const earlier = found?.earlier ?? [];
  for (const each of earlier) if (isOpen(await ledger.getFile(each.fileId))) return { kind: 'later' };
  const before = newestOf(await comparable(file, earlier, ports));
  if (found && before && compareRevisions(found.own, before) === 'older') {
    return { kind: 'stop', quarantine: outrunFile(before.fileId, clock.now()), by: before.fileId };
  }
  if (!found && release?.sends !== 'all') return stopUnknown('', 'Its series has forgotten it.', clock.now());
  const counts = file.revision?.counts ?? { unchanged: 0, changed: 0, added: 0, removed: 0 };
  const isAll = release?.sends === 'all';
  const sendAsNew = async (): Promise<PlannedAgain> => {
    if (!(await takeOver(fileId, earlier, [], ports))) return { kind: 'later' };
    // Only now: before, a manifest of the earlier revision may have been amended meanwhile.
    const bases = (before && (await currentBases(before.fileId, ports))) ?? [];
    await ledger.takeSeries(fileId, { bases, counts, isWhole: true, taken: true }, reading);
    return { kind: 'planned', plan: undefined };
  };
  // An API that supersedes entries has a record twice if the request does not name the entry.
  if (!before || (isAll && series?.rules.changedRecords !== 'supersedes')) return sendAsNew();
  const wasUnknown = file.quarantine?.code === 'revision_unknown';
  const endUnknown = (why: string) =>
    isAll && wasUnknown ? sendAsNew() : stopUnknown(before.fileId, why, clock.now());
  const bases = (await currentBases(before.fileId, ports)) ?? [];
  if (bases.length === 0) return endUnknown('What the API has of it is not known.');
  const changes = new ChangedRecords(file.dialect);
  const asked = isAll ? { ...file, revision: { bases, counts, isWhole: true as const } } : file;
  const compared = await compare(asked, bases, changes, ports, deadline);
  if (compared.kind === 'unknown') return endUnknown(compared.why);
  const { plan } = compared;
  // A person who has released it as something else does not know that it is a revision.
  const held =
    release?.sends !== undefined || !series
      ? undefined
      : guardRevision(plan.counts, before.fileId, series.rules, clock.now());
  if (held) return { kind: 'stop', quarantine: held };
  if (!(await takeOver(fileId, earlier, bases, ports))) return { kind: 'later' };
  const { archive } = ports;
  const comparison =
    archive && (await storeComparison(file, { bases, plan, changes }, { ...ports, archive }, deadline, noLease));
  const revision: Revision = {
    bases,
    counts: plan.counts,
    ...(comparison ? { comparison } : {}),
    ...(plan.supersedes ? { supersedes: true } : {}),
    ...(isAll ? { isWhole: true } : {}),
    taken: true,
  };
  await ledger.takeSeries(fileId, revision, reading);
  return { kind: 'planned', plan };
}

/** The same bytes have the same request ids, unless the file's id is in its own. */
async function comparable(
  { idsHaveFileId, sha256 }: CutFile,
  earlier: readonly KnownRevision[],
  { ledger }: SplitterPorts,
): Promise<KnownRevision[]> {
  const sent = await sentOf(earlier, ledger);
  return idsHaveFileId ? sent : sent.filter((each) => each.sha256 !== sha256);
}

const stopUnknown = (before: string, why: string, now: number): PlannedAgain => ({
  kind: 'stop',
  quarantine: unknownRevision(before, why, now),
});

const noLease = () => Promise.resolve();

async function compare(
  file: CutFile,
  bases: Revision['bases'],
  changes: ChangedRecords | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<{ kind: 'planned'; plan: RevisionPlan } | { kind: 'unknown'; why: string }> {
  const { archive } = ports;
  if (!archive) return { kind: 'unknown', why: 'The two can not be compared.' };
  const planned = await planRevision(file, bases, undefined, { ...ports, archive }, deadline, noLease, changes);
  return planned.kind === 'planned' ? planned : { kind: 'unknown', why: unknownWhy[planned.kind] };
}
