import type { Dialect } from '../records/dialect.ts';
import { sha256Of } from '../records/identity.ts';
import type { RevisionCounts } from './known-records.ts';
import type { ChangedRecords } from './revision-guard.ts';

/**
 * An earlier revision that a file is compared with: its evidence in the archive, pinned by hashes, so that every cut of
 * the file is planned in the same way.
 */
export interface RevisionBase {
  fileId: string;
  /** Of its newest manifest. */
  manifest: number;
  /** SHA-256 of that manifest's bytes. Absent in an item of an earlier version. */
  manifestSha256?: string;
  /** SHA-256 of its bytes, which is part of its request ids. */
  checksum: string;
  /** So is its file id. */
  idsHaveFileId?: true;
  /** Only for records that later revisions no longer have: it may be left out. */
  isOptional?: true;
  /** It was not completed: of what it did not send, the API has what the revision before it says. */
  isPartial?: true;
  /** What its rows mean: see `columnsOf`. Absent in an item of an earlier version, and for records with names of their own. */
  columns?: string;
  records: number;
  receipts: { key: string; sha256: string };
  resolutions?: { key: string; sha256: string };
}

/** What the feed declares that its API does with a changed record, at the time when a file is compared. */
export interface Declaration {
  /** A record that is sent names the request ids that it supersedes. */
  supersedes?: true;
  /** The API has a key of its own. Neither: it keeps both, or the item is of an earlier version. */
  replaces?: true;
}

/** A file's item has this of the revisions before it. */
export interface Revision extends Declaration {
  /** The newest first. */
  bases: RevisionBase[];
  counts: RevisionCounts;
  /** The list of what is new, changed and removed, in the archive. Absent if there was no time to make it. */
  comparison?: { key: string; sha256: string };
  /** Of a release that answers `rules_changed`, its number: what is left is planned by the rules of then. */
  plannedFor?: number;
  /** A person has decided to send all of it, or there is nothing that it could be compared with. */
  isWhole?: true;
  /** Set once nothing more of the earlier revisions is sent: only then, something of this one is. */
  taken?: true;
}

/** Whether its records have plans. Not if all of them are sent, as new ones. */
export const hasPlan = ({ isWhole, supersedes }: Revision): boolean => !isWhole || supersedes === true;

/**
 * How many of the bases, from the newest on, say for certain what the API has: one, and those before it as long as a newer
 * one was stopped.
 */
export function certainBases(bases: readonly { isPartial?: boolean }[]): number {
  const whole = bases.findIndex(({ isPartial }) => !isPartial);
  return whole < 0 ? bases.length : whole + 1;
}

/** Once something of the file may have been sent, it does not change. */
export function declarationOf(revision: Revision | undefined, declared: ChangedRecords | undefined): Declaration {
  if (revision?.taken) {
    const { supersedes, replaces } = revision;
    return { ...(supersedes ? { supersedes } : {}), ...(replaces ? { replaces } : {}) };
  }
  return declared === undefined ? {} : { [declared]: true };
}

/**
 * Whether the API may have an earlier version of a row that was not compared, and would have both if it was sent as a new
 * record. Not if a person has decided that all of the file is sent as new records.
 */
export function mayHaveEarlier({ revision }: { revision?: Revision }): boolean {
  return revision !== undefined && revision.bases.length > 0 && !revision.replaces && hasPlan(revision);
}

/** A hash of what gives a row's bytes their meaning: under another header the same bytes are another record. */
export function columnsOf(dialect: Dialect | undefined): string | undefined {
  if (dialect?.format !== 'csv') return undefined;
  return sha256Of(JSON.stringify([dialect.encoding, dialect.delimiter, ...dialect.columns]));
}
