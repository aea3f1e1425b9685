import { decisionsOf } from '../../lambdas/core/account/decisions.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isAwaited } from '../../lambdas/core/series/go-without.ts';
import type { ReleaseChoice } from '../../lambdas/core/series/release-choices.ts';
import { withoutChoice } from '../../lambdas/core/series/release-choices.ts';
import { hasTakenOver, isToTakeOver, isWaitingForRevision } from '../../lambdas/core/series/waiting-revision.ts';
import type { FileLedger, SeriesLedger } from '../../lambdas/ports.ts';
import { choicesOf, mayBeReleased } from './release-file.ts';

/** What a person may decide about a file that is held or waits. */
export interface ReleaseOptions {
  /** What is held can be sent. `choices`: the answers, of which a release needs one; empty if it sends what is held. */
  held: { why: string; choices: ReleaseChoice[] } | null;
  /** The earlier revision that it waits for, or would wait for once it is released, and that it may go on without. */
  without: WithoutOption | null;
}

export type WithoutOption = ReturnType<typeof withoutChoice> & { earlier: string };

interface OptionPorts {
  ledger: Pick<FileLedger, 'getFile'> & Pick<SeriesLedger, 'findInSeries'>;
}

/** @param now milliseconds since 1970 */
export async function releaseOptions(file: FileAccount, ports: OptionPorts, now: number): Promise<ReleaseOptions> {
  const isHeld = mayBeReleased(file);
  const earlier = await awaitedBy(file, ports, now);
  return {
    held: isHeld ? { why: file.quarantine?.message ?? '', choices: choicesOf(file) } : null,
    without: earlier === undefined ? null : { earlier, ...withoutChoice(earlier) },
  };
}

/** The first of the earlier revisions that keeps it from being sent, unless it is decided already that it goes on without. */
async function awaitedBy(file: FileAccount, { ledger }: OptionPorts, now: number): Promise<string | undefined> {
  for (const fileId of await earlierOf(file, ledger)) {
    const isDecided = decisionsOf(file).some((each) => each.kind === 'without' && each.earlier === fileId);
    const earlier = isDecided ? undefined : await ledger.getFile(fileId);
    if (earlier && isAwaited(earlier, now)) return fileId;
  }
  return undefined;
}

async function earlierOf(file: FileAccount, ledger: OptionPorts['ledger']): Promise<string[]> {
  // Before it has a place in its series, its item names the one that it waits for.
  if (file.state === 'splitting') return isWaitingForRevision(file) ? [file.waitsFor.fileId] : [];
  if (!file.series || !(isHeldRevision(file) || isToTakeOver(file))) return [];
  const { earlier = [] } = (await ledger.findInSeries(file.series.id, file.fileId)) ?? {};
  return earlier.map(({ fileId }) => fileId);
}

/** It is held, and takes over from the earlier revisions once it is released. */
export const isHeldRevision = (file: FileAccount): boolean =>
  mayBeReleased(file) && choicesOf(file).length > 0 && !hasTakenOver(file);
