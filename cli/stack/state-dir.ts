import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError } from '../cli-error.ts';

export const repositoryRoot = resolve(import.meta.dirname, '../..');

/** False in an installed package (`npm pack`), which has the command line but not the stack. */
export const isCheckout = existsSync(resolve(repositoryRoot, 'cdk.json'));

/** The folder of the local cloud and its state; with another folder, two can run side by side. */
export function stateDirOf(env: NodeJS.ProcessEnv): string {
  return resolve(env['SLUICE_STATE_DIR'] || resolve(repositoryRoot, '.sluice'));
}

/** @throws CliError in an installed package */
export function requireCheckout(command: string): void {
  if (isCheckout) return;
  throw new CliError(
    `\`${command}\` needs a checkout of Sluice's repository, which has the stack and the local cloud. This is an installed ` +
      'package: it has the commands that use a deployed stack, and those that work offline.',
  );
}
