import type { BreakerReason } from '../../lambdas/core/limiter/breaker.ts';
import type { ExpectedState, Obstacle } from '../../lambdas/core/nights/judge-expected.ts';
import type { DlqName } from '../dlq/dead-message.ts';
import type { FileSummary } from '../show/file-summary.ts';
import type { LaneName } from '../stack/stack-outputs.ts';

/** A stack's state, as `watch --json` and the control room show it: one object per snapshot, of JSON types only. */
export interface Snapshot {
  stack: string;
  /** `AWS`, or the local cloud's address. */
  cloud: string;
  at: string;
  /** The IANA name of the time zone of every time in words: one per snapshot. */
  zone: string;
  /** The headlines, the most serious first. Never empty. */
  headlines: Headline[];
  /** The files to show, in the order in which they are sent. */
  files: LiveFile[];
  /** Including files that are not shown. */
  files_under_way: number;
  /** Files that should arrive each day: of each the nearest day, and those that are missed. What is missed comes first. */
  expected_files: LiveExpected[];
  /** The newest first. */
  closed: ClosedFile[];
  apis: LiveApi[];
  queues: LiveQueue[];
  dead_letters: DeadGroup[];
  /** There are more than this. */
  dead_letters_are_partial: boolean;
  /** What a redrive of each feed's dead letters can be expected to do, in sentences. */
  redrive_outlooks: { feed: string; sentences: string[] }[];
}

/** What `status`, `watch` and the control room say in a sentence. Each kind has its file in cli/live/headlines/. */
export interface Headline {
  kind:
    | 'settings'
    | 'sending-off'
    | 'decision'
    | 'api'
    | 'unsent-files'
    | 'control-files'
    | 'strays'
    | 'expected-files'
    | 'progress'
    | 'dead-letters'
    | 'failed-work';
  tone: 'calm' | 'busy' | 'warning' | 'alarm';
  text: string;
  /** The feeds that it concerns. */
  feeds: string[];
  /** The file that it concerns, if it is about a single one. */
  file_id: string | null;
}

/** The step that a file is at. */
export type Activity =
  | 'checksum'
  | 'splitting'
  | 'uploading'
  | 'held back'
  /** For its control file. */
  | 'waiting'
  | 'paused'
  | 'closing'
  | 'stopped';

/** An open file: the fields of `status --json`, counts of unfinished batches included, and its progress. */
export type LiveFile = FileSummary & {
  name: string;
  activity: Activity;
  /** Of its dead-lettered records, those that are not resolved: what the headline and the groups add up. */
  open_dead_letters: number;
  /** From 0 to 1; null if unknown. */
  checksum_share: number | null;
  split_share: number;
  settled_share: number | null;
  /** When it will be done, in the snapshot's time zone. */
  done_about: string | null;
  /** The same in words, with the distance from the deadline. */
  projected: string | null;
};

/** A file that should arrive by a time. */
export interface LiveExpected {
  feed: string;
  name: string;
  /** The day of its time, where its clock is. */
  day: string;
  due: string;
  /** The key after the feed's folder; `*` is any text. */
  key: string;
  /** It must have at least as many. */
  records: number;
  state: ExpectedState;
  /** The file that meets it, or the newest one with its key; null if none is here. */
  file_id: string | null;
  file_state: FileSummary['state'] | null;
  /** Since when that file counts, or when it arrived. */
  arrived: string | null;
  /** Of that file, as far as they are known. */
  found_records: number | null;
  /** Why that file does not count; null if it does. */
  obstacle: Obstacle | null;
  late_by_seconds: number | null;
  /** How it was in the nights before, up to a month. */
  earlier_nights: number;
  earlier_late: number;
  earlier_missed: number;
  /** All of it in words, with times in the snapshot's time zone, and what is happening to the file. */
  text: string;
  /** `late twice in the 30 nights before`; null if none is known. */
  history: string | null;
}

/** A closed file, by its manifest. */
export type ClosedFile = FileSummary & {
  name: string;
  /** How it ended, in words. */
  verdict: string;
  tone: Headline['tone'];
};

/** An API, and the limit that its feeds share. */
export interface LiveApi {
  id: string;
  feeds: string[];
  /** Null for the record ledger, which has no limit. */
  url: string | null;
  limit: { requests: number; window_seconds: number; per_second: number } | null;
  /** Where that limit comes from; null if there is none. */
  policy: LivePolicy | null;
  /** The feeds that operators have paused. */
  paused: LivePause[];
  /** Measured answers per second; null until enough has been measured. */
  measured_per_second: number | null;
  breaker: 'closed' | 'open';
  breaker_reason: BreakerReason | null;
  /** While it is open: since when, when the next probe is due, and what the API answered last, without secrets. */
  breaker_since: string | null;
  next_probe: string | null;
  http_status: number | null;
  api_answer: string | null;
  /** Nothing is sent before this time: the breaker is open, or the API asked for a pause. */
  paused_until: string | null;
  /** Send times are leased up to this time. */
  leased_until: string | null;
}

/** A limit by a person's decision, by the calendar, or as deployed. */
export interface LivePolicy {
  set_by: 'deployment' | 'calendar' | 'operator';
  deployed_requests: number;
  since: string | null;
  until: string | null;
  by: string | null;
  why: string | null;
  /** All of it in words, with times in the snapshot's time zone. */
  text: string;
}

/** A feed that is paused; `text`: `PAUSED by … since …, because …`. */
export interface LivePause {
  feed: string;
  since: string;
  by: string;
  why: string | null;
  text: string;
}

/** A queue and its DLQ, with SQS's counts of their messages: visible, in flight and delayed. */
export interface LiveQueue {
  queue: DlqName;
  feed: string;
  /** Null for the finalizer's DLQ, which both lanes share. */
  lane: LaneName | null;
  messages: number;
  dead_messages: number;
}

/** A feed's open dead letters whose last failure had the same reason. */
export interface DeadGroup {
  feed: string;
  /** `unknown`: not in the ledger yet; their letters are in flight, or their batch was buried. */
  outcome: 'rejected' | 'refused' | 'exhausted' | 'unknown';
  reason: string;
  count: number;
  /** How many of them are of cancelled files, of which nothing is sent. Absent: none. */
  of_cancelled_files?: number;
  /** What a redrive of them can be expected to do, in a sentence. */
  outlook: string;
}
