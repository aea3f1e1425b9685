import type { Feed } from '../../feeds/feed.ts';
import type { FailureRun } from '../core/limiter/breaker.ts';
import type { RateLimit } from '../core/limiter/limiter.ts';
import type { SendRate } from '../core/limiter/send-rate.ts';
import type {
  AuditLog,
  BatchQueue,
  Clock,
  EventPublisher,
  FinalizeQueue,
  Ledger,
  LetterQueue,
  Limiter,
  Metrics,
  PayloadStore,
  ReceiptStore,
  Sink,
  TokenSource,
} from '../ports.ts';
import type { KnownFiles } from './known-files.ts';

export interface ConsumerPorts {
  ledger: Ledger;
  limiter: Limiter;
  sink: Sink;
  tokens: TokenSource;
  batches: BatchQueue;
  letters: LetterQueue;
  finalize: FinalizeQueue;
  receipts: ReceiptStore;
  payloads: PayloadStore;
  events: EventPublisher;
  clock: Clock;
  log: AuditLog;
  metrics: Metrics;
  feed: Feed;
  /** Names the API in log and events. */
  api: string;
  /** As deployed. `isPaced` false: there is none. */
  limit: RateLimit & { isPaced?: boolean | undefined };
  /** Connections that this consumer may hold to the API for batches. */
  connections: number;
  /** This process's run of consecutive failures, kept across batches. */
  run: FailureRun;
  /** This process's requests for batches. */
  rate: SendRate;
  /** The files whose messages this process has checked. */
  files: KnownFiles;
  newId: () => string;
  random: () => number;
}
