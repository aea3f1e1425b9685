import type { Who } from '../operate/who.ts';
import type { PlannedCorrection } from '../reingest/plan-corrections.ts';
import { reingestToEnd } from '../reingest/reingest-to-end.ts';
import { formatEnds } from '../show/reingest-result.ts';
import type { DeadIndex } from './dead-index.ts';
import type { RoomPorts } from './room-ports.ts';
import type { RoomStack } from './room-stack.ts';
import type { Job } from './room-state.ts';
import { RouteRefusal } from './route.ts';

/** Sends corrected rows and follows them, as `dlq reingest` does; the page shows how far it is. */
export function sendInBackground(
  corrections: readonly PlannedCorrection[],
  { what, who }: { what: string; who: Who },
  stack: RoomStack,
  { jobs, clock }: Pick<RoomPorts, 'jobs' | 'clock'>,
  index: DeadIndex,
): Job {
  const feed = corrections[0]?.file.feed ?? '';
  const started = jobs.start({ kind: 'correction', feed, what }, async (say, signal) => {
    const terminal = { progress: (_: string, text: string) => say(text) };
    try {
      const { ended, amendments } = await reingestToEnd(corrections, who, { ...stack, clock, terminal }, signal);
      return formatEnds(ended, amendments).trim();
    } finally {
      index.forget();
    }
  });
  if (started.kind === 'busy') throw new RouteRefusal(409, 'It is being sent already.');
  return started.job;
}
