import { countMessages } from '../../lambdas/adapters/read-queue.ts';
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
    ...records.map(({ url }) => ['batches that ended their consumers', url] as const),
    ['files that could not be finalized', outputs.finalizeDlqUrl(feed)] as const,
  ];
  const found: string[] = [];
  for (const [what, url] of queues) {
    const count = await countMessages(sqs, url);
    if (count > 0) found.push(`${formatCountOf(count, 'message')} of ${what}`);
  }
  if (found.length === 0) return undefined;
  return `Nothing has moved for a while, and given up lie ${found.join(', ')}: \`npm run -s sluice -- dlq list --feed ${feed}\` shows them.`;
}
