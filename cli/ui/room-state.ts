import type { PolledSnapshot } from '../live/snapshot-poller.ts';

/** What the page is told at each poll. */
export interface RoomState extends PolledSnapshot {
  /** The newest first: those that run, and the last that ended. */
  redrives: RedriveJob[];
}

/** A redrive that was started from the page. */
export interface RedriveJob {
  id: number;
  feed: string;
  /** Null: all of the feed's dead letters. */
  reason: string | null;
  state: 'running' | 'done' | 'failed';
  /** While it runs, where it is; then what has come of it. */
  text: string;
}
