import * as z from 'zod';
import type { ReconcilePorts } from './reconcile.ts';
import { reconcile } from './reconcile.ts';

/** The event of the schedule of the feed's deadline; the regular schedule sends another kind of event. */
const deadlineEvent = z.object({ kind: z.literal('deadline'), feed: z.string() });

/**
 * Runs on a schedule, and at the feed's deadline. A failed run shows up in the function's error metric; Lambda retries it,
 * and the next run does its work.
 */
export function createReconcilerHandler(ports: ReconcilePorts) {
  return (event: unknown): Promise<void> => {
    const deadline = deadlineEvent.safeParse(event);
    return reconcile(deadline.success && deadline.data.feed === ports.feed.feed, ports);
  };
}
