import type { PolledSnapshot } from '../live/snapshot-poller.ts';

/** The answer to the page's poll. */
export interface RoomState extends PolledSnapshot {
  /** Running redrives and the last ones that ended, newest first. */
  redrives: RedriveJob[];
}

/** A redrive that was started from the page. */
export interface RedriveJob {
  id: number;
  feed: string;
  /** Null: all of the feed's dead letters. */
  reason: string | null;
  state: 'running' | 'done' | 'failed';
  /** Its progress while it runs, then its result. */
  text: string;
}
