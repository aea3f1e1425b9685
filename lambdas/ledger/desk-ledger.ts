import * as changes from '../core/ledger/desk-changes.ts';
import type { ItemKey } from '../core/ledger/item-change.ts';
import {
  alteredKey,
  alteredPartition,
  deadlineKey,
  deskKey,
  expectedKey,
  mailKey,
  noticeKey,
  noticesOfDay,
  reconcilerKey,
  straysKey,
  sweepKey,
} from '../core/ledger/ledger-keys.ts';
import type { FileNotice } from '../core/notices/file-notice.ts';
import type { MailState } from '../core/notices/gather.ts';
import type { ExpectedNote } from '../core/nights/expected-note.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type {
  AlteredLetter,
  AlteredLetterLedger,
  Clock,
  DeadlineNote,
  DeskLedger,
  DeskState,
  NoticeLedger,
  ItemStore,
  StrayNote,
  SweepState,
} from '../ports.ts';

const dayMs = 24 * 3_600_000;
/** A file that ended longer ago is in a mail. Milliseconds. */
const pendingMs = 2 * dayMs;
/** Notices closed at once. */
const closedAtOnce = 25;

type StoredNotice = FileNotice & { notifiedAt?: number };

/** The reconciler's state between runs, and the letters that came back altered, for the desk. */
export function deskLedger(
  store: ItemStore,
  clock: Pick<Clock, 'now'>,
): DeskLedger & AlteredLetterLedger & NoticeLedger {
  const read = async <T>(key: ItemKey): Promise<T | undefined> => {
    const item = await store.read(key);
    return item && withoutKeys<T>(item);
  };

  const getMailState = async (feed: string): Promise<MailState> => (await read<MailState>(mailKey(feed))) ?? {};

  const noticesSince = async (feed: string, sinceMs: number): Promise<StoredNotice[]> => {
    const found: StoredNotice[] = [];
    for (let day = sinceMs; day < clock.now() + dayMs; day += dayMs) {
      const { pk, skPrefix } = noticesOfDay(feed, day);
      for await (const item of store.query(pk, skPrefix)) found.push(withoutKeys<StoredNotice>(item));
    }
    return found.filter(({ at }) => at >= sinceMs);
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

    getStrays: (feed) => read<StrayNote>(straysKey(feed)),
    saveStrays: (feed, note) => store.put(straysKey(feed), { ...note }),

    getExpected: (feed) => read<ExpectedNote>(expectedKey(feed)),
    saveExpected: (feed, note) => store.put(expectedKey(feed), { ...note }),

    getSweep: (feed, lane) => read<SweepState>(sweepKey(feed, lane)),
    saveSweep: (feed, lane, state) => store.put(sweepKey(feed, lane), { ...state }),

    async keepNotice(notice) {
      await store.update(noticeKey(notice), changes.keepNotice(notice, clock.now()));
    },

    async pendingNotices(feed) {
      const all = await noticesSince(feed, clock.now() - pendingMs);
      return all.filter(({ notifiedAt }) => notifiedAt === undefined);
    },

    recentNotices: (feed, sinceMs) => noticesSince(feed, sinceMs),

    async closeNotices(notices) {
      for (let from = 0; from < notices.length; from += closedAtOnce) {
        const some = notices.slice(from, from + closedAtOnce);
        await Promise.all(some.map((each) => store.update(noticeKey(each), changes.closeNotice(clock.now()))));
      }
    },

    getMailState,

    requestMail: async (feed, waitMs) =>
      (await store.update(mailKey(feed), changes.requestMail(clock.now(), waitMs))).kind === 'changed',

    async beginMail(feed) {
      await store.update(mailKey(feed), changes.beginMail);
    },

    async endMail(feed) {
      await store.update(mailKey(feed), changes.endMail(clock.now(), await getMailState(feed)));
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
