import { fileKey, nightKey } from '../core/ledger/ledger-keys.ts';
import type { NightHead } from '../core/nights/night-head.ts';
import * as changes from '../core/ledger/night-changes.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type { ItemStore, NightLedger } from '../ports.ts';

/** How far a feed's night log has come, and the marks of it in the items of files. */
export function nightLedger(store: ItemStore): NightLedger {
  return {
    async getNight(feed) {
      const item = await store.read(nightKey(feed));
      return item && withoutKeys<NightHead>(item);
    },

    async beginNights(feed, from) {
      const { item } = await store.update(nightKey(feed), changes.beginNights(from));
      return item ? withoutKeys<NightHead>(item) : { number: 0, to: from, isOpening: true };
    },

    async endOpening(feed) {
      await store.update(nightKey(feed), changes.endOpening);
    },

    noteDraft: async (feed, number, sha256) =>
      (await store.update(nightKey(feed), changes.noteDraft(number, sha256))).kind === 'changed',

    async markNight(fileId, mark) {
      await store.update(fileKey(fileId), mark.noted === 0 ? changes.markPast(mark) : changes.markNoted(mark));
    },

    closeNight: async (feed, number, to, sha256, isContinued) =>
      (await store.update(nightKey(feed), changes.closeNight(number, to, sha256, isContinued))).kind === 'changed',
  };
}
