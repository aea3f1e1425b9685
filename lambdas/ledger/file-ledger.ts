import type { FileAccount, FileState } from '../core/account/file-account.ts';
import { decisionsOf } from '../core/account/decisions.ts';
import { manifestFigures } from '../core/account/manifest.ts';
import { receiptsFacts } from '../core/account/receipts-facts.ts';
import { isQuarantined } from '../core/account/stops.ts';
import { cancelledFile, cancelObstacleOf, mayBeStopped } from '../core/account/quarantine.ts';
import { blocksSameBytes } from '../core/account/reading.ts';
import { wasHeldAsRevision } from '../core/series/earlier-revisions.ts';
import { isGivenUp } from '../core/ledger/bundle-changes.ts';
import * as changes from '../core/ledger/file-changes.ts';
import type { ItemChange, ItemKey } from '../core/ledger/item-change.ts';
import { maxItemsAtOnce } from '../core/ledger/item-change.ts';
import type { ListName } from '../core/ledger/ledger-keys.ts';
import { checksumKey, fileIdOfKey, fileKey, listPkOf, listSkOf, manifestKey } from '../core/ledger/ledger-keys.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import { mergeSorted } from '../core/merge-sorted.ts';
import type { Clock, FileLedger, ItemStore } from '../ports.ts';

/** The account of files: which splitter may split one, its progress, and how it ended. */
export function fileLedger(store: ItemStore, clock: Pick<Clock, 'now'>): FileLedger {
  const getFile = async (fileId: string): Promise<FileAccount | undefined> => {
    const item = await store.read(fileKey(fileId));
    return item && !isGivenUp(item) ? withoutKeys<FileAccount>(item) : undefined;
  };
  const change = async (fileId: string, made: ItemChange): Promise<FileAccount | undefined> => {
    const { kind, item } = await store.update(fileKey(fileId), made);
    return kind === 'changed' ? withoutKeys<FileAccount>(item) : undefined;
  };
  /** The splitter's last write of a file. */
  const endSplit = async (
    fileId: string,
    epoch: number,
    totals: { records: number; batches: number },
    end: Partial<FileAccount> & { state: FileState },
  ): Promise<FileAccount | undefined> => {
    const { kind, item } = await store.update(fileKey(fileId), changes.endSplit(epoch, clock.now(), totals, end));
    if (!item) return undefined;
    const file = withoutKeys<FileAccount>(item);
    // If it was refused: this same write ended the file, and its answer was lost. No other splitter has this epoch.
    return kind === 'changed' || (file.epoch === epoch && file.state === end.state) ? file : undefined;
  };

  return {
    getFile,

    async claimFile(fileId, create, owner, leaseMs) {
      const now = clock.now();
      const created = create && (await change(fileId, changes.createFile(create, owner, now, leaseMs)));
      if (created) return { kind: 'claimed', file: created };
      const { kind, item } = await store.update(fileKey(fileId), changes.claimFile(owner, now, leaseMs));
      if (!item || isGivenUp(item)) return { kind: 'unknown' };
      const file = withoutKeys<FileAccount>(item);
      if (kind === 'changed') return { kind: 'claimed', file };
      if (file.state !== 'splitting') return { kind: 'finished', file };
      if ((file.heldBackUntil ?? 0) > now) return { kind: 'held-back', until: file.heldBackUntil as number };
      // It was written: the answer was lost, and the SDK's retry found the lease that it had claimed itself.
      if (file.leaseOwner === owner) return { kind: 'claimed', file };
      return { kind: 'busy', leaseUntil: file.leaseUntil ?? now };
    },

    saveSplitProgress: (fileId, epoch, progress) =>
      change(fileId, changes.changeAsOwner(epoch, clock.now(), { ...progress })),

    releaseFile: async (fileId, epoch, heldBackUntil) =>
      (await change(fileId, changes.releaseFile(epoch, clock.now(), heldBackUntil))) !== undefined,

    finishSplit: (fileId, epoch, totals, warnings) => endSplit(fileId, epoch, totals, { state: 'split', warnings }),

    endFile(fileId, epoch, end) {
      const totals = end.state === 'superseded' ? end.totals : { records: 0, batches: 0 };
      const why = end.state === 'duplicate' ? { duplicateOf: end.of } : { failure: end.failure };
      return endSplit(fileId, epoch, totals, { state: end.state, ...why });
    },

    async claimChecksum(feed, sha256, fileId, reading) {
      const holderIn = async (key: ItemKey) => (await store.read(key))?.['fileId'] as string | undefined;
      const key = checksumKey(feed, sha256, reading);
      for (;;) {
        const holder = await holderIn(key);
        // An earlier version kept one file per checksum, however it was read.
        const before = holder ?? (await holderIn(checksumKey(feed, sha256, undefined)));
        if (before !== undefined && before !== fileId && blocksSameBytes(await getFile(before))) {
          return { kind: 'duplicate', of: before };
        }
        const from = holder === fileId ? undefined : holder;
        const { kind } = await store.update(key, changes.holdChecksum(fileId, from, clock.now()));
        // The second of two files finds the first as the holder.
        if (kind === 'changed') return { kind: 'first' };
      }
    },

    async closeFile(fileId, close) {
      const file = await getFile(fileId);
      if (!file) return false;
      const { manifest: before } = file;
      // Before the new figures are stored: a finalizer that is killed in between repeats it.
      if (before && before.number < close.manifest.number) {
        await store.update(manifestKey(fileId, before.number), changes.expireFigures(clock.now()));
      }
      return store.updateAll(changes.closeFile(file, close, clock.now()));
    },

    async getManifestFigures(fileId, number) {
      const item = await store.read(manifestKey(fileId, number));
      return item && manifestFigures.parse(withoutKeys<{ figures: unknown }>(item).figures);
    },

    async getCounted(fileId, number) {
      const item = await store.read(manifestKey(fileId, number));
      if (!item) return undefined;
      const { figures, counted } = withoutKeys<{ figures: unknown; counted?: string }>(item);
      if (counted === undefined) return undefined;
      const facts = receiptsFacts.parse(JSON.parse(counted));
      return { facts, manifestSha256: manifestFigures.parse(figures).manifest_sha256 };
    },

    takeClosing: (fileId, owner, leaseMs) => change(fileId, changes.takeClosing(owner, clock.now(), leaseMs)),

    saveClosing: async (fileId, owner, progress, leaseMs) =>
      (await change(fileId, changes.saveClosing(owner, progress, clock.now(), leaseMs))) !== undefined,

    async quarantineFile(fileId, quarantine) {
      const file = await getFile(fileId);
      if (!file || !mayBeStopped(file)) return false;
      return (await change(fileId, changes.stopFile(file, quarantine, undefined, clock.now()))) !== undefined;
    },

    async cancelFile(fileId, who) {
      for (;;) {
        const file = await getFile(fileId);
        if (!file) return { kind: 'unknown' };
        const obstacle = cancelObstacleOf(file);
        if (obstacle) return { kind: 'refused', obstacle, file };
        const now = clock.now();
        const stop = changes.stopFile(
          file,
          cancelledFile(file, who, now, wasHeldAsRevision(file.quarantine)),
          who,
          now,
        );
        const cancelled = await change(fileId, stop);
        if (cancelled) return { kind: 'cancelled', file: cancelled };
        // It was written and the answer was lost, or something else happened to the file: see what.
        const current = await getFile(fileId);
        const newest = current && decisionsOf(current).at(-1);
        if (current && newest?.at === now && newest.by === who.by) return { kind: 'cancelled', file: current };
      }
    },

    async releaseQuarantine(fileId, by, why, sends) {
      const file = await getFile(fileId);
      if (!file || !isQuarantined(file)) return undefined;
      const now = clock.now();
      const { kind, item } = await store.update(
        fileKey(fileId),
        changes.releaseStop(file, { by, why, ...(sends ? { sends } : {}) }, now),
      );
      const current = item && withoutKeys<FileAccount>(item);
      // If it was refused: this same write released it, and its answer was lost.
      const isOurs = current?.release?.at === now && current.release.by === by;
      return kind === 'changed' || isOurs ? current : undefined;
    },

    beginClosing: async (fileId, stops) => (await change(fileId, changes.beginClosing(stops))) !== undefined,

    async requestAmendment(fileId, repeatAfterMs) {
      const now = clock.now();
      if (await change(fileId, changes.requestAmendment(now, repeatAfterMs))) return true;
      await change(fileId, changes.noteResolved(now));
      return false;
    },

    async beginAmendment(fileId) {
      await change(fileId, changes.beginAmendment);
    },

    async knownFileIds(fileIds) {
      const known = new Set<string>();
      for (let from = 0; from < fileIds.length; from += maxItemsAtOnce) {
        const keys = fileIds.slice(from, from + maxItemsAtOnce).map(fileKey);
        for (const { fileId } of await readFiles(store, keys)) known.add(fileId);
      }
      return known;
    },

    async touchFile(fileId) {
      await change(fileId, changes.touchFile(clock.now()));
    },

    async listFiles(feed, which, limit, order = 'newest') {
      const keys: ItemKey[] = [];
      for (const part of partsOf(which)) {
        let left = limit;
        for await (const key of store.list(listPkOf(part, feed), order, limit)) {
          keys.push(key);
          if (--left === 0) break;
        }
      }
      const files: FileAccount[] = [];
      for (let from = 0; from < keys.length; from += maxItemsAtOnce) {
        files.push(...(await readFiles(store, keys.slice(from, from + maxItemsAtOnce))));
      }
      const sign = order === 'oldest' ? 1 : -1;
      return files.sort((a, b) => sign * byArrival(a, b)).slice(0, limit);
    },

    async *eachFile(feed, which, { order = 'oldest', before } = {}) {
      const sign = order === 'oldest' ? 1 : -1;
      const streams = partsOf(which).map((part) => filesOf(store, listPkOf(part, feed), order, before));
      yield* mergeSorted(streams, (a, b) => sign * byArrival(a, b));
    },

    async *eachFileId(feed) {
      for (const part of ['open', 'dead', 'closed'] as const) {
        for await (const key of store.list(listPkOf(part, feed), 'newest')) yield fileIdOfKey(key);
      }
    },
  };
}

/** Closed files are in two parts of the index, so that those that need attention can be listed alone. */
const partsOf = (which: ListName): ListName[] => (which === 'closed' ? ['closed', 'dead'] : [which]);

/** The files of one part of the index, read in pages. */
async function* filesOf(
  store: ItemStore,
  listPk: string,
  order: 'newest' | 'oldest',
  before: Pick<FileAccount, 'createdAt' | 'fileId'> | undefined,
): AsyncGenerator<FileAccount> {
  const page = async (keys: readonly ItemKey[]): Promise<FileAccount[]> => {
    const files = await readFiles(store, keys);
    return order === 'oldest' ? files : files.reverse();
  };
  let keys: ItemKey[] = [];
  for await (const key of store.list(listPk, order, undefined, before && listSkOf(before))) {
    keys.push(key);
    if (keys.length < maxItemsAtOnce) continue;
    yield* await page(keys);
    keys = [];
  }
  yield* await page(keys);
}

/** The oldest first. @param keys at most `maxItemsAtOnce` */
async function readFiles(store: ItemStore, keys: readonly ItemKey[]): Promise<FileAccount[]> {
  const items = await store.readAll(keys);
  return items.map((item) => withoutKeys<FileAccount>(item)).sort(byArrival);
}

/** As the index by feed orders them. */
const byArrival = (a: FileAccount, b: FileAccount): number =>
  a.createdAt - b.createdAt || (a.fileId < b.fileId ? -1 : Number(a.fileId > b.fileId));
