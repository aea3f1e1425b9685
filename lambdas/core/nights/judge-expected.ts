import { fitsKey } from '../../../feeds/expected-key.ts';
import type { FileAccount } from '../account/file-account.ts';
import { isQuarantined, isReleased } from '../account/stops.ts';
import type { DueFile } from './expected-files.ts';

/** What the judgement needs of a file. */
export type ArrivedFile = Pick<
  FileAccount,
  | 'fileId'
  | 'feed'
  | 'source'
  | 'state'
  | 'createdAt'
  | 'totalRecords'
  | 'checkpoint'
  | 'quarantine'
  | 'release'
  | 'series'
  | 'supersededBy'
>;

/**
 * - `not_due`: not here yet, and there is time left
 * - `met`: here by the end of that minute. It may still be in progress: whether it is done in time is the deadline's matter
 * - `late`: here, but later than `by`
 * - `missing`: no file that could be sent is here
 * - `too_few`: files are here, and none has enough records
 */
export const expectedStates = ['not_due', 'met', 'late', 'missing', 'too_few'] as const;
export type ExpectedState = (typeof expectedStates)[number];

/** Nothing that was expected is here in time, or too little of it. */
export const isMissed = ({ state }: { state: ExpectedState }): boolean => state === 'missing' || state === 'too_few';

/** Why a file that is here does not count. */
export type Obstacle = 'failed' | 'duplicate' | 'superseded' | 'quarantined' | 'cancelled' | 'too_few';

export interface FoundFile {
  fileId: string;
  key: string;
  state: ArrivedFile['state'];
  /** When it was here: of a released file, when it was released; of a series, when its first revision came. */
  at: number;
  /** At least; absent until that many are known, or all. */
  records?: number;
  obstacle?: Obstacle;
}

export interface ExpectedVerdict {
  due: DueFile;
  state: ExpectedState;
  /** The file that meets it; otherwise the newest one that has the key. */
  file?: FoundFile;
  /** Of `late`. */
  lateBySeconds?: number;
  /** The id of a newer revision of the file that meets it, which is stopped: a person must decide about it. */
  stoppedRevision?: string;
  /** Met by a file that is being read: it may turn out to have too few records, or to be none. */
  isProvisional?: true;
}

/**
 * Whether a file that was expected is here. The file's account decides: what failed, is a duplicate, or is stopped does not
 * count, and of a series only the current revision does.
 * @param files of the feed: at least those that arrived in the due file's time; others don't matter
 */
export function judgeExpected(due: DueFile, files: readonly ArrivedFile[], now: number): ExpectedVerdict {
  const fitting = files.filter((file) => isMeant(due, file));
  const found = fitting.map((file) => foundFile(due, file, fitting));
  const meeting = found.filter(({ obstacle }) => obstacle === undefined).sort((a, b) => a.at - b.at)[0];
  if (meeting) {
    const lateBySeconds = Math.floor((meeting.at - due.dueAt) / 1000);
    const stopped = stoppedAfter(meeting.fileId, fitting);
    return {
      due,
      file: meeting,
      ...(meeting.at >= endOf(due) ? { state: 'late', lateBySeconds } : { state: 'met' }),
      ...(meeting.records === undefined ? { isProvisional: true } : {}),
      ...(stopped ? { stoppedRevision: stopped.fileId } : {}),
    };
  }
  const nearest = found.sort((a, b) => rankOf(b) - rankOf(a) || b.at - a.at)[0];
  const state = now < endOf(due) ? 'not_due' : nearest?.obstacle === 'too_few' ? 'too_few' : 'missing';
  return { due, state, ...(nearest ? { file: nearest } : {}) };
}

/** The newest revision of the file's series, if it came later and waits for a person's decision. */
function stoppedAfter(fileId: string, files: readonly ArrivedFile[]): ArrivedFile | undefined {
  const own = files.find((file) => file.fileId === fileId);
  const later = files.filter(
    ({ series, createdAt }) => own?.series?.id === series?.id && createdAt > (own?.createdAt ?? 0),
  );
  const newest = own?.series && later.sort((a, b) => b.createdAt - a.createdAt)[0];
  return newest && obstacleOf(newest) === 'quarantined' ? newest : undefined;
}

/** The minute of `by` belongs to it: a file that was dropped in time is claimed a few seconds later. */
export const endOf = ({ dueAt }: Pick<DueFile, 'dueAt'>): number => dueAt + 60_000;

const rankOf = ({ obstacle }: FoundFile): number =>
  obstacle === 'too_few' ? 2 : obstacle === 'superseded' || obstacle === 'duplicate' ? 0 : 1;

/** Whether it has the key, and came in the time of that day. */
export function isMeant({ key, arrivesAfter, arrivesUntil }: DueFile, file: ArrivedFile): boolean {
  const { createdAt, feed, source } = file;
  return createdAt > arrivesAfter && createdAt <= arrivesUntil && fitsKey(key, nameInFeed(feed, source.key));
}

/** The key after the lane's prefix. */
function nameInFeed(feed: string, key: string): string {
  const prefix = [`${feed}/`, `express/${feed}/`].find((each) => key.startsWith(each)) ?? '';
  return key.slice(prefix.length);
}

function foundFile(due: DueFile, file: ArrivedFile, all: readonly ArrivedFile[]): FoundFile {
  const { fileId, source, state, totalRecords, checkpoint } = file;
  const records = totalRecords ?? ((checkpoint?.record ?? 0) >= due.records ? checkpoint?.record : undefined);
  const isShort = records !== undefined && records < due.records;
  const obstacle = obstacleOf(file) ?? (isShort ? 'too_few' : undefined);
  return {
    ...{ fileId, key: source.key, state, at: hereAt(file, all) },
    ...(records === undefined ? {} : { records }),
    ...(obstacle === undefined ? {} : { obstacle }),
  };
}

function obstacleOf(file: ArrivedFile): Obstacle | undefined {
  if (file.state === 'failed' || file.state === 'duplicate') return file.state;
  if (file.state === 'superseded' || file.supersededBy !== undefined) return 'superseded';
  if (file.state === 'quarantined' || isQuarantined(file)) {
    return file.quarantine?.code === 'cancelled' ? 'cancelled' : 'quarantined';
  }
  return undefined;
}

function hereAt(file: ArrivedFile, all: readonly ArrivedFile[]): number {
  const { createdAt, series, release } = file;
  const revisions = all.filter(
    (other) => series !== undefined && other.series?.id === series.id && other.supersededBy !== undefined,
  );
  const first = Math.min(createdAt, ...revisions.map((other) => other.createdAt));
  // Without an earlier revision, it could not be sent before a person released it.
  return revisions.length === 0 && release && isReleased(file) ? Math.max(first, release.at) : first;
}
