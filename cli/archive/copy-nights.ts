import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { NightEntry } from '../../lambdas/core/nights/night-entry.ts';
import { nightKeysOf } from '../../lambdas/core/nights/night-keys.ts';
import type { NightStack, StoredNight } from '../nights/read-nights.ts';
import { newestNights } from '../nights/read-nights.ts';
import { copyEvidence, refuseIfUsed } from './copy-evidence.ts';
import type { ArchivedStack } from './read-archive.ts';
import { findArchivedStream } from './read-archive.ts';

export interface CopiedNights {
  /** Numbers of the first and last night; undefined if there is none. */
  nights: { from: number; to: number } | undefined;
  /** SHA-256 of the last one's entry. */
  head: string | undefined;
  files: number;
}

/**
 * Copies a feed's newest nights with everything that they name, laid out as in the archive, for `verify --nights`. The folder
 * gets its name when it is complete; an incomplete one is removed.
 * @throws CliError if the folder exists already, or an entry is missing or was changed
 */
export async function copyNights(
  stack: NightStack & ArchivedStack,
  request: { feed: string; last: number; dir: string; onProgress: (files: number) => void; signal: AbortSignal },
): Promise<CopiedNights> {
  const { feed, last, dir, onProgress, signal } = request;
  await refuseIfUsed(dir);
  const nights = await newestNights(feed, last, stack, namedBy);
  const [newest] = nights;
  if (!newest) return { nights: undefined, head: undefined, files: 0 };
  const draft = `${dir}.partial-${process.pid}`;
  try {
    await mkdir(draft, { recursive: true });
    for (const key of new Set(nights.flatMap(({ keys }) => keys))) await copyObject(stack, key, draft, signal);
    let files = 0;
    for (const manifestKey of newestManifests(nights)) {
      const folder = join(draft, dirname(manifestKey));
      await mkdir(dirname(folder), { recursive: true });
      await copyEvidence(stack, { manifestKey, dir: folder, onProgress: () => undefined, signal });
      onProgress(++files);
    }
    await rename(draft, dir);
    const from = nights.at(-1)?.number ?? newest.number;
    return { nights: { from, to: newest.number }, head: newest.sha256, files };
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

function keysOf({ feed, number, archive, signature }: NightEntry): string[] {
  const keys = nightKeysOf(feed);
  // An entry that names no signature must not have one: it is copied if there is one, so that `verify` sees it.
  return [archive.entry_key, keys.signature(number), archive.page_key, signature?.public_key_key].filter(
    (key) => key != null,
  );
}

/** What is copied of a night. */
interface NamedByNight {
  number: number;
  sha256: string;
  keys: string[];
  manifests: { fileId: string; key: string }[];
}

function namedBy({ entry, sha256 }: StoredNight): NamedByNight {
  const files = [...entry.received, ...entry.earlier];
  const manifests = files.flatMap(({ file_id: fileId, manifest }) => (manifest ? { fileId, key: manifest.key } : []));
  return { number: entry.number, sha256, keys: keysOf(entry), manifests };
}

/** Of each file, the newest manifest that a night names. @param nights the newest first */
function newestManifests(nights: readonly NamedByNight[]): string[] {
  const keys = new Map<string, string>();
  for (const { fileId, key } of nights.flatMap(({ manifests }) => manifests)) {
    if (!keys.has(fileId)) keys.set(fileId, key);
  }
  return [...keys.values()];
}

/** Does nothing if the archive does not have it, which `verify` reports. */
async function copyObject(stack: ArchivedStack, key: string, dir: string, signal: AbortSignal): Promise<void> {
  const content = await findArchivedStream(stack, key);
  if (!content) return;
  const path = join(dir, key);
  await mkdir(dirname(path), { recursive: true });
  await pipeline(content, createWriteStream(path, { flags: 'wx' }), { signal });
}
