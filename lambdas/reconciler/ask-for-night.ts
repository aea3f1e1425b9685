import type { FeedDeadline } from '../core/deadlines/feed-deadline.ts';
import { nightDueAt } from '../core/nights/night-times.ts';
import type { Clock, NightLedger, NightQueue } from '../ports.ts';

export interface AskForNightPorts {
  ledger: Pick<NightLedger, 'getNight'>;
  feed: { feed: string; deadline?: FeedDeadline | undefined };
  nights: NightQueue;
  clock: Pick<Clock, 'now'>;
}

/** Has the finalizer begin the feed's night log, or write the entries that are due; until it has, each run asks again. */
export async function askForNight({ ledger, feed, nights, clock }: AskForNightPorts): Promise<void> {
  const head = await ledger.getNight(feed.feed);
  const isDue = !head || head.isOpening === true || clock.now() >= nightDueAt(head.to, feed.deadline);
  if (isDue) await nights.askForNight(feed.feed);
}
