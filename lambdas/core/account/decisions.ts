import type { FileAccount } from './file-account.ts';
import type { FileDecision } from './stops.ts';
import { stopsOf } from './stops.ts';

/** The decisions about a file, in order. An earlier version kept only the one release that a file could have. */
export function decisionsOf(file: Pick<FileAccount, 'decisions' | 'quarantine' | 'release'>): FileDecision[] {
  if (file.decisions) return file.decisions;
  if (!file.release) return [];
  const { at, by, why } = file.release;
  return [{ kind: 'release', stop: stopsOf(file).released, at, by, why }];
}
