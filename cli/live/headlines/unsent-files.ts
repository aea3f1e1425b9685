import { formatCount, oneLine } from '../../terminal/format.ts';
import type { Facts } from '../facts.ts';
import type { Headline } from '../snapshot.ts';

/** How long such a file stays in the headline. */
export const unsentHours = 24;

const maxCharacters = 600;

export function unsentFileHeadlines({ unsent }: Pick<Facts, 'unsent'>): Headline[] {
  const last = unsent.at(-1);
  if (!last) return [];
  const about = `${last.name}: ${last.message}`;
  const text =
    unsent.length === 1
      ? `Nothing was sent of ${about}`
      : `Nothing was sent of ${formatCount(unsent.length)} files in the last ${unsentHours} hours, the last one ${about}`;
  const feeds = [...new Set(unsent.map(({ feed }) => feed))];
  const file_id = unsent.length === 1 ? last.fileId : null;
  return [{ kind: 'unsent-files', tone: 'alarm', text: oneLine(text, maxCharacters), feeds, file_id }];
}
