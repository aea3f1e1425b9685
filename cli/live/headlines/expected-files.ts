import { isMissed } from '../../../lambdas/core/nights/judge-expected.ts';
import { formatCount, oneLine } from '../../terminal/format.ts';
import type { Facts } from '../facts.ts';
import type { Headline, LiveExpected } from '../snapshot.ts';

const maxCharacters = 600;
/** With more of a feed, they are listed below. */
const maxSentences = 3;

/** Files that are not here by their time, or have too few records: a sentence each, or one for many of a feed. */
export function expectedFileHeadlines({ expected }: Pick<Facts, 'expected'>): Headline[] {
  const missed = expected.filter(isMissed);
  return [...Map.groupBy(missed, ({ feed }) => feed)].flatMap(([feed, ofFeed]) => {
    if (ofFeed.length <= maxSentences) return ofFeed.map((each) => headline(`${each.text}${historyOf(each)}.`, each));
    const names = [...new Set(ofFeed.map(({ name }) => name))].join(', ');
    const text = `${formatCount(ofFeed.length)} expected files of ${feed} are not here in time: ${names}.`;
    return [headline(text, { feed, file_id: null })];
  });
}

const historyOf = ({ history }: LiveExpected): string => (history === null ? '' : `; ${history}`);

const headline = (text: string, { feed, file_id }: Pick<LiveExpected, 'feed' | 'file_id'>): Headline => ({
  ...{ kind: 'expected-files', tone: 'alarm', text: oneLine(text, maxCharacters) },
  ...{ feeds: [feed], file_id },
});
