import type { Facts } from '../facts.ts';
import type { Headline } from '../snapshot.ts';

/** What people have decided: feeds that are paused, and limits that are not as deployed. */
export function decisionHeadlines({ apis, feeds }: Facts): Headline[] {
  return apis.flatMap(({ paused, policy, feeds: ofApi }): Headline[] => {
    const pauses = paused
      .filter(({ feed }) => feeds.includes(feed))
      .map(({ feed, text }) => headline('alarm', `${feed} is ${text}.`, [feed]));
    if (policy === null || policy.set_by === 'deployment') return pauses;
    const tone = policy.set_by === 'operator' ? 'warning' : 'busy';
    return [...pauses, headline(tone, `The limit of ${ofApi.join(' and ')} is ${policy.text}.`, ofApi)];
  });
}

const headline = (tone: Headline['tone'], text: string, feeds: string[]): Headline => ({
  ...{ kind: 'decision', tone, text, feeds },
  file_id: null,
});
