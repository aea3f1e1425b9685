import { NewerVersionError } from '../errors.ts';

/** Version of messages and of the ledger's items. Without a version they are of the first. */
export const schemaVersion = 1;

/**
 * A batch of a revision (`plans`, `earlier`), or a letter of a record that supersedes another one: a version that does not
 * know that must not send it. Version 2 had no `earlier`.
 */
export const revisionVersion = 3;

/**
 * A small file's place in a bundle that may not be open yet: a version that takes every bundle for open would acknowledge the
 * file's message, and nothing would send the file.
 */
export const placeVersion = 2;

export const newestVersion = { message: revisionVersion, item: placeVersion };

/**
 * After a rollback there may be messages and items of the version that was rolled back: reading them without knowing
 * their format could lose data.
 * @throws NewerVersionError
 */
export function refuseNewer(what: 'message' | 'item', body: unknown): void {
  const found = versionOf(body);
  if (found > newestVersion[what]) throw new NewerVersionError(what, found, newestVersion[what]);
}

export function versionOf(body: unknown): number {
  const found = (body as { v?: unknown } | null | undefined)?.v;
  return typeof found === 'number' ? found : schemaVersion;
}
