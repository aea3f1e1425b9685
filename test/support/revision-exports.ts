import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { DeployedStack } from './deployed-stack.ts';
import { header } from './traffic-exports.ts';

export const newPrefix = () => `R${randomUUID().slice(0, 8)}`;

export const airtime = '2026-11-24 05:00:00';

/** A log of that many rows. The first `changed` of them say who has changed them. */
export const exportOf = (prefix: string, rows: number, changed = 0, by = 'Changed') =>
  [
    header,
    ...Array.from({ length: rows }, (_, n) => {
      const client = n < changed ? by : 'Client';
      return `${prefix}-${n + 1},WABC,${airtime},30,${client},x`;
    }),
    '',
  ].join('\n');

/** An entry that a log's row made: the log's text, and what the row says of its client. */
export type Sent = readonly [text: string, client: string];

/**
 * Every entry that the API got for each row, in order of arrival. An API that replaces entries has the last one: none is
 * obsolete, and none is there that another revision's request made once more.
 * @param sentFor of the row with this number
 */
export async function expectEntries(
  stack: DeployedStack,
  prefix: string,
  rows: number,
  sentFor: (row: number) => readonly Sent[],
): Promise<void> {
  const checksums = new Map<string, string>();
  const idOf = (spotId: string, text: string): string => {
    const checksum = checksums.get(text) ?? sha256Of(text);
    checksums.set(text, checksum);
    return sha256Of(JSON.stringify([spotId, airtime, checksum]));
  };
  const wanted = new Map(
    Array.from({ length: rows }, (_, index) => {
      const spotId = `${prefix}-${index + 1}`;
      return [spotId, sentFor(index + 1).map(([text, client]) => `${client} ${idOf(spotId, text)}`)] as const;
    }),
  );
  const schedule = await stack.schedule(prefix);
  const entries = schedule.map(
    (spot) => [spot.spot_id, spot.entries.map((each) => `${each.advertiser} ${each.request_id}`)] as const,
  );
  expect(entries).toHaveLength(rows);
  expect(new Map(entries)).toEqual(wanted);
}
