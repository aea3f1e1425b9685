import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { readPolicy } from '../../lambdas/ledger/limiter-store.ts';
import { Cached } from '../live/cached.ts';
import type { LineState } from './follow-file.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import type { OutcomeCounts } from '../../lambdas/core/account/outcome.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import type { ArchivedManifest } from '../archive/read-archive.ts';
import { readManifest } from '../archive/read-archive.ts';
import { countMessages } from '../../lambdas/adapters/sqs-queue-access.ts';
import { InterruptedError } from '../interrupt.ts';
import { functionSwitches, readSendingOff } from '../live/sending-off.ts';
import { lambdaClientFor } from '../stack/clients.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { awaitLetters } from './await-letters.ts';
import type { DroppedObject } from './find-dropped-file.ts';
import { findDroppedFile, idOfDropped } from './find-dropped-file.ts';
import type { ObstaclePorts } from './find-obstacle.ts';
import { findObstacle } from './find-obstacle.ts';
import { followFile } from './follow-file.ts';
import { lineStateOf } from './line-state.ts';
import { liveCounts } from './live-counts.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** Interval between counts, each of which reads one item per batch. Milliseconds. */
const countEveryMs = 1_500;

/**
 * Follows a dropped file, with progress, until its account is closed and its dead letters have reached the DLQ.
 * @throws InterruptedError when the signal fires; the file is still processed
 */
export async function followToEnd(
  dropped: DroppedObject,
  stack: OpenStack,
  terminal: Pick<Terminal, 'progress' | 'endProgress' | 'note'>,
  signal: AbortSignal,
): Promise<ArchivedManifest> {
  const file = await follow(dropped, stack, terminal, signal);
  const archived = await readManifest(stack, file);
  const queued = async () => {
    const urls = stack.outputs.lettersQueueUrls(dropped.feed);
    const counts = await Promise.all(urls.map((url) => countMessages(stack.sqs, url)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const ports = { ledger: stack.ledger, queued, terminal, clock: systemClock };
  const arrived = await awaitLetters(file.fileId, archived.manifest.dead_lettered_records, ports, signal);
  terminal.endProgress();
  if (!arrived) terminal.note('Some dead letters may not have reached the DLQ yet.');
  return archived;
}

function obstaclePorts({ outputs, sqs, target }: OpenStack, feed: string): ObstaclePorts {
  const switchOf = functionSwitches(lambdaClientFor(target));
  return {
    outputs,
    count: (url) => countMessages(sqs, url),
    sendingOff: () => readSendingOff([feed], { outputs, switchOf }),
  };
}

/** Reads the limiter at most once per count: its state is what every screen shows. */
function lineOf(stack: OpenStack, feed: string): (file: FileAccount) => Promise<LineState> {
  const [projected] = stack.outputs.projectedFeeds([feed]);
  const states = new Cached(countEveryMs, async () =>
    projected ? readPolicy(stack.limiterOf(projected.api)) : { item: {}, inForce: {} },
  );
  return async (file) => {
    const now = systemClock.now();
    return lineStateOf(await states.get(now), projected?.limit, file, now);
  };
}

async function follow(
  dropped: DroppedObject,
  stack: OpenStack,
  terminal: Pick<Terminal, 'progress' | 'endProgress' | 'note'>,
  signal: AbortSignal,
): Promise<FileAccount> {
  const api = stack.outputs.api(dropped.feed);
  let known: string | undefined;
  let live: { settled: OutcomeCounts; atMs: number } = { settled: noCounts(), atMs: 0 };
  const look = async (): Promise<FileAccount | undefined> => {
    const file = await (known === undefined ? findDroppedFile(stack.ledger, dropped) : stack.ledger.getFile(known));
    known ??= file?.fileId;
    if (!file || !isManifestOwed(file)) return file;
    const now = systemClock.now();
    if (now - live.atMs >= countEveryMs) live = { settled: await liveCounts(file, stack.ledger), atMs: now };
    return { ...file, settled: live.settled };
  };
  const file = await followFile(
    {
      look,
      diagnose: () => findObstacle(obstaclePorts(stack, dropped.feed), dropped.feed),
      terminal,
      clock: systemClock,
      line: lineOf(stack, dropped.feed),
      limitPerSecond: api && api.requests / api.windowSeconds,
    },
    signal,
  );
  terminal.endProgress();
  if (file) return file;
  const id = known ?? idOfDropped(dropped);
  throw new InterruptedError(
    `Interrupted, but the file is in the bucket and the work continues without this command: ` +
      `\`${sluice} status${id === undefined ? '' : ` ${id}`}\` shows its progress.`,
  );
}
