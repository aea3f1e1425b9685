import { strayText } from '../../../lambdas/core/strays/stray-text.ts';
import { oneLine } from '../../terminal/format.ts';
import type { Facts } from '../facts.ts';
import type { Headline } from '../snapshot.ts';

const maxCharacters = 400;

/** Objects that no feed takes: a headline per place. Nothing happens to them. */
export function strayHeadlines({ strays, feeds }: Facts): Headline[] {
  return strays.flatMap(({ places, lanePrefixes }) =>
    places.map((place) => ({
      kind: 'strays' as const,
      tone: 'alarm' as const,
      text: oneLine(`No feed takes ${strayText(place, lanePrefixes)}`, maxCharacters),
      feeds: [...feeds],
      file_id: null,
    })),
  );
}
