import type { OpenBreaker } from '../../lambdas/core/limiter/open-breaker.ts';
import { openBreakerOf } from '../../lambdas/core/limiter/open-breaker.ts';
import { limitAt } from '../../lambdas/core/limiter/limit-policy.ts';
import type { PolicyState } from '../../lambdas/core/limiter/policy-changes.ts';
import type { LimitFact, PauseFact } from '../../lambdas/core/limiter/policy-facts.ts';
import { limitFact, limitText, pauseFacts, pauseText } from '../../lambdas/core/limiter/policy-facts.ts';
import { withinLimit } from '../terminal/rate-meter.ts';
import type { ApiLimits } from '../stack/stack-outputs.ts';
import { deployedLimit } from '../stack/stack-outputs.ts';
import type { LiveApi, LivePause, LivePolicy } from './snapshot.ts';
import { isoTime, isoTimeOrNull } from '../../lambdas/core/iso-time.ts';

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

/** @param perSecond measured answers per second @param when the time zone of times in words, and the time now */
export function describeApi(
  api: SharedApi,
  state: PolicyState,
  perSecond: number | undefined,
  { zone, now }: { zone: string; now: number },
): LiveApi {
  const { id, feeds, url } = api;
  const { item } = state;
  const open = openBreakerOf(item);
  const { requests, windowSeconds } = limitAt(item, deployedLimit(api), now);
  const limit = { requests, window_seconds: windowSeconds, per_second: requests / windowSeconds };
  const fact = limitFact(state, deployedLimit(api), now);
  return {
    id,
    feeds,
    url,
    limit: url === null ? null : limit,
    policy: fact === undefined ? null : describePolicy(fact, zone, now),
    paused: pauseFacts(state.inForce).map((pause) => describePause(pause, zone, now)),
    measured_per_second:
      perSecond === undefined ? null : withinLimit(perSecond, url === null ? undefined : limit.per_second),
    breaker: open ? 'open' : 'closed',
    breaker_reason: open?.reason ?? null,
    breaker_since: isoTimeOrNull(open?.sinceMs),
    next_probe: isoTimeOrNull(open?.nextProbeMs),
    http_status: open?.answer?.status ?? null,
    api_answer: open?.answer?.text ?? null,
    paused_until: comingTime(Math.max(item.pausedUntil ?? 0, open?.nextProbeMs ?? 0), now),
    leased_until: comingTime(item.tat ?? 0, now),
  };
}

/** The open breaker as `openBreakerOf` gives it; undefined if it is closed. */
export function breakerOf(api: LiveApi): OpenBreaker | undefined {
  if (api.breaker_reason === null) return undefined;
  return {
    reason: api.breaker_reason,
    nextProbeMs: Date.parse(api.next_probe ?? ''),
    ...(api.breaker_since === null ? {} : { sinceMs: Date.parse(api.breaker_since) }),
    ...(api.api_answer === null ? {} : { answer: { status: api.http_status, text: api.api_answer } }),
  };
}

function describePolicy(fact: LimitFact, zone: string, now: number): LivePolicy {
  return {
    set_by: fact.setBy,
    deployed_requests: fact.deployedRequests,
    since: isoTimeOrNull(fact.sinceMs),
    until: isoTimeOrNull(fact.untilMs),
    by: fact.by ?? null,
    why: fact.why ?? null,
    text: limitText(fact, zone, now),
  };
}

function describePause(pause: PauseFact, zone: string, now: number): LivePause {
  const { feed, sinceMs, by, why = null } = pause;
  return { feed, since: isoTime(sinceMs), by, why, text: pauseText(pause, zone, now) };
}

const comingTime = (atMs: number, now: number): string | null => (atMs > now ? isoTime(atMs) : null);
