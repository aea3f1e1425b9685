import { resolve } from 'node:path';

export const repositoryRoot = resolve(import.meta.dirname, '../..');

/** The folder of the local cloud and its state; with another folder, two can run side by side. */
export function stateDirOf(env: NodeJS.ProcessEnv): string {
  return resolve(env['SLUICE_STATE_DIR'] || resolve(repositoryRoot, '.sluice'));
}
