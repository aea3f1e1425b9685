import { letterDigest } from '../core/authenticity.ts';
import type { DeadAttempt, DeadRecord } from '../core/account/file-account.ts';
import { hasAltered } from '../core/dead-letters/dead-history.ts';
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
      const dead = await getDead(fileId, record);
      if (!dead || hasAltered(dead.history, altered)) return;
      await change(fileId, record, changes.noteAltered(dead, altered, clock.now()));
    },

    async noteSending(fileId, record) {
      await change(fileId, record, changes.noteSending(clock.now()));
    },

    async addFailure(fileId, record, attempt, failedMessageSentAt) {
      const item = await store.read(deadKey(fileId, record));
      const history = (item?.['history'] as DeadAttempt[] | undefined) ?? [];
      await change(fileId, record, changes.addFailure(history, attempt, failedMessageSentAt));
    },

    resolveDead: async (fileId, record, resolution) =>
      (await change(fileId, record, changes.resolveDead(resolution, clock.now()))).kind === 'changed',

    async beginCorrection(fileId, record, correction) {
      for (;;) {
        const before = await getDead(fileId, record);
        if (before?.state !== 'dead') return undefined;
        // One that has ended, or that another has replaced, is not begun again: it would displace the newest.
        const isKnown = before.history.some(({ correctionId }) => correctionId === correction.id);
        if (isKnown || before.correction?.id === correction.id) return { dead: before, repeated: true };
        const { kind, item } = await change(fileId, record, changes.beginCorrection(before, correction, clock.now()));
        const dead = kind === 'changed' ? deadIn(item) : undefined;
        if (dead) return { dead, repeated: false };
      }
    },
  };
}
