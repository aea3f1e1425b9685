import type { Clock, DeadLedger } from '../../lambdas/ports.ts';
import { formatCountOf } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface LettersPorts {
  ledger: Pick<DeadLedger, 'listDead'>;
  /** SQS's count of the letters queues' messages, of all files. */
  queued: () => Promise<number>;
  terminal: Pick<Terminal, 'progress'>;
  clock: Clock;
}

const pollEveryMs = 500;
/** Counting a file's dead letters reads one item each: not done at every poll. */
const countEveryLooks = 10;
/** A letter that the ledger knows reaches the DLQ within a second or two; another file's letters may keep the queue busy. */
const settledAfterMs = 10_000;
/** Waiting ends after this long without a change. */
const unchangedMs = 60_000;

/**
 * Waits until a file's letters have reached the DLQ, as far as can be seen from outside: the ledger knows each, and the
 * letters queue is empty. False if that was not observed.
 */
export async function awaitLetters(
  fileId: string,
  expected: number,
  ports: LettersPorts,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock, terminal } = ports;
  let changed = { state: '', atMs: clock.now() };
  let allKnownAtMs: number | undefined;
  for (let look = 0; expected > 0; look++) {
    const queued = await ports.queued();
    if (allKnownAtMs === undefined && (queued === 0 || look % countEveryLooks === 0)) {
      if ((await countDead(fileId, ports.ledger)) >= expected) allKnownAtMs = clock.now();
    }
    const now = clock.now();
    if (allKnownAtMs !== undefined && (queued === 0 || now - allKnownAtMs >= settledAfterMs)) break;
    const state = `${queued} ${allKnownAtMs}`;
    if (state !== changed.state) changed = { state, atMs: now };
    if (signal.aborted || now - changed.atMs > unchangedMs) return false;
    terminal.progress('letters', `waiting for ${formatCountOf(expected, 'dead letter')} to reach the DLQ`);
    await clock.sleep(pollEveryMs, signal);
  }
  return true;
}

async function countDead(fileId: string, ledger: LettersPorts['ledger']): Promise<number> {
  let count = 0;
  for await (const _ of ledger.listDead(fileId)) count++;
  return count;
}
