import { formatCountOf } from '../../terminal/format.ts';
import type { Facts } from '../facts.ts';
import type { Headline } from '../snapshot.ts';

/** Batches that ended their function at every receive. */
export function failedWorkHeadlines({ queues }: Facts): Headline[] {
  const failed = queues.filter(({ queue, dead_messages: messages }) => queue !== 'letters' && messages > 0);
  const count = failed.reduce((sum, { dead_messages: messages }) => sum + messages, 0);
  if (count === 0) return [];
  const text = `${formatCountOf(count, 'message')} of failed work ${count === 1 ? 'is' : 'are'} in the DLQs.`;
  const feeds = [...new Set(failed.map(({ feed }) => feed))];
  return [{ kind: 'failed-work', tone: 'alarm', text, feeds, file_id: null }];
}
