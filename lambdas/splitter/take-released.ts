import { readingOf } from '../core/account/reading.ts';
import { outrunFile } from '../core/account/quarantine.ts';
import type { Quarantine } from '../core/account/stops.ts';
import type { KnownRevision } from '../core/series/earlier-revisions.ts';
import { newestOf, unknownRevision } from '../core/series/earlier-revisions.ts';
import { guardRevision } from '../core/series/revision-guard.ts';
import { compareRevisions } from '../core/series/revision-order.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { Revision, RevisionBase } from '../core/series/revision.ts';
import { declarationOf } from '../core/series/revision.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { basesOfRevision } from './bases-of-revision.ts';
import type { Comparing } from './compare-ports.ts';
import { comparing } from './compare-ports.ts';
import type { ComparisonEnd } from './compare-revision.ts';
import { canNotCompare, compareRevision, revisionOf } from './compare-revision.ts';
import type { CutFile } from './cut-file.ts';
import { sentOf } from './enter-series.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { findOpen, takeOver } from './take-over.ts';

export type PlannedAgain =
  /** Undefined: all of it is sent, as new records. */
  | { kind: 'planned'; plan: RevisionPlan | undefined }
  /** An earlier revision is in progress. */
  | { kind: 'later' }
  /** Nothing of it may be sent now. @param by a newer revision that is sent in its place */
  | { kind: 'stop'; quarantine: Quarantine; by?: string };

/** A file that was held before it took over from the earlier revisions, and that a person has released since. */
interface Released {
  file: CutFile;
  /** Those that entered the series before it. */
  earlier: readonly KnownRevision[];
  /** The newest of them that may have been sent. */
  before: KnownRevision | undefined;
}

const noChanges = { unchanged: 0, changed: 0, added: 0, removed: 0 };

/** Has it take over from the earlier revisions, compared with what they have become, as the person has answered. */
export async function takeReleased(
  file: CutFile,
  seriesId: string,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<PlannedAgain> {
  const now = ports.clock.now();
  const isAll = file.release?.sends === 'all';
  const found = await ports.ledger.findInSeries(seriesId, file.fileId);
  const earlier = found?.earlier ?? [];
  if (await findOpen(earlier, ports)) return { kind: 'later' };
  const before = newestOf(await comparable(file, earlier, ports));
  if (found && before && compareRevisions(found.own, before) === 'older') {
    return { kind: 'stop', quarantine: outrunFile(before.fileId, now), by: before.fileId };
  }
  if (!found && !isAll) {
    return { kind: 'stop', quarantine: unknownRevision('', 'Its series has forgotten it.', now) };
  }
  const released = { file, earlier, before };
  // An API that supersedes entries has a record twice if the request does not name the entry.
  if (!before || (isAll && ports.series?.rules.changedRecords !== 'supersedes')) return sendAsNew(released, ports);
  const by = comparing(ports, deadline);
  const asked = isAll ? { ...file, revision: askedAll(file.revision) } : file;
  const compared: ComparisonEnd = by
    ? await compareRevision(asked, before.fileId, by)
    : { kind: 'unknown', why: canNotCompare };
  if (by && compared.kind === 'compared')
    return sendCompared({ ...released, file: asked, before }, compared, by, ports);
  // Held for this before, and the person has said it once more.
  if (isAll && file.quarantine?.code === 'revision_unknown') return sendAsNew(released, ports);
  const why = compared.kind === 'unknown' ? compared.why : canNotCompare;
  return { kind: 'stop', quarantine: unknownRevision(before.fileId, why, now) };
}

const askedAll = (revision: Revision | undefined): Revision => ({
  bases: [],
  counts: revision?.counts ?? noChanges,
  isWhole: true,
});

async function sendCompared(
  { file, earlier, before }: Released & { before: KnownRevision },
  compared: Extract<ComparisonEnd, { kind: 'compared' }>,
  by: Comparing,
  { clock, ledger, feed, series }: SplitterPorts,
): Promise<PlannedAgain> {
  const { plan, bases } = compared;
  // A person who has released it as something else does not know that it is a revision.
  if (file.release?.sends === undefined && series) {
    const held = guardRevision(plan.counts, before.fileId, series.rules, clock.now());
    if (held) return { kind: 'stop', quarantine: held };
  }
  if ((await takeOver(file.fileId, earlier, bases, by.ports)) !== undefined) return { kind: 'later' };
  const revision: Revision = { ...(await revisionOf(file, compared, by)), taken: true };
  await ledger.takeSeries(file.fileId, revision, readingOf(file.dialect, file.limits, feed));
  return { kind: 'planned', plan };
}

/** Sends all of it as new records. */
async function sendAsNew({ file, earlier, before }: Released, ports: SplitterPorts): Promise<PlannedAgain> {
  const { ledger, feed, series } = ports;
  if ((await takeOver(file.fileId, earlier, [], ports)) !== undefined) return { kind: 'later' };
  // Only now: before, a manifest of the earlier revision may have been amended meanwhile.
  const bases: RevisionBase[] = (before && (await basesOfRevision(before.fileId, ports))) ?? [];
  const revision: Revision = {
    bases,
    counts: file.revision?.counts ?? noChanges,
    // Without the header, nothing is superseded.
    ...(series?.rules.changedRecords === 'replaces' ? declarationOf(undefined, 'replaces') : {}),
    isWhole: true,
    taken: true,
  };
  await ledger.takeSeries(file.fileId, revision, readingOf(file.dialect, file.limits, feed));
  return { kind: 'planned', plan: undefined };
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
