import { feeds } from '../../feeds/index.ts';
import { countMessages } from '../../lambdas/adapters/read-queue.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { readSummary } from '../archive/read-summary.ts';
import { CliError } from '../cli-error.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { SnapshotReader } from './read-snapshot.ts';

/**
 * Opens a reader of a deployed stack's snapshots.
 * @param only the feed to show; undefined: all
 * @throws CliError if the stack was deployed without it
 */
export function openReader(stack: OpenStack, only: string | undefined): SnapshotReader {
  const { target, outputs } = stack;
  const deployed = feeds.map(({ name }) => name).filter((name) => outputs.api(name) !== undefined);
  if (only !== undefined && !deployed.includes(only)) {
    throw new CliError(`The stack was deployed without the feed ${only}; SLUICE_FEEDS names its feeds.`);
  }
  const cloud = target.kind === 'aws' ? 'AWS' : target.endpointUrl;
  return new SnapshotReader(
    { stack: target.stackName, cloud, feeds: deployed, only },
    {
      ...stack,
      count: (url) => countMessages(stack.sqs, url),
      readSummary: (file) => readSummary(stack, file),
      clock: systemClock,
    },
  );
}
