import { deadlineAfter } from '../../lambdas/core/deadlines/feed-deadline.ts';
import type { Decider } from '../../lambdas/core/limiter/limit-policy.ts';
import { lowestRequests } from '../../lambdas/core/limiter/limit-policy.ts';
import * as policy from '../../lambdas/core/limiter/policy-changes.ts';
import { variableName } from '../../feeds/variable-name.ts';
import type { DecisionResult, LimitPorts, Refusal } from './feed-limit.ts';
import { decide, refused, targetOf } from './feed-limit.ts';
import type { Who } from './who.ts';

/** A limit that a person wants. */
export interface LimitWish {
  /** Per window of the API. */
  requests: number;
  /** `06:00` in the feed's time zone, or a moment as `2026-11-29T06:00Z`; without it, until it is reset. */
  until?: string | undefined;
}

/** Lowers or raises an API's limit, up to the deployed one. Every feed of the API is concerned; it applies within 5 s. */
export async function setLimit(feed: string, wish: LimitWish, who: Who, ports: LimitPorts): Promise<DecisionResult> {
  const target = pacedTarget(feed, ports);
  if ('kind' in target) return target;
  const { deployed, zone } = target;
  const { requests } = wish;
  const lowest = lowestRequests(deployed);
  const window = `in ${deployed.windowSeconds} s`;
  if (!Number.isInteger(requests) || requests > deployed.requests) {
    return refused(
      `The limit of ${feed} can be at most what is deployed, ${deployed.requests} requests ${window}. To raise that, deploy ` +
        `with ${variableName(feed, 'requests')}.`,
    );
  }
  if (requests < lowest) {
    return refused(
      `The limit of ${feed} can't be below ${lowest} requests ${window}, 1% of what is deployed. To stop it: sluice pause ${feed}.`,
    );
  }
  const until = wish.until === undefined ? undefined : parseUntil(wish.until, zone, ports.clock.now());
  if (wish.until !== undefined && until === undefined) {
    return refused(
      `--until is '${wish.until}'; it must be a time of day such as 06:00 (${zone}), or a moment to come such as 2026-11-29T06:00Z.`,
    );
  }
  const maker = { feed, ...who };
  return decide(target, (state, now) => policy.overrideLimit(state, deployed, { requests, until }, maker, now), ports);
}

/** Ends a person's limit: the calendar applies, else the deployed limit. */
export async function resetLimit(feed: string, who: Decider, ports: LimitPorts): Promise<DecisionResult> {
  const target = pacedTarget(feed, ports);
  if ('kind' in target) return target;
  return decide(
    target,
    (state, now) =>
      state.inForce.override === undefined
        ? `No one has set a limit for ${feed}: there is nothing to reset.`
        : policy.resetLimit(state, target.deployed, { feed, ...who }, now),
    ports,
  );
}

function pacedTarget(feed: string, ports: LimitPorts): Exclude<ReturnType<typeof targetOf>, Refusal> | Refusal {
  const target = targetOf(feed, ports);
  if ('kind' in target || target.deployed.isPaced !== false) return target;
  return refused(
    `${feed} is sent without a limit: its sink is the record ledger, or ${variableName(feed, 'paced')} is off. There is ` +
      `none to change. To stop it: sluice pause ${feed}.`,
  );
}

/** Milliseconds since 1970; undefined if it can't be read or has passed. */
function parseUntil(text: string, zone: string, now: number): number | undefined {
  const [, hour, minute] = /^([01]?[0-9]|2[0-3]):([0-5][0-9])$/.exec(text.trim()) ?? [];
  if (hour !== undefined) return deadlineAfter({ hour: Number(hour), minute: Number(minute), timeZone: zone }, now);
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text.trim());
  const atMs = isMoment ? Date.parse(text.trim()) : NaN;
  return atMs > now ? atMs : undefined;
}
