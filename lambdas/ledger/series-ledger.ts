import type { FileAccount } from '../core/account/file-account.ts';
import { decisionsOf } from '../core/account/decisions.ts';
import { isOpen } from '../core/account/file-account.ts';
import type { SeriesAccount } from '../core/ledger/series-changes.ts';
import type { KnownRevision } from '../core/series/earlier-revisions.ts';
import { maxKnownRevisions, mayHaveBeenSent, newestOf } from '../core/series/earlier-revisions.ts';
import * as changes from '../core/ledger/series-changes.ts';
import { fileKey, seriesKey } from '../core/ledger/ledger-keys.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import { isQuarantined } from '../core/account/stops.ts';
import { outrunFile } from '../core/account/quarantine.ts';
import { withoutObstacleOf } from '../core/series/go-without.ts';
import type { Clock, ItemStore, SeriesLedger } from '../ports.ts';

/** The account of series: which files are revisions of each other, in the order in which they came, and which is sent. */
export function seriesLedger(store: ItemStore, clock: Pick<Clock, 'now'>): SeriesLedger {
  const readSeries = async (seriesId: string): Promise<SeriesAccount | undefined> => {
    const item = await store.read(seriesKey(seriesId));
    return item && withoutKeys<SeriesAccount>(item);
  };
  const readFile = async (fileId: string): Promise<FileAccount | undefined> => {
    const item = await store.read(fileKey(fileId));
    return item && withoutKeys<FileAccount>(item);
  };
  const supersede: SeriesLedger['supersedeFile'] = async (fileId, by) => {
    const { kind, item } = await store.update(fileKey(fileId), changes.supersedeFile(by, clock.now()));
    return kind === 'changed' ? withoutKeys<FileAccount>(item) : undefined;
  };
  /**
   * Which one a full series forgets: the first duplicate, then the first that is closed and not held, then the first that is
   * held. Never the one that says what the API has, however many are held after it: the next one would be sent as a first one.
   * Undefined if all others are in progress: each waits for those before it, so that none may be forgotten.
   * @param by the one that enters
   */
  const makeRoom = async (known: readonly KnownRevision[], by: string): Promise<string | undefined> => {
    const read = known.map(async (revision) => ({ revision, file: await readFile(revision.fileId) }));
    const closed = (await Promise.all(read)).filter(({ file }) => !file || !isOpen(file));
    const newest = newestOf(closed.flatMap(({ revision, file }) => (mayHaveBeenSent(file) ? [revision] : [])));
    const isHeld = (file: FileAccount) => isQuarantined(file) && !file.supersededBy;
    const turnOf = (file: FileAccount | undefined) => (file?.state === 'duplicate' ? 0 : file && isHeld(file) ? 2 : 1);
    for (const { revision, file } of closed.toSorted((a, b) => turnOf(a.file) - turnOf(b.file))) {
      if (revision === newest) continue;
      // Those that come do not know of it any more, so it must not be released after them.
      const isOver = !file || !isHeld(file) || (await supersede(revision.fileId, by));
      if (isOver) return revision.fileId;
    }
    return undefined;
  };
  return {
    async findInSeries(seriesId, fileId) {
      const known = (await readSeries(seriesId))?.revisions ?? [];
      const own = known.findIndex((each) => each.fileId === fileId);
      if (own < 0) return undefined;
      return { own: known[own] as KnownRevision, earlier: known.slice(0, own), later: known.slice(own + 1) };
    },

    async enterSeries(seriesId, revision) {
      const key = seriesKey(seriesId);
      for (;;) {
        const series = await readSeries(seriesId);
        const known = series?.revisions ?? [];
        const own = known.findIndex(({ fileId }) => fileId === revision.fileId);
        // Entered before: the splitter was killed, or its message arrived twice.
        if (own >= 0) return known.slice(0, own);
        const forget = known.length < maxKnownRevisions ? undefined : await makeRoom(known, revision.fileId);
        const { kind } = await store.update(key, changes.enterSeries(seriesId, series, revision, clock.now(), forget));
        // The write may also have been its own, with the answer lost: it is found above.
        if (kind === 'changed') return known;
      }
    },

    supersedeFile: supersede,

    async stopRevision(fileId, quarantine, by) {
      const file = await readFile(fileId);
      if (!file || isQuarantined(file)) return false;
      const stop = changes.stopRevision(file, quarantine, by, clock.now());
      return (await store.update(fileKey(fileId), stop)).kind === 'changed';
    },

    async goWithout(fileId, earlierId, who) {
      const files = () => Promise.all([fileId, earlierId].map(readFile));
      for (;;) {
        const [newer, earlier] = await files();
        // Done before, or its answer was lost.
        const isDone =
          newer && decisionsOf(newer).some((each) => each.kind === 'without' && each.earlier === earlierId);
        if (isDone && earlier) return { kind: 'done', newer, earlier, repeated: true };
        const seriesId = (newer?.series ?? earlier?.series)?.id;
        const revisions = seriesId === undefined ? undefined : (await readSeries(seriesId))?.revisions;
        const [own = -1, place = -1] = [fileId, earlierId].map(
          (id) => revisions?.findIndex((each) => each.fileId === id) ?? -1,
        );
        const obstacle = withoutObstacleOf(newer, earlier, place >= 0 && place < own);
        if (obstacle !== undefined || !newer || !earlier) return { kind: 'refused', obstacle: obstacle ?? 'unknown' };
        const now = clock.now();
        const decision = { kind: 'without' as const, at: now, ...who, newer: fileId, earlier: earlierId };
        const quarantine = outrunFile(fileId, now);
        if (!(await store.updateAll(changes.goWithout(newer, earlier, quarantine, decision, now)))) continue;
        const [after = newer, ended = earlier] = await files();
        return { kind: 'done', newer: after, earlier: ended, repeated: false };
      }
    },

    async beginTry(fileId, forMs) {
      const { kind, item } = await store.update(fileKey(fileId), changes.beginTry(clock.now() + forMs));
      return kind === 'changed' ? undefined : item && withoutKeys<FileAccount>(item).supersededBy?.fileId;
    },

    async noteWait(file, earlier) {
      await store.update(fileKey(file.fileId), changes.noteWait(file, earlier, clock.now()));
    },

    wakeRevision: async (fileId) => (await store.update(fileKey(fileId), changes.wakeRevision)).kind === 'changed',

    async noteWaitNotified({ fileId, waitsFor }) {
      if (waitsFor) await store.update(fileKey(fileId), changes.noteWaitNotified(waitsFor));
    },

    async takeSeries(fileId, taken) {
      return (await store.update(fileKey(fileId), changes.takeSeries(taken, clock.now()))).kind === 'changed';
    },
  };
}
