import type { Clock } from '../../lambdas/ports.ts';
import { formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { RedriveCounts, RedriveWatch } from './redrive-watch.ts';

export interface FollowRedrivePorts {
  clock: Clock;
  terminal: Pick<Terminal, 'progress'>;
  /** Messages in the letters queues, of all files: visible, in flight and delayed. */
  queued: () => Promise<number>;
}

/** What has to end: these records, or as many as SQS reports to have moved. */
export type Redriven = { keys: ReadonlySet<string> } | { count: number };

const pollEveryMs = 1_000;
/** Each poll reads one item per record: the more records, the longer the interval. */
const recordsPerMs = 1;
/** SQS's counts are approximate: a queue counts as empty after this long at zero. */
const quietMs = 15_000;

/**
 * Waits until every redriven letter is resolved or has failed again (a letter that failed is in the DLQ once the letters
 * queue is empty), or until the signal fires. Returns the outcomes.
 */
export async function followRedrive(
  watch: RedriveWatch,
  redriven: Redriven,
  ports: FollowRedrivePorts,
  signal: AbortSignal,
): Promise<{ counts: RedriveCounts; isOver: boolean }> {
  const { clock, terminal } = ports;
  const total = 'keys' in redriven ? redriven.keys.size : redriven.count;
  let emptySince: number | undefined;
  for (;;) {
    const queued = await ports.queued();
    const counts = await watch.look();
    const now = clock.now();
    if (queued > 0) emptySince = undefined;
    else emptySince ??= now;
    const isOver = 'keys' in redriven ? watch.areAtRest(redriven.keys) : counts.atRest >= total;
    if (isOver || (emptySince !== undefined && now - emptySince >= quietMs)) return { counts, isOver: true };
    if (signal.aborted) return { counts, isOver: false };
    terminal.progress('redrive', progressOf(counts, total));
    await clock.sleep(Math.max(pollEveryMs, watch.size / recordsPerMs), signal);
  }
}

export function progressOf(counts: RedriveCounts, total: number): string {
  const failed = [...counts.failed].map(([reason, count]) => `${formatCount(count)} ${reason}`);
  const again = failed.length === 0 ? '' : `, failed again: ${failed.join(', ')}`;
  return `redriven ${formatCount(total)}, resolved ${formatCount(counts.resolved)}${again}`;
}
