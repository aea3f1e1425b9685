import type { Feed } from '../../feeds/feed.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type {
  Archive,
  AuditLog,
  BatchQueue,
  Clock,
  ControlLedger,
  DeadLedger,
  FileLedger,
  FinalizeQueue,
  IntakeQueue,
  Metrics,
  SeriesLedger,
  SourceObjects,
} from '../ports.ts';
import type { RateLimit } from '../core/limiter/limiter.ts';
import type { ContentLimits } from '../content/check-content.ts';
import type { SeriesSettings } from './enter-series.ts';
import type { LatestPlan } from './latest-plan.ts';
import type { ControlSettings } from './control-settings.ts';

export interface SplitterPorts {
  sources: SourceObjects;
  ledger: FileLedger & SeriesLedger & ControlLedger & Pick<DeadLedger, 'listDead' | 'resolveDead'>;
  batches: BatchQueue;
  intake: IntakeQueue;
  finalize: FinalizeQueue;
  clock: Clock;
  log: AuditLog;
  metrics: Pick<Metrics, 'add'>;
  feed: Feed;
  /**
   * Limits of compressed or decoded content, whatever its format; `roomMs`: an invocation that had this long for it and did
   * not finish will not finish the next time either.
   */
  gzip: ContentLimits & { roomMs: number };
  horizon: Horizon;
  /** Absent for a feed whose sink recognises a record that comes again. */
  series?: SeriesSettings | undefined;
  plans: LatestPlan;
  /** Absent if the feed's files have no control files. */
  control?: ControlSettings | undefined;
  /** Where a list of what a file and its control file do not have in common is stored. */
  lists?: Pick<Archive, 'putOnce'> | undefined;
  /** The evidence of earlier revisions, and the lists of what changed. Absent if no series is configured. */
  archive?: Pick<Archive, 'getStream' | 'putStream' | 'has'> | undefined;
  /** A new owner for each message that is handled. */
  newOwner: () => string;
  /** A new secret for each file: 32 random bytes in hex. */
  newMessageKey: () => string;
}

/** How much of one file the queue may hold. */
export interface Horizon {
  /** Records that are sent and not settled: what the API takes in the horizon's time, but at least a few batches. */
  records: number;
  /** The API's maximum rate. */
  recordsPerSecond: number;
  /** Absent if it has no limit that consumers keep. */
  limit?: RateLimit | undefined;
}

/** A splitter that has saved nothing for this long counts as dead. Milliseconds. */
export const fileLeaseMs = 60_000;

/** Saves, and renews the lease. Returns the file after the write; undefined if another splitter has claimed it. */
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
