import { decisionsOf } from '../account/decisions.ts';
import type { ClosingProgress, FileAccount, FileState } from '../account/file-account.ts';
import type { ManifestFigures } from '../account/manifest.ts';
import type { ReceiptsFacts } from '../account/receipts-facts.ts';
import { noCounts } from '../account/outcome.ts';
import { noStops, stopsOf } from '../account/stops.ts';
import type { FileDecision, Quarantine, Release, StopDecision, Stops } from '../account/stops.ts';
import { schemaVersion } from '../account/schema-version.ts';
import type { Check, ItemChange, ItemWrite } from './item-change.ts';
import { exists, isNew, maxItemsAtOnce } from './item-change.ts';
import { fileKey, listPkOf, listSkOf, manifestKey } from './ledger-keys.ts';
import { expiryOf } from './stored-item.ts';

export type NewAccount = Pick<FileAccount, 'fileId' | 'feed' | 'lane' | 'source' | 'limits'> & Partial<FileAccount>;

const isIn = (state: FileState): Check => ({ name: 'state', is: '=', value: state });
export const noCountsYet = () => ({ settledBatches: 0, settled: noCounts() });

/** A new file, claimed by its first splitter. */
export function createFile(create: NewAccount, leaseOwner: string, now: number, leaseMs: number): ItemChange {
  const file: FileAccount = {
    ...create,
    state: 'splitting',
    createdAt: now,
    updatedAt: now,
    epoch: 1,
    leaseOwner,
    leaseUntil: now + leaseMs,
    ...noCountsYet(),
  };
  return { when: [isNew], set: { v: schemaVersion, ...openList(file), ...file } };
}

export const openList = (file: FileAccount) => ({ listPk: listPkOf('open', file.feed), listSk: listSkOf(file) });

/** A file whose splitter is gone, or has left the rest to a continuation. Raises the epoch. */
export function claimFile(leaseOwner: string, now: number, leaseMs: number): ItemChange {
  return {
    when: [
      exists,
      isIn('splitting'),
      { name: 'leaseUntil', is: '<', value: now, orAbsent: true },
      { name: 'heldBackUntil', is: '<=', value: now, orAbsent: true },
    ],
    set: { leaseOwner, leaseUntil: now + leaseMs, updatedAt: now },
    add: { epoch: 1 },
    remove: ['heldBackUntil'],
  };
}

/** Applied only while no other splitter has claimed the file. */
export function changeAsOwner(
  epoch: number,
  now: number,
  set: Partial<FileAccount>,
  remove: (keyof FileAccount)[] = [],
): ItemChange {
  return {
    when: [{ name: 'epoch', is: '=', value: epoch }, isIn('splitting')],
    set: { ...set, updatedAt: now },
    remove,
  };
}

/** Releases the lease: the next splitter may claim at once, or from `heldBackUntil` on. */
export function releaseFile(epoch: number, now: number, heldBackUntil: number | undefined): ItemChange {
  const hold = heldBackUntil === undefined ? {} : { heldBackUntil };
  return changeAsOwner(epoch, now, hold, ['leaseOwner', 'leaseUntil']);
}

/** The splitter's last write: no work is left for it. */
export function endSplit(
  epoch: number,
  now: number,
  totals: { records: number; batches: number },
  end: Partial<FileAccount> & { state: FileState },
): ItemChange {
  const figures = { totalRecords: totals.records, totalBatches: totals.batches, splitAt: now };
  return changeAsOwner(epoch, now, { ...end, ...figures }, ['leaseOwner', 'leaseUntil', 'hashProgress']);
}

/**
 * Makes the file the holder of these bytes.
 * @param from the file that holds them now; undefined if there is none, or if it is this one
 */
export function holdChecksum(fileId: string, from: string | undefined, now: number): ItemChange {
  const isFree: Check = { anyOf: [[isNew], [{ name: 'fileId', is: '=', value: fileId }]] };
  return {
    when: [from === undefined ? isFree : { name: 'fileId', is: '=', value: from }],
    set: { fileId, expiresAt: expiryOf(now) },
  };
}

interface Close {
  state: FileState;
  manifest: { key: string; number: number };
  figures: readonly ManifestFigures[];
  openLetters: number;
  /** Those that the manifest is about; absent if there are none. */
  stops?: Stops;
  /** What the newest manifest's receipts say. */
  counted?: ReceiptsFacts;
}

/**
 * Once per manifest, with the figures of the manifests that were written since the file was last closed. There are rarely
 * more of them than a transaction has room for: then the newest are kept.
 */
export function closeFile({ fileId, feed }: FileAccount, close: Close, now: number): ItemWrite[] {
  const { state, manifest, figures, openLetters, stops = noStops, counted } = close;
  const isOver = openLetters === 0;
  const expiry = { expiresAt: isOver ? expiryOf(now) : undefined };
  // While a letter is open, the account must outlive it, however long the desk takes.
  const remove = isOver ? [] : ['expiresAt'];
  // As text: as a map it would be twice as large.
  const facts = counted && JSON.stringify(counted);
  const closing: ItemChange = {
    when: [exists, { name: 'manifest.number', is: '<', value: manifest.number, orAbsent: true }, ...hasStops(stops)],
    set: { state, manifest, updatedAt: now, listPk: listPkOf(isOver ? 'closed' : 'dead', feed), ...expiry },
    setOnce: { completedAt: now },
    remove: [...remove, ...closerFields],
  };
  const kept = figures.slice(1 - maxItemsAtOnce).map((each) => ({
    key: manifestKey(fileId, each.manifest_number),
    // What stands for the account lives as long as it does; another was written in between and closed nothing.
    change:
      each.manifest_number === manifest.number
        ? { set: { v: schemaVersion, figures: each, counted: facts, ...expiry }, remove }
        : { set: { v: schemaVersion, figures: each, expiresAt: expiryOf(now) } },
  }));
  return [{ key: fileKey(fileId), change: closing }, ...kept];
}

/** A newer manifest represents the account from now on. Refused if there are no figures: an earlier version kept none. */
export const expireFigures = (now: number): ItemChange => ({ when: [exists], setOnce: { expiresAt: expiryOf(now) } });

/** The file has had these stops and releases, and no others. */
export function hasStops({ stop, released }: Stops): Check[] {
  return [...isNumbered('quarantine', 'number', stop), ...isNumbered('release', 'stop', released)];
}

/** An earlier version did not number the only one that a file could have. */
function isNumbered(name: string, field: string, value: number): Check[] {
  if (value === 0) return [{ name, is: 'absent' }];
  const isFirst = value === 1 ? ({ orAbsent: true } as const) : {};
  return [
    { name, is: 'present' },
    { name: `${name}.${field}`, is: '=', value, ...isFirst },
  ];
}

/**
 * Stops a file that is in progress and has had no other stop since it was read, unless all of its records have ended.
 * @param decision of the person who cancels it
 */
export function stopFile(
  file: FileAccount,
  quarantine: Quarantine,
  decision: Pick<FileDecision, 'by' | 'why'> | undefined,
  now: number,
): ItemChange {
  const stops = stopsOf(file);
  const number = stops.stop + 1;
  const when: Check[] = [
    { anyOf: [[isIn('splitting')], [isIn('split')]] },
    ...hasStops(stops),
    { name: 'closing', is: '<', value: stops.released, orAbsent: true },
  ];
  const set = { quarantine: { ...quarantine, number }, updatedAt: now };
  if (!decision) return { when, set };
  const entry: FileDecision = { kind: 'cancel', stop: number, at: now, ...decision };
  // Nothing more is queued, so a splitter that is held back may cut the rest at once.
  return { when, set: { ...set, decisions: [...decisionsOf(file), entry] }, remove: ['heldBackUntil'] };
}

/** Reopens a closed file that was stopped; rows after another header are held permanently. */
export function releaseStop(
  file: FileAccount,
  decision: Pick<StopDecision, 'by' | 'why' | 'sends'>,
  now: number,
): ItemChange {
  const stops = stopsOf(file);
  const { stop } = stops;
  const release: Release = { at: now, ...decision, stop };
  return {
    when: [
      isIn('quarantined'),
      { name: 'manifest', is: 'present' },
      { name: 'quarantine', is: 'present' },
      // A newer revision of its series has been sent.
      { name: 'supersededBy', is: 'absent' },
      ...hasStops(stops),
    ],
    set: {
      ...{ state: 'split' satisfies FileState, release, listPk: listPkOf('open', file.feed), updatedAt: now },
      decisions: [...decisionsOf(file), { kind: 'release', stop, at: now, ...decision } satisfies FileDecision],
    },
    // All of it is sent again; how much was sent before the stop does not matter any more.
    remove: ['expiresAt', 'sentBatches'],
  };
}

/** Every batch is settled and nothing is held: from now on, the file can't be stopped. */
export function beginClosing(stops: Stops): ItemChange {
  return { when: [isIn('split'), ...hasStops(stops)], set: { closing: stops.released } };
}

/** What the item has only while a finalizer works on it. */
const closerFields: (keyof FileAccount)[] = ['leaseOwner', 'leaseUntil', 'progressOfClosing'];

/** A finalizer takes the file, for as long as it renews its lease: two at once would do the same work twice. */
export function takeClosing(leaseOwner: string, now: number, leaseMs: number): ItemChange {
  const free: Check[] = [{ name: 'leaseUntil', is: '<', value: now, orAbsent: true }];
  return {
    // It is repeated if its answer is lost.
    when: [exists, { anyOf: [free, [{ name: 'leaseOwner', is: '=', value: leaseOwner }]] }],
    set: { leaseOwner, leaseUntil: now + leaseMs, updatedAt: now },
  };
}

/**
 * Renews the lease, or releases it with `leaseMs` 0. `updatedAt` shows the reconciler that the file has not stalled.
 * @param progress undefined leaves what is stored
 */
export function saveClosing(
  owner: string,
  progress: ClosingProgress | undefined,
  now: number,
  leaseMs: number,
): ItemChange {
  const set = { updatedAt: now, progressOfClosing: progress };
  // The owner's name stays: the write is repeated if its answer is lost, and its condition must still hold.
  const when: Check[] = [{ name: 'leaseOwner', is: '=', value: owner }];
  if (leaseMs === 0) return { when, set, remove: ['leaseUntil'] };
  return { when, set: { ...set, leaseUntil: now + leaseMs } };
}

/** A dead letter was resolved, and no manifest with it has been requested for `repeatAfterMs`. */
export function requestAmendment(now: number, repeatAfterMs: number): ItemChange {
  return {
    when: [exists, { name: 'amendmentRequestedAt', is: '<', value: now - repeatAfterMs, orAbsent: true }],
    set: { amendmentRequestedAt: now, lastResolvedAt: now },
  };
}

/** The same if a manifest has been requested. */
export const noteResolved = (now: number): ItemChange => ({ when: [exists], set: { lastResolvedAt: now } });

export const beginAmendment: ItemChange = { when: [exists], remove: ['amendmentRequestedAt'] };

export const touchFile = (now: number): ItemChange => ({ when: [exists], set: { updatedAt: now } });
