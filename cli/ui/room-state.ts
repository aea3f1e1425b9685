import type { PolledSnapshot } from '../live/snapshot-poller.ts';
import type { FeedControl } from './feed-controls.ts';

/** The answer to the page's poll. */
export interface RoomState extends PolledSnapshot {
  /** What applies to each feed; empty while it is not known. */
  controls: FeedControl[];
  /** Running jobs and those that ended a short while ago, newest first. */
  jobs: Job[];
  /** Who acts here: the name that goes into the account. */
  by: string;
}

/** Work that was started from the page. */
export interface Job {
  id: number;
  kind: 'redrive' | 'correction' | 'resolution';
  feed: string;
  /** The letters or rows that it is about, in words. */
  what: string;
  state: 'running' | 'done' | 'failed';
  /** Its progress while it runs, then its result. */
  text: string;
}

/** What an action has come to. */
export interface ActionDone {
  text: string;
}
