import { missingControl } from '../core/control/control-stops.ts';
import type { LateControl } from '../core/control/late-control.ts';
import type { SeenControls } from '../core/control/spoken-of.ts';
import { isSameVersion } from '../core/control/spoken-of.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { ControlAccount } from '../core/ledger/control-changes.ts';
import * as changes from '../core/ledger/control-changes.ts';
import { closeAltered, keepAltered } from '../core/ledger/desk-changes.ts';
import { controlKey, fileKey, lateKey, latePartition } from '../core/ledger/ledger-keys.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type { Clock, ControlLedger, ItemStore } from '../ports.ts';

/** Which control files have come, and which files wait for one. */
export function controlLedger(store: ItemStore, clock: Pick<Clock, 'now'>): ControlLedger {
  const read = async (feed: string, name: string): Promise<ControlAccount | undefined> => {
    const item = await store.read(controlKey(feed, name));
    return item && withoutKeys<ControlAccount>(item);
  };
  /** @param add undefined if nothing is new */
  const enter = async (
    feed: string,
    name: string,
    add: (seen: SeenControls) => SeenControls | undefined,
  ): Promise<SeenControls> => {
    for (;;) {
      const before = await read(feed, name);
      const seen: SeenControls = { files: before?.files ?? [], controls: before?.controls ?? [] };
      const next = add(seen);
      if (!next) return seen;
      const { kind } = await store.update(controlKey(feed, name), changes.saveSeen(before, next, clock.now()));
      // The write may also have been its own, with the answer lost: then nothing is new.
      if (kind === 'changed') return next;
    }
  };

  return {
    enterControlled: (feed, name, file) =>
      enter(feed, name, ({ files, controls }) =>
        files.some(({ fileId }) => fileId === file.fileId) ? undefined : { files: [...files, file], controls },
      ),

    enterControl: (feed, name, control) =>
      enter(feed, name, ({ files, controls }) =>
        controls.some(({ source }) => isSameVersion(source, control.source))
          ? undefined
          : { files, controls: [...controls, control] },
      ),

    readControls: async (feed, name) => (await read(feed, name)) ?? { files: [], controls: [] },

    async wakeFile(fileId) {
      return (await store.update(fileKey(fileId), changes.wakeFile)).kind === 'changed';
    },

    async releaseWaiting(fileId, by, why) {
      const item = await store.read(fileKey(fileId));
      const file = item && withoutKeys<FileAccount>(item);
      if (!file?.control) return undefined;
      const now = clock.now();
      const stop = missingControl(file.control, now);
      const update = await store.update(fileKey(fileId), changes.releaseWaiting(file, stop, { by, why }, now));
      const current = update.item && withoutKeys<FileAccount>(update.item);
      // If it was refused: this same write released it, and its answer was lost.
      const isOurs = current?.release?.at === now && current.release.by === by;
      return update.kind === 'changed' || isOurs ? current : undefined;
    },

    async noteNotified({ fileId, control }, occasions) {
      if (control) await store.update(fileKey(fileId), changes.noteNotified(control, occasions));
    },

    async keepLateControl(feed, late) {
      await store.update(lateKey(feed, late), keepAltered(late, clock.now()));
    },

    async listLateControls(feed, limit) {
      const found: LateControl[] = [];
      for await (const item of store.query(latePartition(feed))) {
        if (found.length === limit) break;
        const late = withoutKeys<LateControl & { notifiedAt?: number }>(item);
        if (late.notifiedAt === undefined) found.push(late);
      }
      return found;
    },

    async closeLateControls(feed, late) {
      for (const each of late) await store.update(lateKey(feed, each), closeAltered(clock.now()));
    },
  };
}
