import { isWaitingForControl, waitingText } from '../../lambdas/core/control/control-mail.ts';
import { isWaitingForRevision, revisionWaitText } from '../../lambdas/core/series/waiting-revision.ts';
import { clockText, projectionText } from '../../lambdas/core/deadlines/deadline-text.ts';
import { expectedRecords } from '../../lambdas/core/account/expected-records.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { contentBytesOf, isWhollySettled, nameOfFile } from '../../lambdas/core/account/file-account.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import { sumCounts } from '../../lambdas/core/account/outcome.ts';
import type { Projection } from '../../lambdas/core/deadlines/projection.ts';
import { isQuarantined } from '../../lambdas/core/account/stops.ts';
import { formatCountOf } from '../terminal/format.ts';
import type { DeadCount } from './count-dead.ts';
import { exitCodes } from '../exit-codes.ts';
import { exitCodeOf } from '../show/exit-code-of.ts';
import type { FileSummary } from '../show/file-summary.ts';
import { summariseFile } from '../show/file-summary.ts';
import { verdictOf } from '../show/manifest-table.ts';
import type { Activity, ClosedFile, LiveFile } from './snapshot.ts';

export interface LiveFacts {
  projection: Projection | undefined;
  /** The file's open dead letters. */
  openDead: number;
  /** In which times are shown. */
  zone: string;
  now: number;
}

/** What a file waits for, before anything of it is cut. */
export function waitOf(file: FileAccount, clock: (atMs: number) => string): string | undefined {
  if (isWaitingForControl(file)) return waitingText(file.control, clock);
  return isWaitingForRevision(file) ? revisionWaitText(file.waitsFor, clock) : undefined;
}

export function describeLive(file: FileAccount, { projection, openDead, zone, now }: LiveFacts): LiveFile {
  const expected = expectedRecords(file);
  const activity = activityOf(file, projection, now);
  const bytes = contentBytesOf(file);
  const isSplit = file.state !== 'splitting';
  const waits = waitOf(file, (at) => clockText(at, zone, now));
  return {
    ...summariseFile(file, undefined, projection),
    name: shortNameOf(file),
    activity,
    open_dead_letters: openDead,
    checksum_share: file.sha256 === undefined ? share(file.hashProgress?.offset, file.source.sizeBytes) : 1,
    split_share: isSplit ? 1 : (share(file.checkpoint?.offset, bytes) ?? 0),
    settled_share: isSplit && expected === 0 ? 1 : share(sumCounts(file.settled), expected),
    done_about:
      waits !== undefined || projection?.doneAt === undefined
        ? null
        : `${projection.isAtBest ? 'not before ' : ''}${clockText(projection.doneAt, zone, now)}`,
    projected: waits ?? (projection && projectionText(projection, zone, now)) ?? null,
  };
}

/** Without what only a screen shows. */
export function summaryOf(file: LiveFile): FileSummary {
  const { name: _name, activity: _activity, open_dead_letters: _open, done_about: _about, ...rest } = file;
  const { checksum_share: _hashed, split_share: _split, settled_share: _settled, projected: _end, ...summary } = rest;
  return summary;
}

export function describeClosed(file: FileAccount, manifest: ManifestSummary): ClosedFile {
  const code = exitCodeOf(manifest);
  const tone = code === exitCodes.clean ? 'calm' : code === exitCodes.deadLetters ? 'warning' : 'alarm';
  return { ...summariseFile(file, manifest), name: shortNameOf(file), verdict: verdictOf(manifest), tone };
}

/**
 * Between a resolution and the amended manifest, a file's verdict counts more dead letters than the headline: it says how
 * many of them are open.
 */
export function withOpenDead(closed: readonly ClosedFile[], { byFile, isPartial }: DeadCount): ClosedFile[] {
  if (isPartial) return [...closed];
  return closed.map((file) => {
    const open = byFile.get(file.file_id) ?? 0;
    if (open === file.dead_lettered_records) return file;
    const letters = `${formatCountOf(open, 'dead letter')} ${open === 1 ? 'is' : 'are'} open now`;
    return { ...file, verdict: `${file.verdict}; ${letters}` };
  });
}

function activityOf(file: FileAccount, projection: Projection | undefined, now: number): Activity {
  if (isQuarantined(file)) return 'stopped';
  if (isWhollySettled(file)) return 'closing';
  if (isWaitingForControl(file) || isWaitingForRevision(file)) return 'waiting';
  if (projection?.isPaused) return 'paused';
  if (file.state === 'splitting') {
    if ((file.heldBackUntil ?? 0) > now) return 'held back';
    if (sumCounts(file.settled) > 0) return 'uploading';
    return (file.checkpoint?.record ?? 0) > 0 ? 'splitting' : 'checksum';
  }
  return 'uploading';
}

/** The name without the feed's folder, since the feed is shown beside it. */
function shortNameOf({ source, bundle }: FileAccount): string {
  return nameOfFile(source.key, bundle?.members).replace(/^.*\//s, '');
}

function share(part: number | undefined, whole: number | undefined): number | null {
  if (whole === undefined || whole <= 0) return null;
  return Math.min(1, Math.max(0, (part ?? 0) / whole));
}
