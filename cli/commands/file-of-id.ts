import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isBareId } from '../../lambdas/core/account/file-id.ts';
import { CliError } from '../cli-error.ts';
import { deployedFeeds } from '../stack/deployed-feeds.ts';
import type { OpenStack } from '../stack/open-stack.ts';

/**
 * @param typed a file's id, or only its hex digits
 * @throws CliError if the ledger has no such file
 */
export async function fileOfId(stack: OpenStack, typed: string): Promise<FileAccount> {
  const found = await storedFileOfId(stack, typed);
  // A small file is accounted for by the bundle it was put into.
  const file = found.bundleId === undefined ? found : await stack.ledger.getFile(found.bundleId);
  if (file) return file;
  throw unknownFile(stack, typed);
}

/** The same, but a small file is itself and not its bundle. @throws CliError if the ledger has no such file */
export async function storedFileOfId(stack: OpenStack, typed: string): Promise<FileAccount> {
  const { ledger } = stack;
  const ids = [...new Set(deployedFeeds(stack).map((feed) => wholeFileId(feed, typed)))];
  const [found] = (await Promise.all(ids.map((id) => ledger.getFile(id)))).filter((file) => file !== undefined);
  if (found) return found;
  throw unknownFile(stack, typed);
}

function unknownFile({ target }: OpenStack, typed: string): CliError {
  return new CliError(
    `The stack ${target.stackName} has no file ${typed}; \`npm run -s sluice -- status\` lists its files.`,
  );
}

/** Adds the feed's name to an id that was typed as hex digits only; anything else is returned unchanged. */
export function wholeFileId(feed: string, typed: string): string {
  return isBareId(typed) ? `${feed}.${typed}` : typed;
}
