import type {
  Archive,
  AuditLog,
  BatchLedger,
  Clock,
  DeadLedger,
  Desk,
  DeskLedger,
  EventPublisher,
  FileLedger,
  FinalizeQueue,
  ReceiptStore,
  Signer,
} from '../ports.ts';
import type { ReportedFeed } from './write-report.ts';

export interface FinalizerPorts {
  ledger: FileLedger & BatchLedger & DeadLedger & Pick<DeskLedger, 'countNotice'>;
  receipts: ReceiptStore;
  archive: Archive;
  archiveBucket: string;
  /** A feed's data for reports; undefined for a feed that is no longer deployed. */
  reported: (feed: string) => ReportedFeed | undefined;
  /** Absent if manifests are not signed. */
  signer?: Signer | undefined;
  finalize: FinalizeQueue;
  desk: Desk;
  events: EventPublisher;
  clock: Clock;
  log: AuditLog;
  version: string;
}
