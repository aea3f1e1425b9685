import { countMessages } from '../../lambdas/adapters/sqs-queue-access.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { readSummary } from '../archive/read-summary.ts';
import { deployedFeeds, requireDeployed } from '../stack/deployed-feeds.ts';
import { lambdaClientFor } from '../stack/clients.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { functionSwitches } from './sending-off.ts';
import type { SnapshotPorts, SnapshotScope } from './read-snapshot.ts';
import { SnapshotReader } from './read-snapshot.ts';

export type ReaderWish = Pick<SnapshotScope, 'shownFiles'> & Partial<Pick<SnapshotPorts, 'settingsTrouble'>>;

/**
 * Opens a reader of a deployed stack's snapshots.
 * @param only the feed to show; undefined: all
 * @throws CliError if the stack was deployed without it
 */
export function openReader(
  stack: OpenStack,
  only: string | undefined,
  { settingsTrouble = () => undefined, ...scope }: ReaderWish = {},
): SnapshotReader {
  const { target } = stack;
  if (only !== undefined) requireDeployed(stack, only);
  const cloud = target.kind === 'aws' ? 'AWS' : target.endpointUrl;
  return new SnapshotReader(
    { stack: target.stackName, cloud, feeds: deployedFeeds(stack), only, ...scope },
    {
      ...stack,
      count: (url) => countMessages(stack.sqs, url),
      readSummary: (file) => readSummary(stack, file),
      settingsTrouble,
      switchOf: functionSwitches(lambdaClientFor(target)),
      clock: systemClock,
    },
  );
}
