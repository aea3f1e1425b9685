import * as z from 'zod';
import type { Feed } from '../../../feeds/feed.ts';
import type { FileAccount } from './file-account.ts';
import { isOutrun } from './stops.ts';
import { isOpen } from './file-account.ts';
import { sha256Of } from '../records/identity.ts';
import type { CutLimits, Dialect } from '../records/dialect.ts';

/**
 * A fingerprint of how a file is read: its dialect, the limits that decide which records are good, and the feed's rules.
 * The same bytes under another fingerprint count as another file, since they yield other records. 32 hex digits.
 */
export function readingOf(dialect: Dialect, { maxRecordBytes }: CutLimits, feed: Feed): string {
  const inOrder = Object.entries(dialect).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256Of(JSON.stringify([inOrder, maxRecordBytes, rulesOf(feed)])).slice(0, 32);
}

const known = new WeakMap<Feed, string>();

function rulesOf(feed: Feed): string {
  const { columns, integerFields, exactNumbers = false, rulesVersion = 1, optionValues } = feed;
  // Refinements and transformations are functions: `rulesVersion` covers them.
  const schema = () => z.toJSONSchema(feed.schema, { io: 'input', unrepresentable: 'any' });
  const rules =
    known.get(feed) ??
    sha256Of(JSON.stringify([columns, integerFields, exactNumbers, rulesVersion, optionValues, schema()]));
  known.set(feed, rules);
  return rules;
}

/**
 * Whether a file prevents a later one with the same bytes and the same reading from being sent: it is in progress, or the
 * sink has accepted some of it. Records that the first file did not send must not be lost because it came first.
 */
export function blocksSameBytes(before: FileAccount | undefined): boolean {
  // A newer revision has stopped it: the rest of it is never sent, also if that revision was not sent either.
  if (before && isOutrun(before)) return false;
  if (isOpen(before)) return true;
  if (before?.state !== 'completed') return false;
  const { uploaded, duplicate, unchanged = 0 } = before.settled;
  // A record may have succeeded later: redriven, corrected, or settled by hand.
  return uploaded + duplicate + unchanged > 0 || before.lastResolvedAt !== undefined;
}
