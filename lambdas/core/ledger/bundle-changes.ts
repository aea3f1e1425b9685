import type { FileAccount, SourceObject } from '../account/file-account.ts';
import { placeVersion, schemaVersion } from '../account/schema-version.ts';
import type { NewAccount } from './file-changes.ts';
import { noCountsYet, openList } from './file-changes.ts';
import type { Item, ItemChange } from './item-change.ts';
import { isNew } from './item-change.ts';
import { expiryOf } from './stored-item.ts';

/** What a small file's place says about the bundle. */
export type PlacedIn = Pick<FileAccount, 'fileId' | 'feed' | 'lane' | 'limits'>;

/**
 * A small file's place in a bundle, which is not open yet: the item of its own account says which bundle has it.
 * @param from the bundle that has it now and was given up; undefined if it must be new
 */
export function takePlace(
  fileId: string,
  source: SourceObject,
  { fileId: bundleId, feed, lane, limits }: PlacedIn,
  from: string | undefined,
  now: number,
): ItemChange {
  const times = { createdAt: now, updatedAt: now, epoch: 0, ...noCountsYet() };
  const place: FileAccount = { ...times, fileId, feed, lane, limits, source, state: 'bundled', bundleId };
  return {
    when: [from === undefined ? isNew : { name: 'bundleId', is: '=', value: from }],
    // The bundle's account lives as long as its letters.
    set: { v: placeVersion, ...place, expiresAt: expiryOf(now) },
  };
}

/** The account of a bundle whose members have their places. From now on, none of them can be in another bundle. */
export function openBundle(bundle: NewAccount, now: number): ItemChange {
  const times = { createdAt: now, updatedAt: now, epoch: 0, ...noCountsYet() };
  const file: FileAccount = { ...bundle, ...times, state: 'splitting' };
  return { when: [isNew], set: { v: schemaVersion, ...openList(file), ...file } };
}

/** Stands where the account would be: the bundle can't be opened any more, and others may take its members' places. */
export function giveUpBundle(fileId: string, now: number): ItemChange {
  return { when: [isNew], set: { v: placeVersion, fileId, givenUpAt: now, expiresAt: expiryOf(now) } };
}

export const isGivenUp = (item: Item): boolean => item['givenUpAt'] !== undefined;
