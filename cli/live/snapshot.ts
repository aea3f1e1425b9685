import type { BreakerReason } from '../../lambdas/core/limiter/breaker.ts';
import type { DlqName } from '../dlq/dead-message.ts';
import type { FileSummary } from '../show/file-summary.ts';
import type { LaneName } from '../stack/stack-outputs.ts';

/** What a stack is at, as `watch --json` and the control room have it: one object a look, of JSON's types alone. */
export interface Snapshot {
  stack: string;
  /** `AWS`, or the local cloud's address. */
  cloud: string;
  at: string;
  /** What has to be known first, the gravest before the others. Never empty. */
  headlines: Headline[];
  /** In the order they are served, as many as are shown. */
  files: LiveFile[];
  /** With those that are not shown. */
  files_under_way: number;
  /** The newest first. */
  closed: ClosedFile[];
  apis: LiveApi[];
  queues: LiveQueue[];
  dead_letters: DeadGroup[];
  /** There are more than this. */
  dead_letters_are_partial: boolean;
}

export interface Headline {
  tone: 'calm' | 'busy' | 'warning' | 'alarm';
  text: string;
}

/** What is being done with a file. */
export type Activity = 'checksum' | 'splitting' | 'uploading' | 'held back' | 'closing' | 'stopped';

/** A file under way: what `status --json` tells, counts of unfinished batches included, and how far it is. */
export type LiveFile = FileSummary & {
  name: string;
  activity: Activity;
  /** From 0 to 1; null where nothing tells. */
  checksum_share: number | null;
  split_share: number;
  settled_share: number | null;
  /** When it will be done, by the clock of the feed's people. */
  done_about: string | null;
  /** The same in words, with how far from the deadline that is. */
  projected: string | null;
};

/** A file whose account is closed, by its manifest. */
export type ClosedFile = FileSummary & {
  name: string;
  /** How it ended, in words. */
  verdict: string;
  tone: Headline['tone'];
};

/** What feeds go to, and the limit that they share. */
export interface LiveApi {
  id: string;
  feeds: string[];
  /** Null for the record ledger, which has no limit either. */
  url: string | null;
  limit: { requests: number; window_seconds: number; per_second: number } | null;
  /** Answers a second, as seen here; null until there is enough to tell. */
  measured_per_second: number | null;
  breaker: 'closed' | 'open';
  breaker_reason: BreakerReason | null;
  /** Nothing is sent before: the breaker is open, or the API asked for a pause. */
  paused_until: string | null;
  /** Send times are handed out up to here. */
  leased_until: string | null;
}

/** A queue and its DLQ, with the messages that SQS counts in them: visible, in somebody's hands and delayed. */
export interface LiveQueue {
  queue: DlqName;
  feed: string;
  /** Null for the finalizer's DLQ, which both lanes share. */
  lane: LaneName | null;
  messages: number;
  dead_messages: number;
}

/** Open dead letters of a feed that failed for the same reason last. */
export interface DeadGroup {
  feed: string;
  /** `unknown`: the ledger doesn't know them yet; their letters are on the way, or their batch was buried. */
  outcome: 'rejected' | 'refused' | 'exhausted' | 'unknown';
  reason: string;
  count: number;
}
