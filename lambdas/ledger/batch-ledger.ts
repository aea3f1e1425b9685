import type { BatchAccount } from '../core/account/file-account.ts';
import * as changes from '../core/ledger/batch-changes.ts';
import type { ItemChange } from '../core/ledger/item-change.ts';
import { batchKey, batchPrefix, filePartition } from '../core/ledger/ledger-keys.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type { BatchLedger, Clock, ItemStore } from '../ports.ts';

/** The account of batches: which consumer may send one, its progress, and its outcome. */
export function batchLedger(store: ItemStore, clock: Pick<Clock, 'now'>): BatchLedger {
  const isChanged = async (fileId: string, batch: number, change: ItemChange): Promise<boolean> =>
    (await store.update(batchKey(fileId, batch), change)).kind === 'changed';

  return {
    async claimBatch(place, owner, leaseMs) {
      const now = clock.now();
      const claim = changes.claimBatch(place, owner, now, leaseMs);
      const { kind, item } = await store.update(batchKey(place.fileId, place.batch), claim);
      // Only an existing item can refuse a claim.
      const batch = withoutKeys<BatchAccount>(item ?? {});
      if (kind === 'changed') return { kind: 'claimed', batch };
      if (batch.state === 'settled') return { kind: 'settled', batch };
      if (batch.attempt > place.attempt) return { kind: 'stale' };
      // It was written: the answer was lost, and the SDK's retry found the lease that it had claimed itself.
      if (batch.leaseOwner === owner && batch.leaseUntil !== undefined) return { kind: 'claimed', batch };
      return { kind: 'busy', leaseUntil: batch.leaseUntil ?? now };
    },

    saveProgress: (fileId, batch, owner, progress, leaseMs) =>
      isChanged(fileId, batch, changes.saveProgress(owner, progress, clock.now(), leaseMs)),

    async releaseBatch(fileId, batch, owner, end = 'released') {
      await isChanged(fileId, batch, changes.releaseBatch(owner, end));
    },

    settleBatch: (fileId, batch, owner, settlement) =>
      store.updateAll(changes.settleBatch({ fileId, batch }, owner, settlement, clock.now())),

    async getBatch(fileId, batch) {
      const item = await store.read(batchKey(fileId, batch));
      return item && withoutKeys<BatchAccount>(item);
    },

    async *listBatches(fileId, after) {
      const from = after === undefined ? undefined : batchKey(fileId, after).sk;
      const items = store.query(filePartition(fileId), batchPrefix, from);
      for await (const item of items) yield withoutKeys<BatchAccount>(item);
    },
  };
}
