import { readingOf } from '../core/account/reading.ts';
import { outrunFile } from '../core/account/quarantine.ts';
import type { Quarantine } from '../core/account/stops.ts';
import type { KnownRevision } from '../core/series/earlier-revisions.ts';
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
import type { Standing } from './standing-in-series.ts';
import { standingOf } from './standing-in-series.ts';
import { findOpen, takeOver } from './take-over.ts';

export type PlannedAgain =
  /** Undefined: all of it is sent, as new records. */
  | { kind: 'planned'; plan: RevisionPlan | undefined; idsHaveFileId?: true }
  /** An earlier revision is in progress. */
  | { kind: 'later' }
  /** Nothing of it may be sent now. @param by a newer revision that is sent in its place */
  | { kind: 'stop'; quarantine: Quarantine; by?: string };

/** A file that was held before it took over from the earlier revisions, and that a person has released since. */
interface Released {
  file: CutFile;
  /** Undefined if its series has forgotten it. */
  own: KnownRevision | undefined;
  /** Those that entered the series before it. */
  earlier: readonly KnownRevision[];
  standing: Standing;
}

const nothingKnown: Standing = { before: undefined, isRepetition: false, same: undefined, outdone: new Set() };

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
  // Another one than when it was placed: what was held then may have been sent since.
  const standing = found ? await standingOf(found.own, earlier, ports.ledger, file) : nothingKnown;
  const { before } = standing;
  if (found && before && compareRevisions(found.own, before) === 'older') {
    return { kind: 'stop', quarantine: outrunFile(before.fileId, now), by: before.fileId };
  }
  if (!found && !isAll) {
    return { kind: 'stop', quarantine: unknownRevision('', 'Its series has forgotten it.', now) };
  }
  const released = { file: withIds(file, standing), own: found?.own, earlier, standing };
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
  if (!(await takesOver(released, bases, ports))) return { kind: 'later' };
  return take(released, await revisionOf(file, compared, by), plan, ports);
}

/** Sends all of it as new records. */
async function sendAsNew(released: Released, ports: SplitterPorts): Promise<PlannedAgain> {
  if (!(await takesOver(released, [], ports))) return { kind: 'later' };
  const { file, standing } = released;
  // Only now: before, a manifest of the earlier revision may have been amended meanwhile.
  const bases: RevisionBase[] = (standing.before && (await basesOfRevision(standing.before.fileId, ports))) ?? [];
  const revision: Revision = {
    bases,
    counts: file.revision?.counts ?? noChanges,
    // Without the header, nothing is superseded.
    ...(ports.series?.rules.changedRecords === 'replaces' ? declarationOf(undefined, 'replaces') : {}),
    isWhole: true,
  };
  return take(released, revision, undefined, ports);
}

/** False if something of an earlier revision may still be on its way, or if one that was held has been sent meanwhile. */
async function takesOver(
  { file, own, earlier, standing }: Released,
  bases: readonly RevisionBase[],
  ports: SplitterPorts,
): Promise<boolean> {
  if ((await takeOver(file.fileId, earlier, bases, ports)) !== undefined) return false;
  if (!own) return true;
  // From now on, none of them can be released.
  const { before, isRepetition } = await standingOf(own, earlier, ports.ledger, file);
  return before?.fileId === standing.before?.fileId && isRepetition === standing.isRepetition;
}

/** Nothing of it has been sent: only now are its request ids decided for good. */
async function take(
  { file, own, standing }: Released,
  revision: Revision,
  plan: RevisionPlan | undefined,
  { ledger, feed }: SplitterPorts,
): Promise<PlannedAgain> {
  const ids = file.idsHaveFileId ? { idsHaveFileId: true as const } : {};
  const { id = '', sameBytes: placedAfter } = file.series ?? {};
  const sameBytes = own ? standing.same?.fileId : placedAfter;
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

const withIds = (file: CutFile, { isRepetition }: Standing): CutFile =>
  isRepetition ? { ...file, idsHaveFileId: true } : file;
