import type { FileAccount } from '../core/account/file-account.ts';
import { readingOf } from '../core/account/reading.ts';
import type { Quarantine } from '../core/account/stops.ts';
import { isOutrun, isQuarantined, stopsOf } from '../core/account/stops.ts';
import { limitsOfRevision } from '../core/series/revision-limits.ts';
import { unknownRevision } from '../core/series/earlier-revisions.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { FileLedger, SplitProgress } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { comparing } from './compare-ports.ts';
import { canNotCompare } from './compare-revision.ts';
import type { CutFile } from './cut-file.ts';
import { enterSeries, memberOf } from './enter-series.ts';
import { judgeRevision } from './judge-revision.ts';
import type { SplitterPorts } from './splitter-ports.ts';
import { takeOver } from './take-over.ts';

/** What a file's bytes and its place in its series mean for it, before anything of it is sent. */
export type Place =
  /** To be saved; the file is cut next. */
  | { kind: 'taken'; progress: Omit<SplitProgress, 'leaseUntil'>; plan?: RevisionPlan }
  | { kind: 'duplicate'; of: string }
  | { kind: 'older'; failure: { code: string; message: string } }
  /** An earlier revision is in progress. @param for its file id */
  | { kind: 'waiting'; for: string };

type ReadFile = CutFile & { sha256: string };

/**
 * Whether an earlier file has the same bytes, and what an earlier revision means for this one. Changes nothing of the file;
 * everything else that it writes is repeatable.
 */
export async function placeInSeries(
  file: ReadFile,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<Place> {
  const member = await memberOf(file, ports);
  if (!member) return (await claimChecksum(file, ports)) ?? { kind: 'taken', progress: {} };
  // A newer revision has stopped it before it had a place: nothing of it is sent.
  if (isOutrun(file)) return { kind: 'taken', progress: { series: { id: member.seriesId } } };
  const place = await enterSeries(member, file, ports);
  const { isRepetition, same } = place.standing;
  const series = { id: member.seriesId, ...(same ? { sameBytes: same.fileId } : {}) };
  ports.log.info('file has a place in its series', {
    correlation_id: file.fileId,
    series: series.id,
    place: place.kind,
  });
  const endDuplicate = async (of: string): Promise<Place> => {
    // What is held between the two is older than this file, and must not be sent after it.
    const others = member.setting === undefined ? place.earlier.filter(({ fileId }) => fileId !== of) : [];
    const awaited = await takeOver(place, [], ports, others);
    return awaited === undefined ? { kind: 'duplicate', of } : { kind: 'waiting', for: awaited };
  };
  if (place.kind === 'duplicate') return endDuplicate(place.of);
  // A change back to the bytes of an older revision is sent.
  const sameBytes = isRepetition ? undefined : await claimChecksum(file, ports);
  if (sameBytes) return endDuplicate(sameBytes.of);
  const ids = isRepetition ? { idsHaveFileId: true as const } : {};
  const taken = (more: Partial<SplitProgress> = {}, plan?: RevisionPlan): Place => ({
    kind: 'taken',
    // By the rules that are deployed now, it has been compared.
    progress: { series, reading: readingOf(file.dialect, file.limits, ports.feed), ...ids, ...more },
    ...(plan ? { plan } : {}),
  });
  const wholly = { series: { ...series, taken: true as const } };
  if (place.kind === 'again') return taken({ ...wholly, warnings: [place.warning] });
  if (place.kind === 'older') return { kind: 'older', failure: place.failure };
  if (place.kind === 'held') return taken(stopOf(file, place.quarantine));
  if (place.kind === 'first') {
    // A person has cancelled it: it takes nothing over before it is released.
    if (isQuarantined(file)) return taken();
    // What was held of an earlier one, or failed, must not be sent after it.
    const awaited = await takeOver(place, [], ports);
    return awaited === undefined ? taken(wholly) : { kind: 'waiting', for: awaited };
  }
  const by = ports.series && comparing(ports, deadline, { leaseOf: file, whole });
  const judged = by ? await judgeRevision(file, place, by) : ({ kind: 'unknown', why: canNotCompare } as const);
  switch (judged.kind) {
    case 'wait':
      return { kind: 'waiting', for: judged.for };
    case 'unknown':
      return taken(stopOf(file, unknownRevision(place.before.fileId, judged.why, ports.clock.now())));
    case 'held':
      return taken({ revision: judged.revision, ...stopOf(file, judged.quarantine) });
    case 'stopped':
      return taken({ revision: judged.revision });
    case 'send':
      return taken({ revision: judged.revision, limits: limitsOfRevision(file.limits, judged.plan.size) }, judged.plan);
  }
}

/**
 * Only once it is known how the file is read: a file that was read in another way and rejected must not count as the same.
 * Undefined if the file is the first one with its bytes.
 */
async function claimChecksum(
  file: ReadFile,
  { ledger, feed }: Pick<SplitterPorts, 'feed'> & { ledger: Pick<FileLedger, 'claimChecksum'> },
): Promise<Extract<Place, { kind: 'duplicate' }> | undefined> {
  // The sink detects bundled files with the same bytes: each is a record.
  if (file.bundle) return undefined;
  // An earlier version kept no fingerprint.
  const reading = file.reading ?? readingOf(file.dialect, file.limits, feed);
  const sameBytes = await ledger.claimChecksum(file.feed, file.sha256, file.fileId, reading);
  return sameBytes.kind === 'duplicate' ? sameBytes : undefined;
}

/** A person who has cancelled it has stopped it already: the person who releases it is to know both reasons. */
function stopOf(file: FileAccount, quarantine: Quarantine): Partial<SplitProgress> {
  const { quarantine: before } = file;
  if (!before || !isQuarantined(file)) return { quarantine: { ...quarantine, number: stopsOf(file).stop + 1 } };
  return { quarantine: { ...before, message: `${before.message}. ${quarantine.message}`, isRevision: true } };
}
