import { NewerVersionError } from '../errors.ts';

/** Of messages and of the ledger's items. What has none is of the first. */
export const schemaVersion = 1;

/**
 * After a rollback there may be messages and items of the version that was rolled back: to read them by guess could lose
 * what they say.
 * @throws NewerVersionError
 */
export function refuseNewer(what: 'message' | 'item', body: unknown): void {
  const found = versionOf(body);
  if (found > schemaVersion) throw new NewerVersionError(what, found, schemaVersion);
}

export function versionOf(body: unknown): number {
  const found = (body as { v?: unknown } | null | undefined)?.v;
  return typeof found === 'number' ? found : schemaVersion;
}
