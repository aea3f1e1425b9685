import { readingOf } from '../core/account/reading.ts';
import { outrunFile } from '../core/account/quarantine.ts';
import type { Quarantine } from '../core/account/stops.ts';
import { unknownRevision } from '../core/series/earlier-revisions.ts';
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
import type { SplitterPorts } from './splitter-ports.ts';
import type { AmongRevisions, Standing } from './standing-in-series.ts';
import { standingOf } from './standing-in-series.ts';
import { findOpen, takeOver } from './take-over.ts';

export type PlannedAgain =
  /** Undefined: all of it is sent, as new records. */
  | { kind: 'planned'; plan: RevisionPlan | undefined; idsHaveFileId?: true }
  /** An earlier revision is in progress. @param for its file id, if one is waited for */
  | { kind: 'later'; for?: string }
  /** Nothing of it may be sent now. @param by a newer revision that is sent in its place */
  | { kind: 'stop'; quarantine: Quarantine; by?: string };

/** A file that was held before it took over from the earlier revisions, and that a person has released since. */
interface Released {
  file: CutFile;
  /** Undefined if its series has forgotten it. */
  judged: (AmongRevisions & { standing: Standing }) | undefined;
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
  const open = found && (await findOpen(found.earlier, ports));
  if (open) return { kind: 'later', for: open.fileId };
  const among = found && { ...found, idsHaveFileId: file.idsHaveFileId };
  // Another one than when it was placed: what was held then may have been sent since.
  const judged = among && { ...among, standing: await standingOf(among, ports.ledger) };
  const before = judged?.standing.before;
  if (judged && before && compareRevisions(judged.own, before) === 'older') {
    return { kind: 'stop', quarantine: outrunFile(before.fileId, now), by: before.fileId };
  }
  if (!judged && !isAll) {
    return { kind: 'stop', quarantine: unknownRevision('', 'Its series has forgotten it.', now) };
  }
  const released = { file: judged?.standing.isRepetition ? { ...file, idsHaveFileId: true as const } : file, judged };
  // An API that supersedes entries has a record twice if the request does not name the entry.
  if (!before || (isAll && ports.series?.rules.changedRecords !== 'supersedes')) return sendAsNew(released, ports);
  const by = comparing(ports, deadline);
  const asked = isAll ? { ...released.file, revision: askedAll(file.revision) } : released.file;
  const compared: ComparisonEnd = by
    ? await compareRevision(asked, before.fileId, by)
    : { kind: 'unknown', why: canNotCompare };
  if (by && compared.kind === 'compared')
    return sendCompared({ ...released, file: asked }, before.fileId, compared, by, ports);
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
  released: Released,
  before: string,
  compared: Extract<ComparisonEnd, { kind: 'compared' }>,
  by: Comparing,
  ports: SplitterPorts,
): Promise<PlannedAgain> {
  const { file } = released;
  const { clock, series } = ports;
  const { plan, bases } = compared;
  // A person who has released it as something else does not know that it is a revision.
  if (file.release?.sends === undefined && series) {
    const held = guardRevision(plan.counts, before, series.rules, clock.now());
    if (held) return { kind: 'stop', quarantine: held };
  }
  const later = await laterThan(released, bases, ports);
  if (later) return later;
  return take(released, await revisionOf(file, compared, by), plan, ports);
}

/** Sends all of it as new records. */
async function sendAsNew(released: Released, ports: SplitterPorts): Promise<PlannedAgain> {
  const later = await laterThan(released, [], ports);
  if (later) return later;
  const { file, judged } = released;
  const before = judged?.standing.before;
  // Only now: before, a manifest of the earlier revision may have been amended meanwhile.
  const bases: RevisionBase[] = (before && (await basesOfRevision(before.fileId, ports))) ?? [];
  const revision: Revision = {
    bases,
    counts: file.revision?.counts ?? noChanges,
    // Without the header, nothing is superseded.
    ...(ports.series?.rules.changedRecords === 'replaces' ? declarationOf(undefined, 'replaces') : {}),
    isWhole: true,
  };
  return take(released, revision, undefined, ports);
}

/** Takes over. Undefined if it has; otherwise something of an earlier revision may still be on its way, or has changed. */
async function laterThan(
  { judged }: Released,
  bases: readonly RevisionBase[],
  ports: SplitterPorts,
): Promise<Extract<PlannedAgain, { kind: 'later' }> | undefined> {
  const awaited = judged && (await takeOver(judged, bases, ports));
  return awaited === undefined ? undefined : { kind: 'later', for: awaited };
}

/** Nothing of it has been sent: only now are its request ids decided for good. */
async function take(
  { file, judged }: Released,
  revision: Revision,
  plan: RevisionPlan | undefined,
  { ledger, feed }: SplitterPorts,
): Promise<PlannedAgain> {
  const ids = file.idsHaveFileId ? { idsHaveFileId: true as const } : {};
  const { id = '', sameBytes: placedAfter } = file.series ?? {};
  const sameBytes = judged ? judged.standing.same?.fileId : placedAfter;
  const series = { id, ...(sameBytes === undefined ? {} : { sameBytes }) };
  const reading = readingOf(file.dialect, file.limits, feed);
  const isTaken = await ledger.takeSeries(file.fileId, {
    revision: { ...revision, taken: true },
    reading,
    series,
    ...ids,
  });
  // Another one has noted it, perhaps otherwise: that counts.
  return isTaken ? { kind: 'planned', plan, ...ids } : { kind: 'later' };
}
