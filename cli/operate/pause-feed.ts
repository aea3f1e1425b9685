import type { Decider } from '../../lambdas/core/limiter/limit-policy.ts';
import * as policy from '../../lambdas/core/limiter/policy-changes.ts';
import { pauseFacts, pauseText } from '../../lambdas/core/limiter/policy-facts.ts';
import type { DecisionResult, LimitPorts } from './feed-limit.ts';
import { decide, targetOf } from './feed-limit.ts';
import type { Who } from './who.ts';

/**
 * Stops sending a feed's records, letters and corrections, within 30 seconds; nothing is lost, and waiting never counts as
 * failing. Other feeds of the same API go on.
 */
export async function pauseFeed(feed: string, who: Who, ports: LimitPorts): Promise<DecisionResult> {
  const target = targetOf(feed, ports);
  if ('kind' in target) return target;
  return decide(
    target,
    (state, now) => {
      const pause = pauseFacts(state.inForce).find((each) => each.feed === feed);
      if (pause) return `${feed} is ${pauseText(pause, target.zone, now)}. To go on: sluice resume ${feed}.`;
      return policy.pauseFeed(state, { feed, ...who }, now);
    },
    ports,
  );
}

/** Lets a paused feed go on: its messages come back after a quarter of the pause, 15 minutes at most. */
export async function resumeFeed(feed: string, who: Decider, ports: LimitPorts): Promise<DecisionResult> {
  const target = targetOf(feed, ports);
  if ('kind' in target) return target;
  return decide(
    target,
    (state, now) =>
      state.inForce.pauses?.[feed] === undefined
        ? `${feed} is not paused: there is nothing to resume.`
        : policy.resumeFeed(state, { feed, ...who }, now),
    ports,
  );
}
