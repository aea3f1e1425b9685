import type { Decision } from '../core/limiter/limit-policy.ts';
import type {
  Archive,
  ArchiveUploads,
  AuditLog,
  BatchLedger,
  Clock,
  DeadLedger,
  Desk,
  EventPublisher,
  FileLedger,
  FinalizeQueue,
  IntakeQueue,
  Metrics,
  NoticeLedger,
  NoticeQueue,
  PayloadStore,
  ReceiptStore,
  SeriesLedger,
  Signer,
} from '../ports.ts';
import type { PartSizes } from './part-sizes.ts';
import type { ReportedFeed } from './write-report.ts';

export interface FinalizerPorts {
  ledger: FileLedger & BatchLedger & DeadLedger & NoticeLedger & Pick<SeriesLedger, 'findInSeries' | 'wakeRevision'>;
  receipts: ReceiptStore;
  archive: Archive;
  archiveBucket: string;
  uploads: ArchiveUploads;
  partSizes: PartSizes;
  /** What the next invocation needs of a file that is not closed by one. */
  states: PayloadStore;
  /** New each time. */
  newId: () => string;
  /** A feed's data for reports; undefined for a feed that is no longer deployed. */
  reported: (feed: string) => ReportedFeed | undefined;
  /** Decisions about the limit of a feed's API and about its feeds, the oldest first. */
  feedDecisions: (feed: string) => Promise<readonly Decision[]>;
  /** Absent if manifests are not signed. */
  signer?: Signer | undefined;
  finalize: FinalizeQueue;
  /** The intake queue of a lane of the feed. Absent for a feed without series: none of its files waits for another. */
  intakeOf?: ((lane: string) => IntakeQueue | undefined) | undefined;
  mails: NoticeQueue;
  desk: Desk;
  events: EventPublisher;
  metrics: Metrics;
  clock: Clock;
  log: AuditLog;
  version: string;
}
