import { schemaVersion } from '../account/schema-version.ts';
import type { KnownRevision } from '../series/earlier-revisions.ts';
import { maxKnownRevisions } from '../series/earlier-revisions.ts';
import type { ItemChange } from './item-change.ts';
import { isNew } from './item-change.ts';
import { expiryOf } from './stored-item.ts';

/** The ledger's item of a series. */
export interface SeriesAccount {
  seriesId: string;
  /** Raised by every write: a write that was decided on an older version is refused. */
  version: number;
  /** In the order in which they entered; at most `maxKnownRevisions`. */
  revisions: KnownRevision[];
}

/** A file enters its series, after those that are known now. @param series undefined if there is none yet */
export function enterSeries(
  seriesId: string,
  series: SeriesAccount | undefined,
  revision: KnownRevision,
  now: number,
): ItemChange {
  const known = series?.revisions ?? [];
  const account: SeriesAccount = {
    seriesId,
    version: (series?.version ?? 0) + 1,
    revisions: [...known, revision].slice(-maxKnownRevisions),
  };
  return {
    when: [series ? { name: 'version', is: '=', value: series.version } : isNew],
    set: { v: schemaVersion, ...account, expiresAt: expiryOf(now) },
  };
}
