import { createHash } from 'node:crypto';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { ListedChange } from '../../lambdas/core/series/read-comparison.ts';
import { readComparison } from '../../lambdas/core/series/read-comparison.ts';
import type { Archive } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';

/** `not listed` is not one: it says how many are missing from the list. */
export const changeKinds = ['new', 'changed', 'removed'] as const;
export type ChangeKind = (typeof changeKinds)[number];

/**
 * The rows of what a file changes, from the archive; whether it has a manifest yet or not. Undefined if it was not
 * compared.
 * @throws CliError if the object is missing; once all of it was read, also if it was changed
 */
export async function findChanges(
  { fileId, revision }: Pick<FileAccount, 'fileId' | 'revision'>,
  archive: Pick<Archive, 'getStream'>,
): Promise<AsyncGenerator<ListedChange> | undefined> {
  if (!revision?.comparison) return undefined;
  const { key, sha256 } = revision.comparison;
  const stored = await archive.getStream(key);
  if (!stored) throw new CliError(`The archive does not have ${key}, the list of what the file ${fileId} changes.`);
  const hash = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stored as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest('hex') !== sha256) throw new CliError(`${key} in the archive was changed.`);
  };
  return readComparison(hashed());
}

/** The values that identify a record, on one line. */
export const identityText = ({ identity }: Pick<ListedChange, 'identity'>): string =>
  identity === null ? '(unknown)' : identity.join(' · ');
