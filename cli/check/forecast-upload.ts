import { parseDeadline } from '../../cdk/deadline.ts';
import type { FeedSettings } from '../../cdk/settings.ts';
import { deadlineAfter } from '../../lambdas/core/deadlines/feed-deadline.ts';
import { paceOf } from '../../lambdas/core/deadlines/pace.ts';
import type { UploadForecast } from './check-report.ts';

/** How long so many requests take at the feed's limit, with nothing else in progress. */
export function forecastUpload(requests: number, { api, deadline }: FeedSettings, startsAtMs: number): UploadForecast {
  const perSecond = api.isPaced ? paceOf(api) : api.requests / api.windowSeconds;
  const seconds = requests / perSecond;
  const doneAtMs = Math.round(startsAtMs + seconds * 1000);
  const parsed = deadline === undefined ? undefined : parseDeadline(deadline);
  const deadlineAtMs = parsed && deadlineAfter(parsed, startsAtMs);
  return {
    requests: api.requests,
    window_seconds: api.windowSeconds,
    paced: api.isPaced,
    records_per_second: perSecond,
    seconds,
    starts_at: new Date(startsAtMs).toISOString(),
    done_at: new Date(doneAtMs).toISOString(),
    deadline_at: deadlineAtMs === undefined ? null : new Date(deadlineAtMs).toISOString(),
    margin_seconds: deadlineAtMs === undefined ? null : Math.floor((deadlineAtMs - doneAtMs) / 1000),
  };
}
