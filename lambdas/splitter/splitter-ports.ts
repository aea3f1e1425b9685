import type { Feed } from '../../feeds/feed.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { AuditLog, BatchQueue, Clock, FileLedger, FinalizeQueue, IntakeQueue, SourceObjects } from '../ports.ts';
import type { ContentLimits } from '../content/check-content.ts';

export interface SplitterPorts {
  sources: SourceObjects;
  ledger: FileLedger;
  batches: BatchQueue;
  intake: IntakeQueue;
  finalize: FinalizeQueue;
  clock: Clock;
  log: AuditLog;
  feed: Feed;
  /**
   * Of what is compressed or decoded, whatever its format; `roomMs`: an invocation that had this long for it and did not
   * get to the end will not the next time either.
   */
  gzip: ContentLimits & { roomMs: number };
  horizon: Horizon;
  /** A new one for each message that is handled. */
  newOwner: () => string;
  /** A new secret for each file: 32 random bytes in hex. */
  newMessageKey: () => string;
}

/** How much of one file the queue may hold. */
export interface Horizon {
  /** Records that are sent and not settled: what the API takes in the horizon's time, and some batches at the least. */
  records: number;
  /** What the API takes at the most. */
  recordsPerSecond: number;
}

/** A splitter that has not saved anything for this long is taken to be dead. Milliseconds. */
export const fileLeaseMs = 60_000;

/** Saves, and renews the lease. Gives the file as it is then; nothing where another splitter has claimed it. */
export function saveProgress(
  file: FileAccount,
  ports: Pick<SplitterPorts, 'ledger' | 'clock'>,
  progress: Omit<Parameters<FileLedger['saveSplitProgress']>[2], 'leaseUntil'>,
): Promise<FileAccount | undefined> {
  return ports.ledger.saveSplitProgress(file.fileId, file.epoch, {
    ...progress,
    leaseUntil: ports.clock.now() + fileLeaseMs,
  });
}
