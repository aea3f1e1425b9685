import type { FileAccount, SourceObject } from '../core/account/file-account.ts';
import { fileIdOf } from '../core/account/file-id.ts';
import { giveUpBundle, isGivenUp, openBundle, takePlace } from '../core/ledger/bundle-changes.ts';
import { fileKey } from '../core/ledger/ledger-keys.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type { BundleLedger, Clock, ItemStore, SmallFilePlace } from '../ports.ts';
import { atMost } from '../core/at-most.ts';

/**
 * A splitter opens its bundle within a second or two of taking the first place. After this long, others give it up: only
 * then is its splitter's work lost, never a file. Milliseconds.
 */
export const openingMs = 15_000;

/** Concurrent writes of places: each waits for DynamoDB most of the time. */
const writesAtOnce = 32;

/** What has become of a bundle that has a file's place. */
type Fate = { kind: 'open' } | { kind: 'given-up' } | { kind: 'pending'; untilMs: number };

/** In which bundle a small file is. */
export function bundleLedger(store: ItemStore, clock: Pick<Clock, 'now'>): BundleLedger {
  /** A bundle is either opened or given up: whichever of the two items is written first stays. */
  const fateOf = async (bundleId: string, takenAt: number): Promise<Fate> => {
    const key = fileKey(bundleId);
    let item = await store.read(key);
    if (!item) {
      const untilMs = takenAt + openingMs;
      if (clock.now() < untilMs) return { kind: 'pending', untilMs };
      ({ item } = await store.update(key, giveUpBundle(bundleId, clock.now())));
    }
    return { kind: item && isGivenUp(item) ? 'given-up' : 'open' };
  };
  /** Asks once about each bundle, however many members it has. */
  const fates = () => {
    const known = new Map<string, Promise<Fate>>();
    return (bundleId: string, takenAt: number): Promise<Fate> => {
      const fate = known.get(bundleId) ?? fateOf(bundleId, takenAt);
      known.set(bundleId, fate);
      return fate;
    };
  };

  return {
    async takePlaces(bundle, members) {
      const fate = fates();
      const take = async (source: SourceObject): Promise<SmallFilePlace> => {
        const fileId = fileIdOf(bundle.feed, source);
        for (let from: string | undefined; ;) {
          const { kind, item } = await store.update(
            fileKey(fileId),
            takePlace(fileId, source, bundle, from, clock.now()),
          );
          if (kind === 'changed') return { kind: 'taken' };
          const file = item && withoutKeys<FileAccount>(item);
          // It was written before: the answer was lost.
          if (file?.bundleId === bundle.fileId) return { kind: 'taken' };
          if (file && file.bundleId === undefined) return { kind: 'elsewhere', fileId };
          from = file?.bundleId;
          if (!file || from === undefined) continue;
          const other = await fate(from, file.updatedAt);
          if (other.kind === 'open') return { kind: 'elsewhere', fileId: from };
          if (other.kind === 'pending') return other;
        }
      };
      return atMost(writesAtOnce, members, take);
    },

    async openBundle(bundle) {
      const { kind, item } = await store.update(fileKey(bundle.fileId), openBundle(bundle, clock.now()));
      // If it was refused, and not given up: this same write opened it, and its answer was lost.
      return kind === 'changed' || (item !== undefined && !isGivenUp(item));
    },
  };
}
