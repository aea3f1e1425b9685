import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { CliError } from '../cli-error.ts';
import { manifestName, readManifest } from '../verify/read-manifest.ts';
import type { ArchivedStack } from './read-archive.ts';
import { findArchivedStream } from './read-archive.ts';

/** A copy of a file's folder of the archive. */
export interface CopiedEvidence {
  /** The path of the newest manifest. */
  manifest: string;
  /** The path of the source if it could not have its own name on this machine; `verify` then needs it. */
  renamedSource: string | undefined;
  objects: number;
  bytes: number;
}

export interface CopyRequest {
  /** Of the newest manifest. */
  manifestKey: string;
  /** Must not exist, or be empty. */
  dir: string;
  onProgress: (objects: number) => void;
  signal: AbortSignal;
}

/** Names that S3 allows and a file system may not: too long, or with characters that it does not have. */
const unusableName = ['ENAMETOOLONG', 'EINVAL', 'EILSEQ'];

/**
 * Copies everything that `verify` needs: the newest manifest, all earlier ones, and what they name. The folder gets its
 * name when it is complete; an incomplete one is removed.
 * @throws CliError if the folder exists already
 * @throws DoesNotHoldError if a manifest does not have the documented form, so that its names can't be trusted
 */
export async function copyEvidence(stack: ArchivedStack, request: CopyRequest): Promise<CopiedEvidence> {
  const { manifestKey, dir, signal } = request;
  await refuseIfUsed(dir);
  const draft = `${dir}.partial-${process.pid}`;
  try {
    await mkdir(draft, { recursive: true });
    const copy = new FolderCopy(stack, draft, request);
    for (const key of await copyManifests(stack, manifestKey, copy)) await copy.add(key);
    signal.throwIfAborted();
    await rename(draft, dir);
    const { objects, bytes, renamedSource } = copy;
    const renamed = renamedSource && join(dir, renamedSource);
    return { manifest: join(dir, basename(manifestKey)), renamedSource: renamed, objects, bytes };
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Copies the chain of manifests, and returns the keys of what they name. An earlier one may be missing: `verify` says so. */
async function copyManifests(stack: ArchivedStack, newest: string, copy: FolderCopy): Promise<Set<string>> {
  const keys = new Set<string>();
  for (let key: string | undefined = newest; key !== undefined;) {
    const content = await findArchivedStream(stack, key);
    if (!content && key === newest) throw new CliError(`The archive does not have ${key}.`);
    if (!content) break;
    // Byte by byte, since their SHA-256 is signed.
    const bytes = await buffer(content);
    // Checks that all keys are in the manifest's folder and have the documented names: none leads out of it.
    const { manifest } = readManifest(bytes, basename(key));
    await copy.write(basename(key), bytes);
    for (const named of keysOf(manifest)) keys.add(named);
    const number = manifest.manifest_number - 1;
    key = number > 0 ? `${dirname(newest)}/${manifestName(number)}` : undefined;
  }
  return keys;
}

function keysOf({ archive, comparison, control, signature }: Manifest): string[] {
  return [
    archive.source_key,
    archive.receipts_key,
    archive.dead_letters_key,
    archive.resolutions_key,
    archive.report_key,
    comparison?.changes_key,
    control?.control_key,
    control?.differences_key,
    // A manifest that names no signature must not have one: it is copied if there is one, so that `verify` sees it.
    signature?.signature_key ?? `${archive.manifest_key}.sig`,
    signature?.public_key_key,
  ].filter((key) => key != null);
}

class FolderCopy {
  readonly #stack: ArchivedStack;
  readonly #dir: string;
  readonly #request: CopyRequest;
  objects = 0;
  bytes = 0;
  renamedSource: string | undefined;

  constructor(stack: ArchivedStack, dir: string, request: CopyRequest) {
    this.#stack = stack;
    this.#dir = dir;
    this.#request = request;
  }

  /** Copies an object; does nothing if the archive doesn't have it, which `verify` reports. */
  async add(key: string): Promise<void> {
    const folder = dirname(this.#request.manifestKey);
    const name = key.slice(folder.length + 1);
    try {
      await this.#copy(key, name);
    } catch (error) {
      if (!name.startsWith('source/') || !unusableName.includes((error as NodeJS.ErrnoException).code ?? ''))
        throw error;
      this.renamedSource = 'source/renamed-source';
      await this.#copy(key, this.renamedSource);
    }
  }

  async write(name: string, bytes: Buffer): Promise<void> {
    await writeFile(join(this.#dir, name), bytes, { flag: 'wx' });
    this.#count(bytes.length);
  }

  async #copy(key: string, name: string): Promise<void> {
    const content = await findArchivedStream(this.#stack, key);
    if (!content) return;
    const path = join(this.#dir, name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(content, createWriteStream(path, { flags: 'wx' }), { signal: this.#request.signal });
    this.#count((await stat(path)).size);
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    this.#request.onProgress(++this.objects);
  }
}

/** @throws CliError if there is something in the folder */
export async function refuseIfUsed(dir: string): Promise<void> {
  const names = await readdir(dir).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') return ['a file'];
    throw error;
  });
  if (names.length > 0) throw new CliError(`${dir} exists already: name a new folder, so that nothing else is in it.`);
}
