import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { canonicalJson } from '../../../lambdas/core/canonical-json.ts';
import { filesOf, marginOf, sumsOf } from '../../../lambdas/core/nights/build-night.ts';
import type { NightEntry, NightFile } from '../../../lambdas/core/nights/night-entry.ts';
import { isUnfinished, nightEntry } from '../../../lambdas/core/nights/night-entry.ts';
import { nightKeysOf } from '../../../lambdas/core/nights/night-keys.ts';
import { isTime } from '../read-manifest.ts';
import { parseStrictJson } from '../strict-json.ts';
import { DoesNotHoldError, mustHold } from '../verified.ts';

export interface ReadNight {
  bytes: Buffer;
  entry: NightEntry;
}

/**
 * An entry of a night log, with its fields checked against each other.
 * @throws DoesNotHoldError if it does not have the documented form, or contradicts itself
 */
export function readNight(path: string, feed: string, number: number): ReadNight {
  const bytes = readFileSync(path);
  const name = nameOfNight(feed, number);
  const json = parseStrictJson(bytes, name);
  const read = nightEntry.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new DoesNotHoldError(`${name} is not a night's entry: ${issue?.path.join('.')} ${issue?.message}`);
  }
  const { data: entry } = read;
  mustHold(`${canonicalJson(entry)}\n` === bytes.toString(), `${name} is not in the canonical form`);
  mustHold(entry.number === number && entry.feed === feed, `${name} is night ${entry.number} of ${entry.feed}`);
  checkNames(entry, name);
  checkTimes(entry, name);
  checkSums(entry, name);
  for (const file of [...entry.received, ...entry.earlier]) checkFile(file, entry, name);
  return { bytes, entry };
}

export const nameOfNight = (feed: string, number: number): string => nightKeysOf(feed).entry(number);

/** Names follow from numbers and hashes, so that no object can replace another. */
function checkNames({ feed, number, archive, signature }: NightEntry, name: string): void {
  const keys = nightKeysOf(feed);
  mustHold(archive.entry_key === name, `the own key of ${name} is ${archive.entry_key}`);
  const { page_key: page, page_sha256: sha256 } = archive;
  mustHold(page === (sha256 === null ? null : keys.page(number, sha256)), `${name} names the page ${page}`);
  if (!signature) return;
  const isNamed =
    signature.signature_key === keys.signature(number) &&
    signature.public_key_key === keys.publicKey(signature.public_key_sha256) &&
    signature.public_key_pem_sha256 !== null;
  mustHold(isNamed, `${name} names the signature ${signature.signature_key} and the key ${signature.public_key_key}`);
}

function checkTimes({ from, to, written, received, expectations, deadline }: NightEntry, name: string): void {
  const times = [from, to, written, ...received.flatMap((file) => [file.received, file.finished ?? to])];
  const odd = [...times, ...expectations.map(({ by }) => by)].find((time) => !isTime(time));
  mustHold(odd === undefined, `${odd} in ${name} is not a time in milliseconds, UTC`);
  mustHold(from < to, `${name} ends at ${to}, before it begins`);
  const late = received.find((file) => file.received >= to);
  mustHold(!late, `${name} ends at ${to}, and has ${late?.file_id}, received at ${late?.received}`);
  if (!deadline) return;
  const margin = marginOf(received, to, written);
  const isRight = deadline.margin_seconds === margin && deadline.met === (margin === null ? null : margin >= 0);
  mustHold(isRight, `the deadline of ${name} was met by ${margin} s, not ${deadline.margin_seconds}`);
}

function checkSums({ files, sums, received, earlier, open_dead_letters: open }: NightEntry, name: string): void {
  mustHold(isDeepStrictEqual(filesOf(received), files), `the numbers of files in ${name} are not those of its list`);
  mustHold(isDeepStrictEqual(sumsOf(received), sums), `the sums of ${name} are not those of its files`);
  const ids = [...received, ...earlier].map(({ file_id: id }) => id);
  mustHold(new Set(ids).size === ids.length, `${name} has a file twice`);
  const named = open.most.reduce((sum, { records }) => sum + records, 0);
  const areAll = open.most.length === open.files;
  mustHold(areAll ? named === open.records : named < open.records, `the open dead letters of ${name} do not add up`);
}

function checkFile(file: NightFile, { feed }: NightEntry, name: string): void {
  const { file_id: id, manifest, counts, finished } = file;
  const isOpen = isUnfinished(file);
  mustHold(isOpen === (counts === null), `${name} has counts of ${id} if and only if it is unfinished`);
  mustHold(!isOpen || finished === null, `${name} says when ${id} was finished, which it is not`);
  mustHold(isOpen || manifest !== null, `${name} has no manifest of ${id}, which is ${file.state}`);
  if (!manifest) return;
  const own = manifest.number === 1 ? 'manifest.json' : `manifest.${manifest.number}.json`;
  const [, of, day] = /^(?:quarantine\/)?([^/]+)\/([0-9]{4}\/[0-9]{2}\/[0-9]{2})\//.exec(manifest.key) ?? [];
  const isNamed = of === feed && manifest.key.endsWith(`${feed}/${day}/${id}/${own}`);
  mustHold(isNamed && isPlainId(id), `${name} names ${manifest.key} as manifest ${manifest.number} of ${id}`);
}

/** It is part of a path on this machine. */
const isPlainId = (id: string): boolean => /^[a-zA-Z0-9._-]+$/.test(id) && !/^\.+$/.test(id);
