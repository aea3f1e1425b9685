import { momentText } from '../../../lambdas/core/deadlines/deadline-text.ts';
import type { BreakerReason } from '../../../lambdas/core/limiter/breaker.ts';
import type { Facts } from '../facts.ts';
import type { Headline, LiveApi } from '../snapshot.ts';

const why: Record<BreakerReason, string> = {
  throttled: 'it answers "too many requests"',
  unauthorised: 'it refuses the token',
  no_token: 'the secret with its token cannot be used',
  outage: 'it does not answer properly',
  refusing: 'it refuses every record',
};

export function apiHeadlines({ apis, zone, now }: Facts): Headline[] {
  return apis.flatMap((api): Headline[] => {
    const said = sentenceOf(api, zone, now);
    return said === undefined ? [] : [{ kind: 'api', ...said, feeds: api.feeds, file_id: null }];
  });
}

function sentenceOf(api: LiveApi, zone: string, now: number): Pick<Headline, 'tone' | 'text'> | undefined {
  const until = api.paused_until === null ? '' : ` Nothing is sent before ${untilText(api.paused_until, zone, now)}.`;
  const name = `The API of ${api.feeds.join(' and ')}`;
  if (api.breaker === 'open') {
    const reason = api.breaker_reason === null ? '' : `: ${why[api.breaker_reason]}`;
    return { tone: 'alarm', text: `${name} gets no records, the breaker is open${reason}.${until}` };
  }
  return until === '' ? undefined : { tone: 'warning', text: `${name} asked for a pause.${until}` };
}

const untilText = (iso: string, zone: string, now: number): string => momentText(Date.parse(iso), zone, now);
