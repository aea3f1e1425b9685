import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { feeds } from '../../feeds/index.ts';
import { CliError } from '../cli-error.ts';
import type { OpenStack } from '../stack/open-stack.ts';

/**
 * @param typed a file's id, or its hex digits alone: a person may leave out the feed's name
 * @throws CliError where the ledger has no such file
 */
export async function fileOfId({ ledger, outputs, target }: OpenStack, typed: string): Promise<FileAccount> {
  const deployed = feeds.map(({ name }) => name).filter((name) => outputs.api(name) !== undefined);
  const ids = [...new Set(deployed.map((feed) => wholeFileId(feed, typed)))];
  const [found] = (await Promise.all(ids.map((id) => ledger.getFile(id)))).filter((file) => file !== undefined);
  // A small file's account is that of the bundle it went in.
  const file = found?.bundleId === undefined ? found : await ledger.getFile(found.bundleId);
  if (file) return file;
  throw new CliError(
    `The stack ${target.stackName} knows no file ${typed}; \`npm run -s sluice -- status\` lists those it knows.`,
  );
}

/** A file's id as its feed's files have them; what isn't the hex digits alone stays as it was typed. */
export function wholeFileId(feed: string, typed: string): string {
  return /^[0-9a-f]{24}$/.test(typed) ? `${feed}.${typed}` : typed;
}
