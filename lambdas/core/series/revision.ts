import type { Dialect } from '../records/dialect.ts';
import { sha256Of } from '../records/identity.ts';
import type { RevisionCounts } from './known-records.ts';

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
  /** A newer revision stopped it: of what it did not send, the API has what the revision before it says. */
  isPartial?: true;
  /** What its rows mean: see `columnsOf`. Absent in an item of an earlier version, and for records with names of their own. */
  columns?: string;
  records: number;
  receipts: { key: string; sha256: string };
  resolutions?: { key: string; sha256: string };
}

/** A file's item has this of the revisions before it. */
export interface Revision {
  /** The newest first. */
  bases: RevisionBase[];
  counts: RevisionCounts;
  /** The list of what is new, changed and removed, in the archive. Absent if there was no time to make it. */
  comparison?: { key: string; sha256: string };
  /** A record that is sent names the request ids that it supersedes: as the feed declared when the file was compared. */
  supersedes?: true;
  /** A person has decided to send all of it, or there is nothing that it could be compared with. */
  isWhole?: true;
  /** Set once nothing more of the earlier revisions is sent: only then, something of this one is. */
  taken?: true;
}

/** Whether its records have plans. Not if all of them are sent, as new ones. */
export const hasPlan = ({ isWhole, supersedes }: Revision): boolean => !isWhole || supersedes === true;

/** A hash of what gives a row's bytes their meaning: under another header the same bytes are another record. */
export function columnsOf(dialect: Dialect | undefined): string | undefined {
  if (dialect?.format !== 'csv') return undefined;
  return sha256Of(JSON.stringify([dialect.encoding, dialect.delimiter, ...dialect.columns]));
}
