import type { NightMark } from '../account/file-account.ts';
import { schemaVersion } from '../account/schema-version.ts';
import type { NightHead } from '../nights/night-head.ts';
import type { Check, ItemChange } from './item-change.ts';
import { exists, isNew } from './item-change.ts';

const isAt = (number: number): Check => ({ name: 'number', is: '=', value: number });

/** The log begins: everything that came before `from` is the past. */
export const beginNights = (from: number): ItemChange => ({
  when: [isNew],
  set: { v: schemaVersion, number: 0, to: from, isOpening: true },
});

export const endOpening: ItemChange = { when: [exists], remove: ['isOpening'] };

/** Of so many finalizers that wrote nothing, all before the last ones are dead: the item stays small. */
const maxDrafts = 500;

/** Before an entry is stored. Refused if the log has come further, or another finalizer has noted one since. */
export function noteDraft({ number, drafts = [], draftsNoted = 0 }: NightHead, sha256: string): ItemChange {
  return {
    when: [
      isAt(number),
      { name: 'draftsNoted', is: '=', value: draftsNoted, ...(draftsNoted === 0 ? { orAbsent: true } : {}) },
    ],
    set: { drafts: [...drafts, sha256].slice(-maxDrafts), draftsNoted: draftsNoted + 1 },
  };
}

/** After an entry is stored, signed and noted in its files: the next one may be made. */
export const closeNight = (number: number, to: number, sha256: string, isContinued: boolean): ItemChange => ({
  when: [isAt(number - 1)],
  set: { number, to, sha256, isContinued },
  remove: ['drafts', 'draftsNoted'],
});

/** A file that was received before the log began. */
export const markPast = (mark: NightMark): ItemChange => ({
  when: [exists, { name: 'night', is: 'absent' }],
  set: { night: mark },
});

/** An entry mentions the file. Refused if a later one does already: a slow finalizer repeats what it has read. */
export const markNoted = (mark: NightMark): ItemChange => ({
  when: [exists, { name: 'night.noted', is: '<', value: mark.noted, orAbsent: true }],
  set: { night: mark },
});
