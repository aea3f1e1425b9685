import { formatCountOf } from '../../terminal/format.ts';
import type { Facts } from '../facts.ts';
import type { Headline } from '../snapshot.ts';

export function deadLetterHeadlines({ dead: { groups, isPartial } }: Facts): Headline[] {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) return [];
  const letters = `${isPartial ? 'More than ' : ''}${formatCountOf(count, 'dead letter')}`;
  const text = `${letters} ${count === 1 && !isPartial ? 'needs' : 'need'} attention.`;
  const feeds = [...new Set(groups.map(({ feed }) => feed))];
  return [{ kind: 'dead-letters', tone: 'warning', text, feeds, file_id: null }];
}
