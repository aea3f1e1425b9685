import { createHash } from 'node:crypto';
import type { Feed } from '../../feeds/feed.ts';
import { feedNamed } from '../../feeds/index.ts';
import type { CutLimits, Dialect } from '../../lambdas/core/records/dialect.ts';
import type { SliceMessage } from '../../lambdas/messages.ts';
import type { MemoryLedger } from './memory-ledger.ts';

/** A file of traffic spots in JSON Lines, small enough to be a batch. */
export interface FeedFixture {
  feed: Feed;
  fileId: string;
  sha256: string;
  dialect: Dialect;
  limits: CutLimits;
  message: SliceMessage;
}

export const limits: CutLimits = { maxBatchRecords: 500, maxBatchBytes: 96_000, maxRecordBytes: 64 * 1024 };

/** A good row, in the source's words. */
export function rowOf(number: number): Record<string, unknown> {
  return {
    SpotID: `SP-${String(number).padStart(6, '0')}`,
    StationCode: 'WABC',
    AirDateTime: '2026-01-05 06:00:00',
    Duration: '30',
    ClientName: `Client ${number}`,
  };
}

/** @param rows as in the file, one per line */
export function fixtureOf(rows: (Record<string, unknown> | string)[], feed = feedNamed('traffic')): FeedFixture {
  const body = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const fileId = sha256.slice(0, 24);
  return {
    feed,
    fileId,
    sha256,
    dialect: { format: 'jsonl', encoding: 'utf-8', bodyOffset: 0, bodyLine: 1 },
    limits,
    message: {
      v: 1,
      kind: 'slice',
      feed: feed.name,
      fileId,
      batch: 1,
      attempt: 1,
      failures: 0,
      offset: 0,
      firstRecord: 1,
      firstLine: 1,
      records: rows.length,
      encoding: 'text',
      body,
    },
  };
}

/** The fixture's file as the splitter leaves it: split, its one batch in the queue. @param messageKey none: as an earlier version left it */
export async function putSplitFile(ledger: MemoryLedger, fixture: FeedFixture, messageKey?: string): Promise<void> {
  const { fileId, sha256, dialect, limits } = fixture;
  const feed = fixture.feed.name;
  const source = { bucket: 'intake', key: 'traffic/log.jsonl', etag: '"e"', sizeBytes: fixture.message.body.length };
  await ledger.claimFile(
    fileId,
    { fileId, feed, lane: feed, source, limits, ...(messageKey === undefined ? {} : { messageKey }) },
    'splitter',
    1,
  );
  await ledger.saveSplitProgress(fileId, 1, { sha256, dialect, leaseUntil: 0 });
  await ledger.finishSplit(fileId, 1, { records: fixture.message.records, batches: 1 }, []);
}
