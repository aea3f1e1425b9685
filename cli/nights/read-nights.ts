import { buffer } from 'node:stream/consumers';
import type { NightEntry } from '../../lambdas/core/nights/night-entry.ts';
import { nightEntry } from '../../lambdas/core/nights/night-entry.ts';
import { nightKeysOf } from '../../lambdas/core/nights/night-keys.ts';
import { localMidnightOf } from '../../lambdas/core/deadlines/feed-deadline.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Archive, NightLedger } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';

export interface NightStack {
  ledger: Pick<NightLedger, 'getNight'>;
  archive: Pick<Archive, 'getStream'>;
}

/** An entry, and the SHA-256 of its bytes. */
export interface StoredNight {
  entry: NightEntry;
  sha256: string;
}

/**
 * A feed's nights, the newest first. Each is checked against the hash that the next one has of it, and the newest against the
 * ledger's.
 * @throws CliError if an entry is missing or was changed, or is of a newer version of Sluice
 */
export async function* readNights(feed: string, stack: NightStack): AsyncGenerator<StoredNight> {
  const head = await stack.ledger.getNight(feed);
  let expected = head?.sha256 ?? null;
  for (let number = head?.number ?? 0; number > 0; number--) {
    const key = nightKeysOf(feed).entry(number);
    const stream = await stack.archive.getStream(key);
    if (!stream) throw new CliError(`The archive does not have ${key}: night ${number} of ${feed} was removed.`);
    const bytes = await buffer(stream);
    const sha256 = sha256Of(bytes);
    if (sha256 !== expected)
      throw new CliError(`${key} was changed: its SHA-256 is ${sha256}, and it was written with ${expected}.`);
    const read = nightEntry.safeParse(JSON.parse(bytes.toString()));
    if (!read.success) throw new CliError(`${key} can't be read by this version of sluice.`, { cause: read.error });
    yield { entry: read.data, sha256 };
    expected = read.data.previous_sha256;
  }
}

/**
 * The newest nights of a feed. One entry is in memory at a time: each may have 20,000 files.
 * @param most of them at most
 * @param keep what is wanted of each
 */
export async function newestNights<T>(
  feed: string,
  most: number,
  stack: NightStack,
  keep: (night: StoredNight) => T,
): Promise<T[]> {
  const nights: T[] = [];
  if (most <= 0) return nights;
  for await (const night of readNights(feed, stack)) {
    nights.push(keep(night));
    if (nights.length >= most) break;
  }
  return nights;
}

/**
 * One night: by its number; by the date on which it ended, where the feed's clock is; or the newest.
 * @throws CliError if there is no such night
 */
export async function findNight(feed: string, wanted: string | undefined, stack: NightStack): Promise<StoredNight> {
  const isDate = wanted !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(wanted);
  if (wanted !== undefined && !isDate && !/^[1-9]\d{0,9}$/.test(wanted)) {
    throw new CliError(`'${wanted}' is neither the number of a night nor a date such as 2026-11-29.`);
  }
  let newest: StoredNight | undefined;
  for await (const night of readNights(feed, stack)) {
    newest ??= night;
    const known = isDate ? dateOf(night.entry) : night.entry.number;
    if (wanted === undefined || String(known) === wanted) return night;
    if (isDate ? dateOf(night.entry) < wanted : night.entry.number < Number(wanted)) break;
  }
  if (!newest) throw new CliError(noNightYet(feed));
  throw new CliError(
    `The night log of ${feed} has no night ${wanted}; the newest is ${newest.entry.number}, which ended on ${dateOf(newest.entry)}.`,
  );
}

export const noNightYet = (feed: string): string =>
  `The night log of ${feed} has no entry yet: the first is written five minutes after its next deadline (midnight UTC without one).`;

/** The day on which a night ended, by the clocks of the deadline's zone. */
export function dateOf({ to, deadline }: Pick<NightEntry, 'to' | 'deadline'>): string {
  return new Date(localMidnightOf(deadline?.time_zone ?? 'UTC', Date.parse(to))).toISOString().slice(0, 10);
}
