import { formatCount, oneLine } from '../../terminal/format.ts';
import type { Facts } from '../facts.ts';
import type { Headline } from '../snapshot.ts';

const maxCharacters = 300;

/** Files that wait for their control file: nothing of them is sent, whatever the API does. */
export function controlFileHeadlines({ files }: Pick<Facts, 'files'>): Headline[] {
  const waiting = files.filter(({ activity }) => activity === 'waiting');
  const [first] = waiting;
  if (!first) return [];
  const about = `${first.name} ${first.projected ?? 'waits for its control file'}`;
  const more = waiting.length - 1;
  const text = more === 0 ? `${about}.` : `${about}, and so ${more === 1 ? 'does' : 'do'} ${formatCount(more)} more.`;
  const feeds = [...new Set(waiting.map(({ feed }) => feed))];
  const file_id = more === 0 ? first.file_id : null;
  return [{ kind: 'control-files', tone: 'warning', text: oneLine(text, maxCharacters), feeds, file_id }];
}
