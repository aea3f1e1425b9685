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
  Metrics,
  NoticeLedger,
  NoticeQueue,
  PayloadStore,
  ReceiptStore,
  Signer,
} from '../ports.ts';
import type { PartSizes } from './part-sizes.ts';
import type { ReportedFeed } from './write-report.ts';

export interface FinalizerPorts {
  ledger: FileLedger & BatchLedger & DeadLedger & NoticeLedger;
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
  mails: NoticeQueue;
  desk: Desk;
  events: EventPublisher;
  metrics: Metrics;
  clock: Clock;
  log: AuditLog;
  version: string;
}
