import { countMessages } from '../../lambdas/adapters/sqs-queue-access.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { formatCountOf } from '../terminal/format.ts';

/** Why a file may make no progress: failed tasks in its DLQs. A sentence; undefined if there is none. */
export async function findObstacle(
  { outputs, sqs }: Pick<OpenStack, 'outputs' | 'sqs'>,
  feed: string,
): Promise<string | undefined> {
  const { records, intake } = outputs.dlqs(feed);
  const queues = [
    ...intake.map(({ url }) => ['files that could not be split', url] as const),
    ...records.map(({ url }) => ['batches that killed their consumers', url] as const),
    ['files that could not be finalized', outputs.finalizeDlqUrl(feed)] as const,
  ];
  const found: string[] = [];
  for (const [what, url] of queues) {
    const count = await countMessages(sqs, url);
    if (count > 0) found.push(`${formatCountOf(count, 'message')} of ${what}`);
  }
  if (found.length === 0) return undefined;
  return `No progress for a while, and the DLQs hold ${found.join(', ')}: \`npm run -s sluice -- dlq list --feed ${feed}\` shows them.`;
}
