import { fileKey, nightKey } from '../core/ledger/ledger-keys.ts';
import type { NightHead } from '../core/nights/night-head.ts';
import * as changes from '../core/ledger/night-changes.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type { ItemStore, NightLedger } from '../ports.ts';

/** Another finalizer may note its entry first, at most a few times: then the message comes back. */
const maxTries = 10;

/** How far a feed's night log has come, and the marks of it in the items of files. */
export function nightLedger(store: ItemStore): NightLedger {
  const getNight = async (feed: string): Promise<NightHead | undefined> => {
    const item = await store.read(nightKey(feed));
    return item && withoutKeys<NightHead>(item);
  };

  return {
    getNight,

    async beginNights(feed, from) {
      const { item } = await store.update(nightKey(feed), changes.beginNights(from));
      return item ? withoutKeys<NightHead>(item) : { number: 0, to: from, isOpening: true };
    },

    async endOpening(feed) {
      await store.update(nightKey(feed), changes.endOpening);
    },

    async noteDraft(feed, number, sha256) {
      for (let tries = 0; tries < maxTries; tries++) {
        const head = await getNight(feed);
        if (head?.number !== number - 1) return false;
        // A write whose answer was lost.
        if (head.drafts?.includes(sha256)) return true;
        const { kind } = await store.update(nightKey(feed), changes.noteDraft(head, sha256));
        if (kind === 'changed') return true;
      }
      throw new Error(`Other finalizers note entries of the night log of ${feed} at the same time.`);
    },

    async markNight(fileId, mark) {
      await store.update(fileKey(fileId), mark.noted === 0 ? changes.markPast(mark) : changes.markNoted(mark));
    },

    closeNight: async (feed, number, to, sha256, isContinued) =>
      (await store.update(nightKey(feed), changes.closeNight(number, to, sha256, isContinued))).kind === 'changed',
  };
}
