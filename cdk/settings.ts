import type { ControlRule } from '../feeds/control-rule.ts';
import type { ExpectedFile } from './expected-files.ts';
import type { LimitCalendar } from './limit-calendar.ts';
import type { StageName } from './stages/index.ts';
import type { StageNumbers } from './stages/stage-numbers.ts';

/** What a feed's sink allows, all lanes together. */
export interface ApiSettings {
  /** Absent where the sink is the record ledger. */
  url?: string | undefined;
  requests: number;
  windowSeconds: number;
  /** False: requests are not limited, and the numbers above are the expected rate. */
  isPaced: boolean;
  /** When it allows less. The time zone is empty if none was stated. */
  calendar?: LimitCalendar | undefined;
  connections: number;
  /** Consumers of batches, all lanes together. */
  consumers: number;
  /** The proxy on the way to it. */
  proxyUrl?: string | undefined;
  /** PEM; trusted beside the usual certificates. */
  caCertificates?: string | undefined;
}

/** A lane of a feed. The second one, `express`, has queues and functions of its own and shares the API. */
export interface LaneSettings {
  name: 'main' | 'express';
  feed: string;
  /** In the names of the lane's resources, after the stack's. */
  id: string;
  /** The prefix of this lane's keys in the intake bucket. */
  keyPrefix: string;
  /** Files that are split at once. */
  splitters: number;
  consumers: number;
  /** Connections that each consumer of batches may hold. */
  connectionsPerConsumer: number;
  consumerMemoryMb: number;
  /** The largest message with a batch; that of a revision may be larger (lambdas/core/series/revision-limits.ts). */
  maxMessageBytes: number;
  cutLimits: { maxBatchRecords: number; maxBatchBytes: number; maxRecordBytes: number };
}

export interface FeedSettings {
  name: string;
  /** Rejects past this share stop a file. */
  toleratedShare: number;
  /** Its files are taken many at a time. */
  smallFiles: boolean;
  api: ApiSettings;
  archiveRetentionDays: number;
  /** As `05:00 America/New_York`; see deadline.ts. */
  deadline?: string | undefined;
  /** Files that should arrive each day. */
  expected: ExpectedFile[];
  /** Which files are revisions of each other; see feeds/series-pattern.ts. */
  series?: string | undefined;
  /** The control file that each file must agree with; see feeds/control-rule.ts. */
  control?: ControlRule | undefined;
  /** What a revision may change without a person's decision. */
  revisionRules: { changedRecords?: 'replaces' | 'supersedes' | undefined; guard: number };
  /** Of the consumers' logs, where it is longer than the stage's. */
  logRetentionDays?: number | undefined;
  /** As they were given; the feed's declaration has their defaults. */
  options: Record<string, string>;
  lanes: LaneSettings[];
}

export interface Settings extends Omit<StageNumbers, 'feeds' | 'deployedFeeds'> {
  stage: StageName;
  stackName: string;
  /** Sluice's version. */
  version: string;
  feeds: FeedSettings[];
}
