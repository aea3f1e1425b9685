import { refuseNewer } from '../account/schema-version.ts';
import type { Item } from './item-change.ts';

/**
 * The item without the keys that only the table needs, and without its version. The caller knows the item's type: the
 * table has no schema.
 * @throws NewerVersionError if a later version of Sluice wrote it
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function withoutKeys<T>(item: Item): T {
  refuseNewer('item', item);
  const { pk: _pk, sk: _sk, v: _v, listPk: _listPk, listSk: _listSk, expiresAt: _expiresAt, ...account } = item;
  return account as T;
}

const daySeconds = 24 * 60 * 60;

/**
 * The TTL of closed items, in seconds since 1970: 60 days from now. SQS keeps a message for at most 14 days, so a letter
 * of the last day can still be redriven, with more than 30 days to spare.
 */
export function expiryOf(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 60 * daySeconds;
}

/** The TTL of decisions: 400 days, since a manifest quotes those of its file's time, however late it is amended. */
export function decisionExpiryOf(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 400 * daySeconds;
}
