import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { NightEntry, NightFile } from '../../../lambdas/core/nights/night-entry.ts';
import { isUnfinished, nightCountNames } from '../../../lambdas/core/nights/night-entry.ts';
import { nightKeysOf } from '../../../lambdas/core/nights/night-keys.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import { CliError } from '../../cli-error.ts';
import { checkSignature } from '../check-signature.ts';
import { readManifest } from '../read-manifest.ts';
import type { OnProgress, Verified } from '../verified.ts';
import { DoesNotHoldError, mustHold } from '../verified.ts';
import { verifyFile } from '../verify-file.ts';
import { NightMentions } from './night-mentions.ts';
import type { ReadNight } from './read-night.ts';
import { nameOfNight, readNight } from './read-night.ts';

export interface NightsGiven {
  /** SHA-256 of entries, each from a mail to the desk: `HASH`, or `FEED=HASH`. */
  heads?: readonly string[] | undefined;
  /** The number of the first entry that the copy should have; 1 without it. */
  from?: number | undefined;
  /** PEM of the key that every entry and manifest must be signed with. */
  publicKey?: string | undefined;
}

/**
 * Checks the night logs in a copy of the archive, with every manifest that they name and its evidence. Returns what holds and
 * what is missing.
 * @param dir has `nights/<feed>/`, and the feeds' folders beside it
 * @throws DoesNotHoldError at the first check that fails
 * @throws CliError if there is no night log
 */
export async function* verifyNights(dir: string, given: NightsGiven, onProgress: OnProgress): AsyncGenerator<Verified> {
  const feeds = foldersIn(join(dir, 'nights'));
  if (feeds.length === 0) throw new CliError(`${dir} has no night log: no folder nights/FEED with entries.`);
  const entries: EntriesByHash = new Map();
  for (const feed of feeds) yield* verifyLog(dir, feed, given, entries, onProgress);
  yield* checkHeads(feeds, entries, given.heads ?? []);
}

/** Feed and name of each entry, by the SHA-256 of its bytes. */
type EntriesByHash = Map<string, { feed: string; name: string }>;

/** Each given hash must be an entry's. A feed without one may have lost its newest entries, or its whole log. */
function* checkHeads(feeds: readonly string[], entries: EntriesByHash, heads: readonly string[]): Generator<Verified> {
  const witnessed = new Set<string>();
  for (const head of heads) {
    const at = head.lastIndexOf('=');
    const feed = at < 0 ? undefined : head.slice(0, at);
    const hash = head.slice(at + 1).toLowerCase();
    const found = entries.get(hash);
    const whose = feed === undefined ? '' : ` of ${feed}`;
    mustHold(
      found !== undefined && (feed === undefined || feed === found.feed),
      `no entry${whose} has the hash ${hash}: the log was cut, removed or rewritten since that mail`,
    );
    witnessed.add(found.feed);
    yield { sentence: `the entry with the hash ${hash} is ${found.name}` };
  }
  for (const feed of feeds.filter((each) => !witnessed.has(each))) {
    yield {
      sentence: `whether later entries of ${feed} were removed was not checked: --head ${feed}=HASH, from a mail`,
      isNote: true,
    };
  }
}

async function* verifyLog(
  dir: string,
  feed: string,
  given: NightsGiven,
  entries: EntriesByHash,
  onProgress: OnProgress,
): AsyncGenerator<Verified> {
  const numbers = numbersIn(join(dir, 'nights', feed));
  const [first = 0] = numbers;
  const last = numbers.at(-1) ?? 0;
  mustHold(first > 0, `nights/${feed} has no entry`);
  const expected = given.from ?? 1;
  if (first !== expected) {
    const range = first - 1 > expected ? ` to ${first - 1}.json` : '';
    yield {
      sentence: `${nameOfNight(feed, expected)}${range} is missing: the log was checked from ${first} on`,
      isSkipped: true,
    };
  }
  const mentions = new NightMentions(first);
  const manifests = new Map<string, string>();
  let before: ReadNight | undefined;
  for (let number = first; number <= last; number++) {
    const name = nameOfNight(feed, number);
    mustHold(existsSync(join(dir, name)), `${name} is missing, between ${number - 1} and ${last}`);
    const night = readNight(join(dir, name), feed, number);
    checkLink(night, before, name);
    mentions.add(night.entry);
    entries.set(sha256Of(night.bytes), { feed, name });
    yield* checkObjects(dir, night, given);
    for (const file of [...night.entry.received, ...night.entry.earlier])
      yield* checkManifest(dir, file, night.entry, manifests);
    before = night;
  }
  const newest = before ? sha256Of(before.bytes) : '';
  yield { sentence: `nights ${first} to ${last} of ${feed} follow each other; the hash of the last one is ${newest}` };
  yield { sentence: `${manifests.size} manifests that the nights of ${feed} name have their hashes and say the same` };
  yield* verifyEvidence(dir, mentions, given, onProgress);
}

/** Each entry names the one before by its hash, and continues where that one ended. */
function checkLink({ entry }: ReadNight, before: ReadNight | undefined, name: string): void {
  const { number, previous_sha256: previous, from, to } = entry;
  mustHold((number === 1) === (previous === null), `${name} says that the entry before has the hash ${previous}`);
  mustHold(number > 1 || !entry.continues, `${name} is the first, and continues another one`);
  if (!before) return;
  mustHold(
    previous === sha256Of(before.bytes),
    `${name} does not follow night ${number - 1}: it names another one by its hash`,
  );
  const last = before.entry;
  const isSameNight = from === last.from && to === last.to && entry.continues;
  const isNext = last.is_complete ? from === last.to && !entry.continues : isSameNight;
  mustHold(isNext, `${name} begins at ${from}, and night ${number - 1} ended at ${last.to}`);
}

function* checkObjects(dir: string, { bytes, entry }: ReadNight, { publicKey }: NightsGiven): Generator<Verified> {
  const { feed, number, archive, signature } = entry;
  const find = (key: string | undefined): Buffer | undefined =>
    key !== undefined && existsSync(join(dir, key)) ? readFileSync(join(dir, key)) : undefined;
  const signed = { named: `night ${number} of ${feed}`, signature, namesKeyFile: true };
  const checks = checkSignature(signed, bytes, {
    // An entry that names none must not have one.
    signature: find(nightKeysOf(feed).signature(number)),
    publicKey: find(signature?.public_key_key),
    expectedKey: publicKey === undefined ? undefined : readFileSync(publicKey),
  });
  // That it is signed is said once, for all.
  for (const verified of checks) if (verified.isSkipped || !signature) yield verified;
  if (archive.page_key === null) return;
  const page = find(archive.page_key);
  if (!page) yield { sentence: `the page of night ${number} is missing: ${archive.page_key}`, isSkipped: true };
  else mustHold(sha256Of(page) === archive.page_sha256, `${archive.page_key} is not the page of night ${number}`);
}

/** @param checked hashes of manifests that were checked before, by key */
function* checkManifest(
  dir: string,
  file: NightFile,
  { number }: NightEntry,
  checked: Map<string, string>,
): Generator<Verified> {
  if (!file.manifest) return;
  const { key, sha256 } = file.manifest;
  const other = checked.get(key) ?? sha256;
  mustHold(other === sha256, `night ${number} names ${key} by another hash than an earlier night`);
  if (!existsSync(join(dir, key))) {
    yield { sentence: `the manifest ${key}, which night ${number} names, is missing`, isSkipped: true };
    return;
  }
  const bytes = readFileSync(join(dir, key));
  mustHold(sha256Of(bytes) === sha256, `${key} is not the manifest that night ${number} names: its hash is another`);
  checked.set(key, sha256);
  const { manifest } = readManifest(bytes, key.slice(key.lastIndexOf('/') + 1));
  const counts = Object.fromEntries(nightCountNames.map((name) => [name, manifest[name]]));
  const isSame =
    manifest.file_id === file.file_id &&
    manifest.manifest_number === file.manifest.number &&
    manifest.archive.manifest_key === key &&
    manifest.lane === file.lane &&
    manifest.source.key.toWellFormed() === file.key &&
    manifest.bundled_files === file.bundled_files &&
    manifest.times.received === file.received &&
    (isUnfinished(file) ||
      (manifest.state === file.state &&
        (manifest.failure?.code ?? null) === file.failure_code &&
        isDeepStrictEqual(counts, file.counts)));
  mustHold(isSame, `night ${number} says something else of ${file.file_id} than its manifest ${key}`);
}

/** What `verify` does with each file's newest manifest: its earlier ones and its evidence included. */
async function* verifyEvidence(
  dir: string,
  mentions: NightMentions,
  { publicKey }: NightsGiven,
  onProgress: OnProgress,
): AsyncGenerator<Verified> {
  let files = 0;
  for (const { fileId, key } of mentions.newest()) {
    if (!existsSync(join(dir, key))) continue;
    files++;
    try {
      for await (const verified of verifyFile(join(dir, key), { publicKey }, onProgress)) {
        if (verified.isSkipped) yield { ...verified, sentence: `the file ${fileId}: ${verified.sentence}` };
      }
    } catch (error) {
      if (!(error instanceof DoesNotHoldError)) throw error;
      throw new DoesNotHoldError(`the file ${fileId}: ${error.message}`, { cause: error });
    }
  }
  yield {
    sentence: `the evidence of ${files} ${files === 1 ? 'file' : 'files'} was checked as \`sluice verify\` does`,
  };
}

function foldersIn(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((each) => each.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function numbersIn(path: string): number[] {
  return readdirSync(path)
    .flatMap((name) => /^([1-9][0-9]{0,9})\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
