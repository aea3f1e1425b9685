import { momentText } from '../../../lambdas/core/deadlines/deadline-text.ts';
import { breakerText } from '../../../lambdas/core/limiter/open-breaker.ts';
import { oneLine } from '../../terminal/format.ts';
import { breakerOf } from '../describe-api.ts';
import type { Facts } from '../facts.ts';
import type { Headline, LiveApi } from '../snapshot.ts';

const maxCharacters = 1_000;

export function apiHeadlines({ apis, zone, now }: Facts): Headline[] {
  return apis.flatMap((api): Headline[] => {
    const said = sentenceOf(api, zone, now);
    return said === undefined ? [] : [{ kind: 'api', ...said, feeds: api.feeds, file_id: null }];
  });
}

function sentenceOf(api: LiveApi, zone: string, now: number): Pick<Headline, 'tone' | 'text'> | undefined {
  const breaker = breakerOf(api);
  if (breaker) {
    const name = `the API of ${api.feeds.join(' and ')}`;
    const isPaused = api.feeds.every((feed) => api.paused.some((pause) => pause.feed === feed));
    return { tone: 'alarm', text: oneLine(breakerText(name, breaker, zone, now, isPaused), maxCharacters) };
  }
  const until = api.paused_until === null ? '' : ` Nothing is sent before ${untilText(api.paused_until, zone, now)}.`;
  const name = `The API of ${api.feeds.join(' and ')}`;
  return until === '' ? undefined : { tone: 'warning', text: `${name} asked for a pause.${until}` };
}

const untilText = (iso: string, zone: string, now: number): string => momentText(Date.parse(iso), zone, now);
