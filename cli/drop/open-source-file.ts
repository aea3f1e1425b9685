import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { CliError } from '../cli-error.ts';

/** S3: an object is at most 48.8 TiB as of 2025-12, and its key 1,024 bytes of UTF-8. */
const maxKeyBytes = 1024;

/** A file on this machine, to be dropped. */
export interface SourceFile {
  path: string;
  name: string;
  sizeBytes: number;
  modifiedMs: number;
  handle: FileHandle;
}

/**
 * @param command the calling command, for the message
 * @throws CliError if it can't be read as a file
 */
export async function openSourceFile(path: string, command = 'drop'): Promise<SourceFile> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw new CliError(`${path}: ${reasonOf(error)}.`, { cause: error });
  });
  const stats = await handle.stat();
  if (!stats.isFile()) {
    await handle.close();
    throw new CliError(
      `${path} is ${stats.isDirectory() ? 'a folder' : 'not a regular file'}; ${command} expects one file.`,
    );
  }
  const name = basename(path);
  if (Buffer.byteLength(name) > maxKeyBytes - 64) {
    await handle.close();
    throw new CliError(`The name of ${path} is too long for a key in S3.`);
  }
  return { path, name, sizeBytes: stats.size, modifiedMs: stats.mtimeMs, handle };
}

/** Opens all of them before the first is dropped. @throws CliError if one can't be read, or two have the same name */
export async function openSourceFiles(paths: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  try {
    for (const path of paths) {
      const file = await openSourceFile(path);
      files.push(file);
      const other = files.find(({ name }) => name === file.name);
      if (other !== file) {
        throw new CliError(
          `${other?.path} and ${path} have the same name: in the bucket the second would replace the first. Nothing was dropped.`,
        );
      }
    }
    return files;
  } catch (error) {
    await Promise.all(files.map(({ handle }) => handle.close()));
    throw error;
  }
}

/** An incomplete export is worse than none: the missing rows would be in no account. @throws CliError */
export async function refuseIfChanged(file: SourceFile): Promise<void> {
  const { size, mtimeMs } = await file.handle.stat();
  if (size === file.sizeBytes && mtimeMs === file.modifiedMs) return;
  throw new CliError(`${file.path} changed while it was uploaded; nothing was dropped. Try again when it is complete.`);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it';
  return message;
}
