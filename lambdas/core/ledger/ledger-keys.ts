import type { LateControl } from '../control/late-control.ts';
import type { FileNotice } from '../notices/file-notice.ts';
import { sha256Of } from '../records/identity.ts';
import type { ItemKey } from './item-change.ts';

/** The keys of every kind of item in the ledger's table. */

/** A file's account. Its batches, dead records and notes are in the same partition. */
export const fileKey = (fileId: string): ItemKey => ({ pk: filePartition(fileId), sk: 'FILE' });
export const filePartition = (fileId: string) => `FILE#${fileId}`;
export const fileIdOfKey = ({ pk }: ItemKey) => pk.slice(filePartition('').length);

/** Eight digits, so that the items are in the order of the batches. */
export const batchPrefix = 'BATCH#';
export const batchKey = (fileId: string, batch: number): ItemKey => ({
  pk: filePartition(fileId),
  sk: `${batchPrefix}${String(batch).padStart(8, '0')}`,
});

/** A manifest's figures. Eight digits, so that the items are in the order of the manifests. */
export const manifestKey = (fileId: string, number: number): ItemKey => ({
  pk: filePartition(fileId),
  sk: `MANIFEST#${String(number).padStart(8, '0')}`,
});

/** Ten digits, so that the items are in the order of the records. */
export const deadPrefix = 'DEAD#';
export const deadKey = (fileId: string, record: number): ItemKey => ({
  pk: filePartition(fileId),
  sk: `${deadPrefix}${String(record).padStart(10, '0')}`,
});

/** The digests of letters that were sent together. */
export const noteKey = (fileId: string, note: string): ItemKey => ({ pk: filePartition(fileId), sk: `NOTE#${note}` });

/**
 * Which file of a feed has these bytes, read in this way; `undefined`: as an earlier version stored it, for any reading.
 */
export const checksumKey = (feed: string, sha256: string, reading: string | undefined): ItemKey => ({
  pk: `SHA#${feed}#${sha256}`,
  sk: reading === undefined ? 'FILE' : `READ#${reading}`,
});

/** The files that are revisions of each other; the series' id begins with its feed. */
export const seriesKey = (seriesId: string): ItemKey => ({ pk: `SERIES#${seriesId}`, sk: 'SERIES' });

/** Which versions of a file and of its control file have come. @param name the file's key without its lane's prefix */
export const controlKey = (feed: string, name: string): ItemKey => ({ pk: `CONTROL#${feed}#${name}`, sk: 'CONTROL' });
/** As for a file without a name, which no control file has: one pattern in a policy is enough. */
export const latePartition = (feed: string) => `CONTROL#${feed}#`;
/** A control file that was not compared with the file that it speaks of. */
export const lateKey = (feed: string, { fileId, control: { key, versionId, etag } }: LateControl): ItemKey => ({
  pk: latePartition(feed),
  sk: sha256Of(JSON.stringify([fileId, key, versionId ?? etag])),
});

export const alteredPartition = (feed: string) => `ALTERED#${feed}`;
/** A letter that came back altered, by the SHA-256 of its content. */
export const alteredKey = (feed: string, sha256: string): ItemKey => ({ pk: alteredPartition(feed), sk: sha256 });

export const reconcilerKey = (feed: string): ItemKey => ({ pk: `RECONCILER#${feed}`, sk: 'LEASE' });
export const deskKey = (feed: string): ItemKey => ({ pk: `DESK#${feed}`, sk: 'DESK' });
export const deadlineKey = (feed: string): ItemKey => ({ pk: `DESK#${feed}`, sk: 'DEADLINE' });
export const mailKey = (feed: string): ItemKey => ({ pk: `DESK#${feed}`, sk: 'MAIL' });
/** A file's end, for the desk: by time, so that those of a day can be queried. */
export const noticeKey = ({ feed, fileId, manifestNumber, at }: FileNotice): ItemKey => ({
  pk: `DESK#${feed}`,
  sk: `NOTICE#${new Date(at).toISOString()}#${fileId}#${manifestNumber}`,
});
export const noticesOfDay = (feed: string, atMs: number) => ({
  pk: `DESK#${feed}`,
  skPrefix: `NOTICE#${new Date(atMs).toISOString().slice(0, 10)}`,
});
export const straysKey = (feed: string): ItemKey => ({ pk: `DESK#${feed}`, sk: 'STRAYS' });
export const expectedKey = (feed: string): ItemKey => ({ pk: `DESK#${feed}`, sk: 'EXPECTED' });
export const sweepKey = (feed: string, lane: string): ItemKey => ({ pk: `DESK#${feed}`, sk: `SWEEP#${lane}` });

/** How far the feed's night log has come. */
export const nightKey = (feed: string): ItemKey => ({ pk: `DESK#${feed}`, sk: 'NIGHT' });

/** One item per API, so that all consumers of all feeds, files and lanes share its limit. */
export const limiterKey = (api: string): ItemKey => ({ pk: `LIMITER#${api}`, sk: 'LIMITER' });

/** Beside it: the decisions in force, and every decision by its time and the number of the policy that it made. */
export const policyKey = (api: string): ItemKey => ({ pk: limiterKey(api).pk, sk: 'POLICY' });
export const decisionPrefix = 'DECISION#';
export const decisionKey = (api: string, { at, policy }: { at: number; policy: number }): ItemKey => ({
  pk: limiterKey(api).pk,
  sk: `${decisionPrefix}${new Date(at).toISOString()}#${String(policy).padStart(8, '0')}`,
});

/** The parts of the index by feed: files that still have work, files with open dead letters, and all others. */
export type ListName = 'open' | 'dead' | 'closed';

/** Only files have these attributes, so the index contains nothing else. */
export const listPkOf = (list: ListName, feed: string) => `${list.toUpperCase()}#${feed}`;

export const listSkOf = ({ createdAt, fileId }: { createdAt: number; fileId: string }) =>
  `${new Date(createdAt).toISOString()}#${fileId}`;
