import type { Feed } from '../../feeds/feed.ts';
import type { FileAccount } from '../core/file-account.ts';
import type { AuditLog, BatchQueue, Clock, FileLedger, FinalizeQueue, IntakeQueue, SourceObjects } from '../ports.ts';

export interface SplitterPorts {
  sources: SourceObjects;
  ledger: FileLedger;
  batches: BatchQueue;
  intake: IntakeQueue;
  finalize: FinalizeQueue;
  clock: Clock;
  log: AuditLog;
  feed: Feed;
  /** A new one for each message that is handled. */
  newOwner: () => string;
}

/** A splitter that has not saved anything for this long is taken to be dead. Milliseconds. */
export const fileLeaseMs = 60_000;

/** Saves, and renews the lease. False where another splitter has claimed the file. */
export function saveProgress(
  file: FileAccount,
  ports: Pick<SplitterPorts, 'ledger' | 'clock'>,
  progress: Omit<Parameters<FileLedger['saveSplitProgress']>[2], 'leaseUntil'>,
): Promise<boolean> {
  return ports.ledger.saveSplitProgress(file.fileId, file.epoch, {
    ...progress,
    leaseUntil: ports.clock.now() + fileLeaseMs,
  });
}
