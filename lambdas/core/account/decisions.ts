import type { FileAccount } from './file-account.ts';
import { stopsOf } from './quarantine.ts';

/** A person's decision about a whole file, as its account keeps it. */
export interface FileDecision {
  kind: 'cancel' | 'release';
  /** The number of the stop that it makes, or that it answers. */
  stop: number;
  /** Milliseconds since 1970. */
  at: number;
  by: string;
  why: string;
}

/** The decisions about a file, in order. An earlier version kept only the one release that a file could have. */
export function decisionsOf(file: Pick<FileAccount, 'decisions' | 'quarantine' | 'release'>): FileDecision[] {
  if (file.decisions) return file.decisions;
  if (!file.release) return [];
  const { at, by, why } = file.release;
  return [{ kind: 'release', stop: stopsOf(file).released, at, by, why }];
}
