import * as changes from '../core/ledger/desk-changes.ts';
import type { ItemKey } from '../core/ledger/item-change.ts';
import {
  alteredKey,
  alteredPartition,
  deadlineKey,
  deskKey,
  noticesKey,
  reconcilerKey,
  sweepKey,
} from '../core/ledger/ledger-keys.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type {
  AlteredLetter,
  AlteredLetterLedger,
  Clock,
  DeadlineNote,
  DeskLedger,
  DeskState,
  ItemStore,
  SweepState,
} from '../ports.ts';

/** The reconciler's state between runs, and the letters that came back altered, for the desk. */
export function deskLedger(store: ItemStore, clock: Pick<Clock, 'now'>): DeskLedger & AlteredLetterLedger {
  const read = async <T>(key: ItemKey): Promise<T | undefined> => {
    const item = await store.read(key);
    return item && withoutKeys<T>(item);
  };

  return {
    claimReconciler: async (feed, owner, leaseMs) =>
      (await store.update(reconcilerKey(feed), changes.claimReconciler(owner, clock.now(), leaseMs))).kind ===
      'changed',

    async releaseReconciler(feed, owner) {
      await store.update(reconcilerKey(feed), changes.releaseReconciler(owner));
    },

    getDeskState: (feed) => read<DeskState>(deskKey(feed)),
    saveDeskState: (feed, state) => store.put(deskKey(feed), { ...state }),
    getDeadlineNote: (feed) => read<DeadlineNote>(deadlineKey(feed)),
    saveDeadlineNote: (feed, note) => store.put(deadlineKey(feed), { ...note }),

    getSweep: (feed, lane) => read<SweepState>(sweepKey(feed, lane)),
    saveSweep: (feed, lane, state) => store.put(sweepKey(feed, lane), { ...state }),

    async countNotice(feed, kind, hour) {
      const { item } = await store.update(noticesKey(feed, kind, hour), changes.countNotice(clock.now()));
      return Number(item?.['count']);
    },

    async keepAltered(feed, altered) {
      await store.update(alteredKey(feed, altered.sha256), changes.keepAltered(altered, clock.now()));
    },

    async listAltered(feed, limit) {
      const found: AlteredLetter[] = [];
      for await (const item of store.query(alteredPartition(feed))) {
        if (item['notifiedAt'] !== undefined) continue;
        found.push(withoutKeys<AlteredLetter>(item));
        if (found.length === limit) break;
      }
      return found;
    },

    async closeAltered(feed, altered) {
      for (const { sha256 } of altered) {
        await store.update(alteredKey(feed, sha256), changes.closeAltered(clock.now()));
      }
    },
  };
}
