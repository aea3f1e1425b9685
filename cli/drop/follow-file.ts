import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import type { Clock } from '../../lambdas/ports.ts';
import { RateMeter } from '../terminal/rate-meter.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { answeredOf, describeProgress } from './describe-progress.ts';

export interface FollowPorts {
  /** The file's account as it is now; undefined while there is none. */
  look: () => Promise<FileAccount | undefined>;
  /** Something that keeps the file from moving, in a sentence; asked when nothing has moved for a while. */
  diagnose: () => Promise<string | undefined>;
  terminal: Pick<Terminal, 'progress' | 'note' | 'endProgress'>;
  clock: Clock;
  limitPerSecond: number | undefined;
}

const pollEveryMs = 500;
/** A cloud that doesn't answer for so long won't. */
const giveUpAfterMs = 5 * 60_000;
const diagnoseAfterMs = 60_000;

/**
 * Watches a file until its account is closed, its manifest in the archive. Gives undefined when the signal fires.
 * A look that fails is made again: the file's way takes hours, a network's hiccup seconds.
 */
export async function followFile(ports: FollowPorts, signal: AbortSignal): Promise<FileAccount | undefined> {
  const { clock, terminal, limitPerSecond } = ports;
  const meter = new RateMeter();
  let answeredAt = clock.now();
  let moved = { to: '', atMs: clock.now() };
  let told: string | undefined;
  while (!signal.aborted) {
    try {
      const file = await ports.look();
      const now = clock.now();
      answeredAt = now;
      if (file && !isManifestOwed(file)) return file;
      if (file) meter.add(now, answeredOf(file));
      const line = describeProgress({ file, perSecond: meter.perSecond(), limitPerSecond });
      terminal.progress(line.phase, line.text);
      const state = JSON.stringify([file?.state, file?.settled, file?.checkpoint, file?.hashProgress]);
      if (state !== moved.to) moved = { to: state, atMs: now };
      else if (now - moved.atMs > diagnoseAfterMs) {
        moved.atMs = now;
        const found = await ports.diagnose();
        if (found !== undefined && found !== told) terminal.note((told = found));
      }
    } catch (error) {
      if (clock.now() - answeredAt > giveUpAfterMs) throw error;
      terminal.progress('unanswered', 'the cloud does not answer; trying again');
    }
    await clock.sleep(pollEveryMs, signal);
  }
  return undefined;
}
