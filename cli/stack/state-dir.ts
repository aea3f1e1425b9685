import { resolve } from 'node:path';

export const repositoryRoot = resolve(import.meta.dirname, '../..');

/** Where the local cloud and what is known of it are kept; another place lets two live side by side. */
export function stateDirOf(env: NodeJS.ProcessEnv): string {
  return resolve(env['SLUICE_STATE_DIR'] || resolve(repositoryRoot, '.sluice'));
}
