import { refuseNewer } from '../account/schema-version.ts';
import type { Item } from './item-change.ts';

/**
 * The item without the keys that only the table needs, and without its version. The caller knows what it wrote: the table
 * has no schema.
 * @throws NewerVersionError where a later version of Sluice wrote it
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function withoutKeys<T>(item: Item): T {
  refuseNewer('item', item);
  const { pk: _pk, sk: _sk, v: _v, listPk: _listPk, listSk: _listSk, expiresAt: _expiresAt, ...account } = item;
  return account as T;
}

const daySeconds = 24 * 60 * 60;

/**
 * The TTL of what is over, in seconds since 1970: 60 days from now. SQS keeps a message for 14 days at most, so a letter
 * of the last day can still be redriven, with more than 30 days to spare.
 */
export function expiryOf(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 60 * daySeconds;
}
