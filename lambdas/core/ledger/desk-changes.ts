import type { FileNotice } from '../notices/file-notice.ts';
import type { MailState } from '../notices/gather.ts';
import { afterMail, lostBefore } from '../notices/gather.ts';
import { schemaVersion } from '../account/schema-version.ts';
import type { ItemChange } from './item-change.ts';
import { exists, isNew } from './item-change.ts';
import { expiryOf } from './stored-item.ts';

/** One run at a time. It accepts its own lease, since a write whose answer was lost is repeated. */
export function claimReconciler(leaseOwner: string, now: number, leaseMs: number): ItemChange {
  const isFree = { name: 'leaseUntil', is: '<', value: now, orAbsent: true } as const;
  const isOwn = { name: 'leaseOwner', is: '=', value: leaseOwner } as const;
  return { when: [{ anyOf: [[isFree], [isOwn]] }], set: { leaseOwner, leaseUntil: now + leaseMs } };
}

export function releaseReconciler(owner: string): ItemChange {
  return { when: [{ name: 'leaseOwner', is: '=', value: owner }], remove: ['leaseUntil'] };
}

/** Once per manifest; a repetition changes nothing. */
export function keepNotice(notice: FileNotice, now: number): ItemChange {
  return { when: [isNew], set: { v: schemaVersion, ...notice, expiresAt: expiryOf(now) } };
}

export const closeNotice = (now: number): ItemChange => ({ when: [exists], set: { notifiedAt: now } });

/** A mail that will gather the files that end until then; refused while one is due. */
export function requestMail(now: number, waitMs: number): ItemChange {
  return {
    when: [{ name: 'dueAt', is: '<', value: lostBefore(now), orAbsent: true }],
    set: { dueAt: now + waitMs, expiresAt: expiryOf(now) },
  };
}

export const beginMail: ItemChange = { when: [exists], remove: ['dueAt'] };

export const endMail = (now: number, state: MailState): ItemChange => ({
  set: { ...afterMail(state, now), expiresAt: expiryOf(now) },
});

/** Once per letter; kept as long as a message can come back. */
export function keepAltered(altered: object, now: number): ItemChange {
  return { when: [isNew], set: { v: schemaVersion, ...altered, expiresAt: expiryOf(now) } };
}

export const closeAltered = (now: number): ItemChange => ({ when: [exists], set: { notifiedAt: now } });
