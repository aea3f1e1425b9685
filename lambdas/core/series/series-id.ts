import { sha256Of } from '../records/identity.ts';

/**
 * The id of a key's series: `<feed>.<24 hex digits>`, as in file ids, so that IAM policies can restrict a function to its
 * feed's series. Both lanes share it.
 */
export function seriesIdOf(feed: string, { values }: { values: readonly { value: string }[] }): string {
  const hash = sha256Of(JSON.stringify([feed, ...values.map(({ value }) => value)]));
  return `${feed}.${hash.slice(0, 24)}`;
}
