import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import type { LinePace } from '../../lambdas/core/deadlines/pace.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { describeProgress } from './describe-progress.ts';

export interface FollowPorts {
  /** The file's current account; undefined while there is none. */
  look: () => Promise<FileAccount | undefined>;
  /** Why the file makes no progress, as a sentence; called after a while without progress. */
  diagnose: () => Promise<string | undefined>;
  terminal: Pick<Terminal, 'progress' | 'note' | 'endProgress'>;
  clock: Clock;
  /** What the file's records wait for. */
  line: (file: FileAccount) => Promise<LineState>;
  /** As deployed. */
  limitPerSecond: number | undefined;
}

export interface LineState {
  pace: LinePace | undefined;
  /** Why nothing is sent, if its feed is paused or the breaker is open. */
  stopped: string | undefined;
  /** The limit that applies, if it is known. */
  limitPerSecond?: number;
}

const noLine: LineState = { pace: undefined, stopped: undefined };

const pollEveryMs = 500;
/** Following ends after this long without an answer. */
const giveUpAfterMs = 5 * 60_000;
const diagnoseAfterMs = 60_000;

/**
 * Follows a file until its account is closed and its manifest is in the archive. Returns undefined if the signal fires.
 * Failed reads are retried: a file takes hours, a network's hiccup seconds.
 */
export async function followFile(ports: FollowPorts, signal: AbortSignal): Promise<FileAccount | undefined> {
  const { clock, terminal, limitPerSecond } = ports;
  let answeredAt = clock.now();
  let moved = { to: '', atMs: clock.now() };
  let shown: string | undefined;
  while (!signal.aborted) {
    try {
      const file = await ports.look();
      const now = clock.now();
      answeredAt = now;
      if (file && !isManifestOwed(file)) return file;
      const line = describeProgress({ file, limitPerSecond, ...(file ? await ports.line(file) : noLine) });
      terminal.progress(line.phase, line.text);
      const state = JSON.stringify([file?.state, file?.settled, file?.checkpoint, file?.hashProgress]);
      if (state !== moved.to) moved = { to: state, atMs: now };
      else if (now - moved.atMs > diagnoseAfterMs) {
        moved.atMs = now;
        const found = await ports.diagnose();
        if (found !== undefined && found !== shown) terminal.note((shown = found));
      }
    } catch (error) {
      if (clock.now() - answeredAt > giveUpAfterMs) throw error;
      terminal.progress('unanswered', 'the cloud does not answer; trying again');
    }
    await clock.sleep(pollEveryMs, signal);
  }
  return undefined;
}
