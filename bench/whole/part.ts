import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A part of the benchmark that can be run alone. */
export interface Part<Figures> {
  title: string;
  /** @param isQuick less of everything, for a first look */
  measure: (isQuick: boolean) => Promise<Figures>;
  /** The lines that are printed about its figures. */
  describe: (figures: Figures) => string[];
}

/**
 * Runs a script of this folder's parent in a process of its own, which runs on no code that V8 has shaped for another part.
 * @param flags of Node
 * @returns the JSON document that it prints
 */
export async function inProcess<Figures>(
  script: string,
  parameters: readonly string[],
  flags: readonly string[] = ['--expose-gc'],
): Promise<Figures> {
  const path = join(import.meta.dirname, '..', script);
  const all = [...process.execArgv.filter((flag) => !flags.includes(flag)), ...flags, path, ...parameters];
  const { stdout } = await promisify(execFile)(process.execPath, all, {
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Figures;
}
