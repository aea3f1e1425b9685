import type { SeriesMatch, SeriesPattern } from '../../feeds/series-pattern.ts';
import { matchSeries, parseSeriesPattern } from '../../feeds/series-pattern.ts';
import { SourceChangedError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { KnownRevision, SeriesEntry } from '../core/series/earlier-revisions.ts';
import { entryAfter, mayHaveBeenSent } from '../core/series/earlier-revisions.ts';
import type { RevisionRules } from '../core/series/revision-guard.ts';
import { compareRevisions } from '../core/series/revision-order.ts';
import { seriesIdOf } from '../core/series/series-id.ts';
import type { Clock, FileLedger, SeriesLedger, SourceObjects } from '../ports.ts';

/** How a lane's files are recognised as revisions of each other. */
export interface SeriesSettings {
  /** With `{file}` if none is configured: the same key dropped again. */
  pattern: SeriesPattern;
  /** Without it, the desk is only warned. */
  isConfigured: boolean;
  /** The name of the setting, for sentences. */
  setting: string;
  /** The lane's prefix, which no name of a series contains. */
  keyPrefix: string;
  /** What a revision may change without a person's decision. */
  rules: RevisionRules;
}

const sameKey = parseSeriesPattern('{file}');

export interface SeriesPorts {
  ledger: Pick<FileLedger, 'getFile'> & SeriesLedger;
  sources: Pick<SourceObjects, 'head'>;
  clock: Pick<Clock, 'now'>;
  /** Absent for a feed whose sink recognises a record that comes again. */
  series?: SeriesSettings | undefined;
}

export type EnteredSeries = SeriesEntry & {
  seriesId: string;
  /** The revisions that entered before it. */
  earlier: readonly KnownRevision[];
};

/**
 * Whether the file is a revision of an earlier one that may have been sent. Repeatable: a file keeps its place among the
 * revisions that entered before it. Undefined if it belongs to no series.
 * @throws SourceChangedError if the object is no longer the one that was pinned
 */
export async function enterSeries(
  file: FileAccount & { sha256: string },
  ports: SeriesPorts,
): Promise<EnteredSeries | undefined> {
  const { series, ledger, clock } = ports;
  // A bundle's members are records of their own.
  if (!series || file.bundle) return undefined;
  const { key, sequencer } = file.source;
  const name = key.startsWith(series.keyPrefix) ? key.slice(series.keyPrefix.length) : key;
  const configured = series.isConfigured ? matchSeries(series.pattern, name) : undefined;
  const match = configured ?? ownSeries(name, series);
  if (!match) return undefined;
  const seriesId = seriesIdOf(file.feed, match);
  const own: KnownRevision = {
    fileId: file.fileId,
    sha256: file.sha256,
    key: name,
    // Only a configured series has an order.
    modifiedAt: configured ? await modifiedAt(file, ports) : file.createdAt,
    ...(match.number === undefined ? {} : { number: match.number }),
    ...(sequencer === undefined ? {} : { sequencer }),
  };
  const earlier = await ledger.enterSeries(seriesId, own);
  const before = await newestSent(
    earlier.filter(({ sha256 }) => sha256 !== file.sha256),
    ledger,
  );
  const setting = configured ? undefined : series.setting;
  return { seriesId, earlier, ...entryAfter(own, before, setting, clock.now()) };
}

/** A key that belongs to no configured series is one of its own: it is only warned about. */
function ownSeries(name: string, { isConfigured }: SeriesSettings): SeriesMatch | undefined {
  const match = matchSeries(sameKey, name);
  // No named part of a pattern is empty, so that this is never the id of a configured series.
  return match && isConfigured ? { values: [...match.values, { name: 'no series', value: '' }] } : match;
}

async function modifiedAt({ source, createdAt }: FileAccount, { sources }: SeriesPorts): Promise<number> {
  const head = await sources.head(source);
  if (!head) throw new SourceChangedError(`s3://${source.bucket}/${source.key} is gone.`);
  return head.modifiedAt ?? createdAt;
}

/** The newest of those that may have been sent. @param revisions the last one to enter last */
export async function newestSent(
  revisions: readonly KnownRevision[],
  ledger: SeriesPorts['ledger'],
): Promise<KnownRevision | undefined> {
  let newest: KnownRevision | undefined;
  for (const revision of revisions.toReversed()) {
    if (newest && compareRevisions(revision, newest) !== 'newer') continue;
    if (mayHaveBeenSent(await ledger.getFile(revision.fileId))) newest = revision;
  }
  return newest;
}
