import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError } from '../cli-error.ts';

export const repositoryRoot = resolve(import.meta.dirname, '../..');

/** The folder of the local cloud and its state; with another folder, two can run side by side. */
export function stateDirOf(env: NodeJS.ProcessEnv): string {
  return resolve(env['SLUICE_STATE_DIR'] || resolve(repositoryRoot, '.sluice'));
}

/** @throws CliError in an installed package (`npm pack`), which has the command line but not the stack */
export function requireCheckout(command: string): void {
  if (existsSync(resolve(repositoryRoot, 'cdk.json'))) return;
  throw new CliError(
    `\`${command}\` needs a checkout of Sluice's repository, which has the stack and the local cloud. This is an installed ` +
      'package: it has the commands that use a deployed stack, and those that work offline.',
  );
}
