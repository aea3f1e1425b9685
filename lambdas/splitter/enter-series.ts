import type { SeriesMatch, SeriesPattern } from '../../feeds/series-pattern.ts';
import { matchSeries, parseSeriesPattern } from '../../feeds/series-pattern.ts';
import { SourceChangedError } from '../core/errors.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { blocksSameBytes } from '../core/account/reading.ts';
import type { KnownRevision, SeriesEntry } from '../core/series/earlier-revisions.ts';
import { entryAfter } from '../core/series/earlier-revisions.ts';
import type { RevisionRules } from '../core/series/revision-guard.ts';
import { seriesIdOf } from '../core/series/series-id.ts';
import type { Clock, FileLedger, SeriesLedger, SourceObjects } from '../ports.ts';
import { nameIn } from './name-in-lane.ts';
import type { AmongRevisions, Standing } from './standing-in-series.ts';
import { standingOf } from './standing-in-series.ts';

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

/** A file of a series: which one, and its place there. */
export interface SeriesMember {
  seriesId: string;
  own: KnownRevision;
  /** Not of a configured one: the desk is only warned, and of this setting. */
  setting?: string;
}

/** What a file's standing means for it. */
export type PlaceAmongRevisions = SeriesEntry & AmongRevisions & { standing: Standing };

/**
 * Undefined if the file belongs to no series.
 * @throws SourceChangedError if the object is no longer the one that was pinned
 */
export async function memberOf(
  file: FileAccount & { sha256: string },
  ports: SeriesPorts,
): Promise<SeriesMember | undefined> {
  const { series } = ports;
  // A bundle's members are records of their own.
  if (!series || file.bundle) return undefined;
  const { key, sequencer } = file.source;
  const name = nameIn(series, key);
  const configured = series.isConfigured ? matchSeries(series.pattern, name) : undefined;
  const match = configured ?? ownSeries(name, series);
  if (!match) return undefined;
  const own: KnownRevision = {
    fileId: file.fileId,
    sha256: file.sha256,
    key: name,
    // Only a configured series has an order.
    modifiedAt: configured ? await modifiedAt(file, ports) : file.createdAt,
    ...(match.number === undefined ? {} : { number: match.number }),
    ...(sequencer === undefined ? {} : { sequencer }),
  };
  return { seriesId: seriesIdOf(file.feed, match), own, ...(configured ? {} : { setting: series.setting }) };
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

/**
 * Adds the file to its series: whether it is a revision of an earlier one that may have been sent. Repeatable: a file keeps its
 * place among the revisions that entered before it.
 */
export async function enterSeries(
  { seriesId, own, setting }: SeriesMember,
  file: FileAccount,
  { ledger, clock }: SeriesPorts,
): Promise<PlaceAmongRevisions> {
  const earlier = await ledger.enterSeries(seriesId, own);
  const among: AmongRevisions = { own, earlier, isOnlyWarned: setting !== undefined };
  const standing = await standingOf(among, ledger);
  const { before, isRepetition, outdone } = standing;
  if (isRepetition && before?.sha256 === own.sha256) {
    const current = await ledger.getFile(before.fileId);
    if (!outdone.has(before.fileId) && current?.reading === file.reading && blocksSameBytes(current)) {
      return { kind: 'duplicate', of: before.fileId, ...among, standing };
    }
  }
  return { ...entryAfter(own, before, setting, clock.now()), ...among, standing };
}
