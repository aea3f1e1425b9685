import type { FileAccount } from '../account/file-account.ts';
import { plainText } from '../plain-text.ts';

/** No one would read more; `sluice status` lists them all. */
export const maxShown = 20;
export const maxNameCharacters = 300;

/** How a command begins in a mail: its reader may have several stacks. */
export const sluiceOf = (stackName: string): string => `sluice --stack ${stackName}`;

/** `  traffic/WABC.csv (file traffic.0a…) waits for …`, a line per file. @param textOf what is said of a file */
export function fileLines<File extends Pick<FileAccount, 'source' | 'fileId'>>(
  files: readonly File[],
  textOf: (file: File) => string,
): string[] {
  const lines = files
    .slice(0, maxShown)
    .map((file) => `  ${plainText(file.source.key, maxNameCharacters)} (file ${file.fileId}) ${textOf(file)}`);
  return [...lines, ...moreThan(files.length)];
}

export const moreThan = (files: number): string[] => (files > maxShown ? [`  … and ${files - maxShown} more`] : []);

/** `2026-01-05 02:00 UTC` @param atMs milliseconds since 1970 */
export const isoMinute = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
