import type { FileAccount } from '../../lambdas/core/file-account.ts';
import { CliError } from '../cli-error.ts';
import type { OpenStack } from '../stack/open-stack.ts';

/** @throws CliError where the ledger has no such file */
export async function fileOfId({ ledger, target }: OpenStack, fileId: string): Promise<FileAccount> {
  const found = await ledger.getFile(fileId);
  // A small file's account is that of the bundle it went in.
  const file = found?.bundleId === undefined ? found : await ledger.getFile(found.bundleId);
  if (file) return file;
  throw new CliError(
    `The stack ${target.stackName} knows no file ${fileId}; \`npm run -s sluice -- status\` lists those it knows.`,
  );
}
