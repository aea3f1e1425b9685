import type { LimiterItem } from '../../lambdas/core/limiter/limiter-item.ts';
import { withinLimit } from '../terminal/rate-meter.ts';
import type { ApiLimits } from '../stack/stack-outputs.ts';
import type { LiveApi } from './snapshot.ts';

/** APIs are shared by feeds that use the same id. Stacks of an earlier version have no ids. */
export interface SharedApi extends ApiLimits {
  id: string;
  feeds: string[];
}

export function sharedApis(names: readonly string[], apiOf: (feed: string) => ApiLimits | undefined): SharedApi[] {
  const shared = new Map<string, SharedApi>();
  for (const feed of names) {
    const api = apiOf(feed);
    if (api?.id === undefined) continue;
    const known = shared.get(api.id);
    if (known) known.feeds.push(feed);
    else shared.set(api.id, { ...api, id: api.id, feeds: [feed] });
  }
  return [...shared.values()];
}

/** @param perSecond measured answers per second */
export function describeApi(api: SharedApi, item: LimiterItem, perSecond: number | undefined, now: number): LiveApi {
  const { id, feeds, url, requests, windowSeconds } = api;
  const isOpen = item.breaker === 'open';
  const limit = { requests, window_seconds: windowSeconds, per_second: requests / windowSeconds };
  return {
    id,
    feeds,
    url,
    limit: url === null ? null : limit,
    measured_per_second:
      perSecond === undefined ? null : withinLimit(perSecond, url === null ? undefined : limit.per_second),
    breaker: isOpen ? 'open' : 'closed',
    breaker_reason: (isOpen ? item.reason : undefined) ?? null,
    paused_until: comingTime(Math.max(item.pausedUntil ?? 0, isOpen ? (item.openUntil ?? 0) : 0), now),
    leased_until: comingTime(item.tat ?? 0, now),
  };
}

const comingTime = (atMs: number, now: number): string | null => (atMs > now ? new Date(atMs).toISOString() : null);
