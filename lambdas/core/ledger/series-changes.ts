import { schemaVersion } from '../account/schema-version.ts';
import type { KnownRevision } from '../series/earlier-revisions.ts';
import { mostKnownRevisions } from '../series/earlier-revisions.ts';
import type { FileAccount, FileState } from '../account/file-account.ts';
import { isOpen as isInProgress } from '../account/file-account.ts';
import { decisionsOf } from '../account/decisions.ts';
import type { Quarantine, WithoutDecision } from '../account/stops.ts';
import { isQuarantined, stopsOf } from '../account/stops.ts';
import { hasStops, stopFile } from './file-changes.ts';
import type { Check, ItemChange, ItemWrite } from './item-change.ts';
import { exists, isNew } from './item-change.ts';
import { fileKey } from './ledger-keys.ts';
import { expiryOf } from './stored-item.ts';

/** The ledger's item of a series. */
export interface SeriesAccount {
  seriesId: string;
  /** Raised by every write: a write that was decided on an older version is refused. */
  version: number;
  /** In the order in which they entered; `maxKnownRevisions`, unless more of them are in progress at once. */
  revisions: KnownRevision[];
}

/**
 * A file enters its series, after those that are known now.
 * @param series undefined if there is none yet @param forget the one that gives way, if there are many
 */
export function enterSeries(
  seriesId: string,
  series: SeriesAccount | undefined,
  revision: KnownRevision,
  now: number,
  forget?: string,
): ItemChange {
  const known = (series?.revisions ?? []).filter(({ fileId }) => fileId !== forget);
  const account: SeriesAccount = {
    seriesId,
    version: (series?.version ?? 0) + 1,
    revisions: [...known, revision].slice(-mostKnownRevisions),
  };
  return {
    when: [series ? { name: 'version', is: '=', value: series.version } : isNew],
    set: { v: schemaVersion, ...account, expiresAt: expiryOf(now) },
  };
}

const isIn = (state: FileState): Check => ({ name: 'state', is: '=', value: state });
const isClosed: Check = {
  anyOf: (['completed', 'quarantined', 'superseded', 'duplicate', 'failed'] as const).map((state) => [isIn(state)]),
};

/** A newer revision takes over from a closed file: no letter of it is tried any more, and it can't be released. */
export function supersedeFile(by: string, now: number): ItemChange {
  return { when: [exists, isClosed], setOnce: { supersededBy: { fileId: by, at: now } } };
}

/**
 * Stops a revision that is in progress: what is not sent is held.
 * @param by the newer revision that is sent in its place, if that is the reason: then it ends for good, and no letter of it is
 * tried
 */
export function stopRevision(
  file: FileAccount,
  quarantine: Quarantine,
  by: string | undefined,
  now: number,
): ItemChange {
  const stop = stopFile(file, quarantine, undefined, now);
  // A splitter that waits may cut the rest at once.
  const change: ItemChange = { ...stop, remove: ['heldBackUntil'] };
  return by === undefined ? change : { ...change, setOnce: { supersededBy: { fileId: by, at: now } } };
}

/**
 * A newer revision goes on without a file that does not close: what is not sent of it is held, and what may have been sent is
 * tried no more. Whatever stopped it before still has its number, and one that is closed, or about to be, is not stopped.
 */
function abandonFile(file: FileAccount, quarantine: Quarantine, decision: WithoutDecision, now: number): ItemChange {
  const { newer } = decision;
  const stops = stopsOf(file);
  const mayBeStopped = isInProgress(file) && !isQuarantined(file) && (file.closing ?? -1) < stops.released;
  const change: ItemChange = mayBeStopped
    ? stopRevision(file, quarantine, newer, now)
    : { when: [exists, ...hasStops(stops)], setOnce: { supersededBy: { fileId: newer, at: now } } };
  const decisions = [...decisionsOf(file), decision];
  // Of several decisions, the first one says since when nothing is sent.
  const setOnce = { ...change.setOnce, abandonedFor: { fileId: newer, at: now } };
  const { abandonedFor } = file;
  const isFirst: Check = abandonedFor
    ? { name: 'abandonedFor.at', is: '=', value: abandonedFor.at }
    : { name: 'abandonedFor', is: 'absent' };
  return {
    ...change,
    when: [...(change.when ?? []), ...isAsRead(file), isFirst],
    set: { ...change.set, decisions, updatedAt: now },
    setOnce,
  };
}

/** By its state too: two writes may be made in one millisecond. */
const isAsRead = ({ updatedAt, state }: FileAccount): Check[] => [
  { name: 'updatedAt', is: '=', value: updatedAt },
  isIn(state),
];
const hasNotTaken: Check[] = [
  { name: 'revision.taken', is: 'absent' },
  { name: 'series.taken', is: 'absent' },
];

/** Both files' accounts have the decision, or neither. A splitter that waits may claim the newer one at once. */
export function goWithout(
  newer: FileAccount,
  earlier: FileAccount,
  quarantine: Quarantine,
  decision: WithoutDecision,
  now: number,
): ItemWrite[] {
  const noted: ItemChange = {
    when: [...isAsRead(newer), ...hasStops(stopsOf(newer)), ...hasNotTaken],
    set: { decisions: [...decisionsOf(newer), decision], updatedAt: now },
    remove: ['heldBackUntil'],
  };
  return [
    { key: fileKey(earlier.fileId), change: abandonFile(earlier, quarantine, decision, now) },
    { key: fileKey(newer.fileId), change: noted },
  ];
}

/** A letter or a correction of the file may be tried until then. Refused if a newer revision has taken over. */
export function beginTry(until: number): ItemChange {
  return { when: [exists, { name: 'supersededBy', is: 'absent' }], set: { tryingUntil: until } };
}

/** A released file waits for an earlier revision. What it waited for before its release does not count. */
export function noteWait({ waitsFor, release }: FileAccount, earlier: string | undefined, now: number): ItemChange {
  const releasedAt = release?.at ?? 0;
  const isSame = waitsFor !== undefined && waitsFor.since >= releasedAt;
  const noted = isSame && (earlier === undefined || waitsFor.fileId === earlier);
  const since = isSame ? waitsFor.since : Math.max(now, releasedAt);
  return {
    when: [isIn('split')],
    set: { ...(noted || earlier === undefined ? {} : { waitsFor: { fileId: earlier, since } }), updatedAt: now },
  };
}

/** A file that waits for an earlier revision may be claimed at once. */
export const wakeRevision: ItemChange = {
  when: [isIn('splitting'), { name: 'waitsFor', is: 'present' }, { name: 'series', is: 'absent' }],
  remove: ['heldBackUntil'],
};

/** The desk was notified that the file waits for an earlier revision. */
export function noteWaitNotified(waitsFor: NonNullable<FileAccount['waitsFor']>): ItemChange {
  return {
    when: [exists, { name: 'waitsFor.since', is: '=', value: waitsFor.since }],
    set: { 'waitsFor.isNotified': true },
  };
}

/** What a released file is compared with, and with `series` also what its request ids are. */
export type TakenSeries = Required<Pick<FileAccount, 'revision' | 'reading'>> &
  Pick<FileAccount, 'series' | 'idsHaveFileId'>;

/** With `series`, only before any of it is sent, and once; without, only when the feed's rules have changed since. */
export function takeSeries(taken: TakenSeries, now: number): ItemChange {
  const isDue: Check = taken.series
    ? { name: 'revision.taken', is: 'absent' }
    : { name: 'reading', is: 'other', value: taken.reading };
  return { when: [isIn('split'), isDue], set: { ...taken, updatedAt: now } };
}
