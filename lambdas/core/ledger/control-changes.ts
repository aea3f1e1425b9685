import type { ControlOccasion, FileControl } from '../control/file-control.ts';
import type { SeenControls } from '../control/spoken-of.ts';
import { maxSeenVersions } from '../control/spoken-of.ts';
import { decisionsOf } from '../account/decisions.ts';
import type { FileAccount } from '../account/file-account.ts';
import { schemaVersion } from '../account/schema-version.ts';
import type { FileDecision, Quarantine, Release } from '../account/stops.ts';
import { stopsOf } from '../account/stops.ts';
import type { Check, ItemChange } from './item-change.ts';
import { isNew } from './item-change.ts';
import { expiryOf } from './stored-item.ts';

/** The ledger's item of a file's name and its control files. */
export interface ControlAccount extends SeenControls {
  /** Raised by every write: a write that was decided on an older version is refused. */
  version: number;
}

/** @param before undefined if there is none yet @param seen with what has come now */
export function saveSeen(before: ControlAccount | undefined, seen: SeenControls, now: number): ItemChange {
  const account: ControlAccount = {
    version: (before?.version ?? 0) + 1,
    files: seen.files.slice(-maxSeenVersions),
    controls: seen.controls.slice(-maxSeenVersions),
  };
  return {
    when: [before ? { name: 'version', is: '=', value: before.version } : isNew],
    set: { v: schemaVersion, ...account, expiresAt: expiryOf(now) },
  };
}

const isWaiting: Check = { name: 'control.state', is: '=', value: 'waiting' };
const isSplitting: Check = { name: 'state', is: '=', value: 'splitting' };

/** A file that waits for its control file may be claimed at once. */
export const wakeFile: ItemChange = { when: [isSplitting, isWaiting], remove: ['heldBackUntil'] };

/** The desk was notified that the file waits. */
export function noteNotified(control: FileControl, occasions: readonly ControlOccasion[]): ItemChange {
  const notified = new Set([...(control.notified ?? []), ...occasions]);
  return { when: [isWaiting], set: { 'control.notified': [...notified] } };
}

/**
 * A person has decided to send a file whose control file has not come: the stop and its release in one step, so that
 * nothing is held in between.
 */
export function releaseWaiting(
  file: FileAccount,
  quarantine: Quarantine,
  decision: Pick<FileDecision, 'by' | 'why'>,
  now: number,
): ItemChange {
  const { stop } = stopsOf(file);
  const number = stop + 1;
  const release: Release = { at: now, ...decision, stop: number };
  return {
    when: [
      isSplitting,
      isWaiting,
      stop === 0 ? { name: 'quarantine', is: 'absent' } : { name: 'quarantine.number', is: '=', value: stop },
    ],
    set: {
      ...{ quarantine: { ...quarantine, number }, release, 'control.state': 'not_compared', updatedAt: now },
      decisions: [...decisionsOf(file), { kind: 'release', stop: number, at: now, ...decision } satisfies FileDecision],
    },
    // Whoever is comparing the file has lost it, and the next splitter may claim it at once.
    add: { epoch: 1 },
    remove: ['heldBackUntil', 'leaseOwner', 'leaseUntil'],
  };
}
