import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SourceObject } from '../../lambdas/core/account/file-account.ts';
import type { SourceObjects } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';
import { openSourceFile } from '../drop/open-source-file.ts';
import { InterruptedError } from '../interrupt.ts';

const chunkBytes = 1024 * 1024;

/** A file on this machine, as the splitter sees an object. */
export interface CheckedFile {
  name: string;
  /** Undefined for standard input. */
  path: string | undefined;
  source: SourceObject;
  sources: Pick<SourceObjects, 'read'>;
  /** A folder for what doesn't fit into memory; it goes with the file. */
  tempDir: string;
  /** @throws CliError where the file was written to meanwhile */
  refuseIfChanged: () => Promise<void>;
  close: () => Promise<void>;
}

/**
 * Opens a file to be checked; `-` is standard input, which is copied into a temporary file: a ZIP archive is read from
 * its end, and every file twice.
 * @throws CliError where it can't be read as a file; InterruptedError
 */
export async function openCheckedFile(
  path: string,
  feed: string,
  stdin: Readable,
  signal: AbortSignal,
): Promise<CheckedFile> {
  const tempDir = await mkdtemp(join(tmpdir(), 'sluice-check-'));
  const removeTempDir = () => rm(tempDir, { recursive: true, force: true });
  try {
    const onDisk = path === '-' ? await spool(stdin, join(tempDir, 'stdin'), signal) : path;
    const { handle, sizeBytes, modifiedMs } = await openSourceFile(onDisk, 'check');
    const name = path === '-' ? 'stdin' : basename(path);
    return {
      name,
      path: path === '-' ? undefined : path,
      source: { bucket: 'not-dropped', key: `${feed}/${name}`, etag: '""', sizeBytes },
      sources: { read: (_source, offset) => readFrom(handle, offset, sizeBytes) },
      tempDir,
      refuseIfChanged: async () => {
        const { size, mtimeMs } = await handle.stat();
        if (size === sizeBytes && mtimeMs === modifiedMs) return;
        throw new CliError(`${path} changed while it was checked. Try again when it is complete.`);
      },
      close: async () => {
        await handle.close();
        await removeTempDir();
      },
    };
  } catch (error) {
    await removeTempDir();
    throw error;
  }
}

async function spool(stdin: Readable, path: string, signal: AbortSignal): Promise<string> {
  try {
    await pipeline(stdin, createWriteStream(path, { mode: 0o600 }), { signal });
  } catch (error) {
    if (signal.aborted)
      throw new InterruptedError('Interrupted: standard input was not read completely.', { cause: error });
    throw error;
  }
  return path;
}

export async function* readFrom(handle: FileHandle, offset: number, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let at = offset; at < sizeBytes;) {
    // A new one each time: what was cut from it is still in use.
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, sizeBytes - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** What `sha256sum` prints. */
export async function hashChecked(
  { source, sources }: Pick<CheckedFile, 'source' | 'sources'>,
  onBytes: (done: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of sources.read(source, 0)) {
    hash.update(chunk);
    onBytes((done += chunk.length));
  }
  return hash.digest('hex');
}

/** Before hours of reading. @throws CliError where there is such a file */
export async function refuseIfThere(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats) throw new CliError(`${path}: the file exists already.`);
}

/** A new file, and only a new one. @throws CliError where there is one already, or none can be made */
export async function createOutput(path: string): Promise<FileHandle> {
  return open(path, 'wx').catch((error: unknown) => {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CliError(`${path}: ${isThere ? 'the file exists already' : (error as Error).message}.`, {
      cause: error,
    });
  });
}
