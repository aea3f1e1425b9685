import { letterDigest } from '../core/authenticity.ts';
import type { DeadRecord } from '../core/account/file-account.ts';
import { hasAltered, hasAttempt } from '../core/dead-letters/dead-history.ts';
import { letterIdOf, placeOf } from '../core/dead-letters/letter-note.ts';
import * as changes from '../core/ledger/dead-changes.ts';
import type { ItemChange, Item } from '../core/ledger/item-change.ts';
import { deadKey, deadPrefix, filePartition, noteKey } from '../core/ledger/ledger-keys.ts';
import { withoutKeys } from '../core/ledger/stored-item.ts';
import type { Letter } from '../messages.ts';
import type { Clock, DeadLedger, ItemStore } from '../ports.ts';

/** Letters per item: 32 bytes of each are kept, so that an item stays below 4 KB, DynamoDB's read unit. */
const lettersInNote = 100;

/** The account of dead records, each without a TTL while its letter is open, and the notes about their letters. */
export function deadLedger(store: ItemStore, clock: Pick<Clock, 'now'>): DeadLedger {
  const change = (fileId: string, record: number, made: ItemChange) => store.update(deadKey(fileId, record), made);
  const deadIn = (item: Item | undefined) => item && withoutKeys<DeadRecord>(item);
  const getDead = async (fileId: string, record: number) => deadIn(await store.read(deadKey(fileId, record)));

  /** Changes the record as it was read, and reads it again if another was faster. False if there is nothing to change. */
  const changeAsRead = async (
    fileId: string,
    record: number,
    made: (dead: DeadRecord, isAgain: boolean) => ItemChange | undefined,
  ): Promise<boolean> => {
    for (let isAgain = false; ; isAgain = true) {
      const dead = await getDead(fileId, record);
      const next = dead && made(dead, isAgain);
      if (!next) return false;
      if ((await change(fileId, record, next)).kind === 'changed') return true;
    }
  };

  return {
    getDead,

    async *listDead(fileId) {
      for await (const item of store.query(filePartition(fileId), deadPrefix)) yield withoutKeys<DeadRecord>(item);
    },

    async noteLetters(fileId, group, letters) {
      const noted: Letter[] = [];
      for (let from = 0; from < letters.length; from += lettersInNote) {
        const note = `${group}-${from / lettersInNote}`;
        const some = letters
          .slice(from, from + lettersInNote)
          .map((letter, place) => ({ ...letter, letter_id: letterIdOf(note, place) }));
        await store.update(noteKey(fileId, note), changes.noteLetters(some, clock.now()));
        noted.push(...some);
      }
      return noted;
    },

    async isNoted(letter) {
      const place = placeOf(letter.letter_id);
      const item = place && (await store.read(noteKey(letter.file_id, place.note)));
      if (!item) return false;
      return changes.hasLetter(withoutKeys<{ digests: Uint8Array }>(item).digests, place.place, letter);
    },

    async adoptLetter(letter, message, digests = [letterDigest(letter)]) {
      const adoption = changes.adoptLetter(letter, message, digests, clock.now());
      const { kind, item } = await change(letter.file_id, letter.record, adoption);
      return kind === 'changed' ? { kind: 'adopted', dead: withoutKeys<DeadRecord>(item) } : { kind: 'surplus' };
    },

    async allowLetter(letter) {
      await change(letter.file_id, letter.record, changes.allowLetter(letter));
    },

    async noteAltered(fileId, record, altered) {
      await changeAsRead(fileId, record, (dead) =>
        dead.state !== 'dead' || hasAltered(dead.history, altered)
          ? undefined
          : changes.noteAltered(dead, altered, clock.now()),
      );
    },

    async noteSending(fileId, record, requestId) {
      const { kind, item } = await change(fileId, record, changes.noteSending(requestId, clock.now()));
      const dead = deadIn(item);
      // An item of an earlier version does not count them.
      return kind === 'changed' || dead?.state === 'dead' ? (dead?.tries ?? 0) : undefined;
    },

    async takeBackSending(fileId, record, tries) {
      await change(fileId, record, changes.takeBackSending(tries));
    },

    noteCorrection: async (fileId, record, correction) =>
      (await change(fileId, record, changes.noteCorrection(correction))).kind === 'changed',

    async addFailure(fileId, record, attempt, failedMessageSentAt) {
      await changeAsRead(fileId, record, (dead, isAgain) =>
        // It was written: the answer was lost.
        isAgain && hasAttempt(dead, attempt) ? undefined : changes.addFailure(dead, attempt, failedMessageSentAt),
      );
    },

    resolveDead: (fileId, record, resolution) =>
      changeAsRead(fileId, record, (dead) =>
        dead.state === 'dead' ? changes.resolveDead(dead, resolution, clock.now()) : undefined,
      ),

    async beginCorrection(fileId, record, correction) {
      for (;;) {
        const before = await getDead(fileId, record);
        if (before?.state !== 'dead') return undefined;
        // One that has ended, or that another has replaced, is not begun again: it would displace the newest.
        const isKnown = before.history.some(({ correctionId }) => correctionId === correction.id);
        if (isKnown) return { dead: before, repeated: true };
        if (before.correction?.id === correction.id) return { dead: before, repeated: !before.correction.isUnsent };
        const { kind, item } = await change(fileId, record, changes.beginCorrection(before, correction, clock.now()));
        const dead = kind === 'changed' ? deadIn(item) : undefined;
        if (dead) return { dead, repeated: false };
      }
    },
  };
}
