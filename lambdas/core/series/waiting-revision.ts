import type { FileAccount } from '../account/file-account.ts';
import { isStopped } from '../account/quarantine.ts';
import { isReleased } from '../account/stops.ts';

/** A revision that waits for an earlier one to close: nothing of it is cut yet, or a person has released it. */
export type WaitingRevision = FileAccount & { waitsFor: NonNullable<FileAccount['waitsFor']> };

/** The desk is notified of a file that waits for longer: milliseconds. An earlier revision usually closes within minutes. */
const longWaitMs = 60 * 60_000;

export function isWaitingForRevision(file: FileAccount): file is WaitingRevision {
  const { waitsFor, release } = file;
  if (waitsFor === undefined) return false;
  if (file.state === 'splitting') return file.series === undefined && !isStopped(file);
  return isToTakeOver(file) && waitsFor.since >= (release?.at ?? 0);
}

/** It was held before it took over from the earlier revisions, and a person has released it: it does that once they are closed. */
export function isToTakeOver(file: FileAccount): boolean {
  return file.state === 'split' && isReleased(file) && !hasTakenOver(file);
}

/** False only of a file of a series. */
export const hasTakenOver = ({ series, revision }: FileAccount): boolean =>
  series === undefined || series.taken === true || revision?.taken === true;

/** Whether the desk is to be notified now. */
export const isLongWait = ({ waitsFor }: WaitingRevision, nowMs: number): boolean =>
  waitsFor.isNotified === undefined && nowMs - waitsFor.since >= longWaitMs;

/** `waits for the earlier revision traffic.0a… since 01:12` @param clock shows a time to the reader */
export const revisionWaitText = (
  { fileId, since }: WaitingRevision['waitsFor'],
  clock: (atMs: number) => string,
): string => `waits for the earlier revision ${fileId} since ${clock(since)}`;
