import type { Quarantine } from '../core/account/stops.ts';
import { isQuarantined } from '../core/account/stops.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { unknownRevision } from '../core/series/earlier-revisions.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';
import type { SplitProgress } from '../ports.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { CutFile } from './cut-file.ts';
import type { EnteredSeries } from './enter-series.ts';
import { enterSeries } from './enter-series.ts';
import type { RevisionJudgement } from './judge-revision.ts';
import { judgeRevision } from './judge-revision.ts';
import { leaseKeeper } from './plan-revision.ts';
import type { SplitterPorts } from './splitter-ports.ts';

/** What a file's place in its series means for it, before anything of it is sent. */
export type Place =
  /** To be saved; the file is cut next. */
  | { kind: 'taken'; progress: Omit<SplitProgress, 'leaseUntil'>; plan?: RevisionPlan }
  | { kind: 'older'; failure: { code: string; message: string } }
  /** An earlier revision is in progress. */
  | { kind: 'waiting' };

/** Undefined if the file belongs to no series. Changes nothing of the file; everything else that it writes is repeatable. */
export async function placeInSeries(
  file: CutFile & { sha256: string },
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<Place | undefined> {
  const entry = await enterSeries(file, ports);
  if (!entry) return undefined;
  const series = { id: entry.seriesId };
  const taken = (more: Partial<SplitProgress> = {}, plan?: RevisionPlan): Place => ({
    kind: 'taken',
    progress: { series, ...more },
    ...(plan ? { plan } : {}),
  });
  ports.log.info('file has a place in its series', {
    correlation_id: file.fileId,
    series: series.id,
    place: entry.kind,
  });
  if (entry.kind === 'first') return taken();
  if (entry.kind === 'again') return taken({ warnings: [entry.warning] });
  if (entry.kind === 'older') return { kind: 'older', failure: entry.failure };
  if (entry.kind === 'held') return taken(stopOf(file, entry.quarantine));
  const judged = await judge(file, entry, whole, ports, deadline);
  switch (judged.kind) {
    case 'wait':
      return { kind: 'waiting' };
    case 'unknown':
      return taken(stopOf(file, unknownRevision(entry.before.fileId, judged.why, ports.clock.now())));
    case 'held':
      return taken({ revision: judged.revision, ...stopOf(file, judged.quarantine) });
    case 'stopped':
      return taken({ revision: judged.revision });
    case 'send':
      return taken({ revision: judged.revision }, judged.plan);
  }
}

function judge(
  file: CutFile,
  entry: Extract<EnteredSeries, { kind: 'newer' }>,
  whole: Buffer | undefined,
  ports: SplitterPorts,
  deadline: Deadline,
): Promise<RevisionJudgement> {
  const { archive, series } = ports;
  if (!archive || !series) return Promise.resolve({ kind: 'unknown', why: 'The two can not be compared.' });
  const compare = { ...ports, archive, rules: series.rules };
  return judgeRevision(file, entry, whole, compare, deadline, leaseKeeper(file, ports));
}

/** A person who has cancelled it has stopped it already: the person who releases it is to know both reasons. */
function stopOf(file: FileAccount, quarantine: Quarantine): Partial<SplitProgress> {
  const { quarantine: before } = file;
  if (!before || !isQuarantined(file)) return { quarantine: { ...quarantine, number: 1 } };
  return { quarantine: { ...before, message: `${before.message}. ${quarantine.message}`, isRevision: true } };
}
