import type { DlqName } from '../dlq/dead-message.ts';
import type { RedrivePath } from '../stack/stack-outputs.ts';
import type { LiveQueue } from './snapshot.ts';

export interface QueuePorts {
  outputs: { redrivePaths: (feed: string, queue: DlqName) => RedrivePath[] };
  /** SQS's count of a queue's messages. */
  count: (url: string) => Promise<number>;
}

const ofLanes = ['intake', 'records', 'letters'] as const;
/** The queues by the stack's outputs. */
const lanes = ['main', 'express'] as const;

/** The number of messages in each queue of the stack and its DLQ: two requests per queue, at most fourteen per feed. */
export async function readQueues(feeds: readonly string[], { outputs, count }: QueuePorts): Promise<LiveQueue[]> {
  const places = feeds.flatMap((feed) => [
    ...ofLanes.flatMap((queue) =>
      outputs.redrivePaths(feed, queue).map((path, index) => ({ queue, feed, lane: lanes[index] ?? null, path })),
    ),
    ...outputs.redrivePaths(feed, 'finalize').map((path) => ({ queue: 'finalize' as const, feed, lane: null, path })),
  ]);
  return Promise.all(
    places.map(async ({ path, ...place }) => {
      const [messages, dead] = await Promise.all([count(path.queueUrl), count(path.dlqUrl)]);
      return { ...place, messages, dead_messages: dead };
    }),
  );
}
