import type { ItemChange } from '../ledger/item-change.ts';
import type { Decider, Decision, DeployedLimit, InForce, Pace } from './limit-policy.ts';
import { limitOf, paceNames, paceWithoutOverride, policyNumber } from './limit-policy.ts';
import { slotSpacingMs } from './limiter.ts';
import type { LimiterChange, LimiterItem } from './limiter-item.ts';
import { hasPolicy } from './limiter-item.ts';
import { markNames } from './measured-rate.ts';

/** What is known before a decision. */
export interface PolicyState {
  item: LimiterItem;
  inForce: InForce;
}

/** A decision with all that it changes, applied in one transaction or not at all: another may have come first. */
export interface PolicyChange {
  limiter: LimiterChange;
  inForce: ItemChange;
  decision: Decision;
}

interface Maker extends Decider {
  feed: string;
}

/** A person's limit, in place of the calendar and the deployed one. @param limit.until undefined: until it is reset */
export function overrideLimit(
  state: PolicyState,
  deployed: DeployedLimit,
  limit: { requests: number; until?: number | undefined },
  maker: Maker,
  now: number,
): PolicyChange {
  const override = { ...maker, at: now, ...limit };
  const pace = { ...limit, windowSeconds: deployed.windowSeconds, setBy: 'operator' as const };
  return changePace(state, deployed, pace, override, { ...maker, kind: 'limit' }, now);
}

export function resetLimit(state: PolicyState, deployed: DeployedLimit, maker: Maker, now: number): PolicyChange {
  const pace = paceWithoutOverride(deployed, now);
  return changePace(state, deployed, pace, undefined, { ...maker, kind: 'reset' }, now);
}

/** For a consumer that finds that a policy's time is over, or that the calendar is another one. @param feed the consumer's */
export function continuePolicy(state: PolicyState, deployed: DeployedLimit, feed: string, now: number): PolicyChange {
  const { override } = state.inForce;
  const made = override
    ? { feed, by: override.by, why: override.why, kind: 'expired' as const }
    : { feed, by: 'calendar', kind: 'calendar' as const };
  return changePace(state, deployed, paceWithoutOverride(deployed, now), undefined, made, now);
}

export function pauseFeed(state: PolicyState, { feed, ...who }: Maker, now: number): PolicyChange {
  const pauses = { ...state.inForce.pauses, [feed]: { ...who, since: now } };
  return changePauses(state, pauses, { feed, ...who, kind: 'pause' }, now);
}

export function resumeFeed(state: PolicyState, { feed, ...who }: Maker, now: number): PolicyChange {
  const { [feed]: _, ...pauses } = state.inForce.pauses ?? {};
  return changePauses(state, pauses, { feed, ...who, kind: 'resume' }, now);
}

type Made = Maker & Pick<Decision, 'kind'>;

function changePace(
  state: PolicyState,
  deployed: DeployedLimit,
  pace: Pace,
  override: InForce['override'],
  made: Made,
  now: number,
): PolicyChange {
  const [from, to] = [limitOf(state.item, deployed), limitOf(pace, deployed)];
  const { until } = pace;
  return {
    limiter: withNext(state.item, {
      set: { ...pace },
      // The line's end is the last leased slot and a distance: the distance is that of the new limit from now on.
      add: { tat: slotSpacingMs(to) - slotSpacingMs(from) },
      remove: paceNames.filter((name) => pace[name] === undefined),
    }),
    inForce: override ? { set: { override } } : { remove: ['override'] },
    decision: {
      ...decisionOf(state, made, now),
      ...{ from: from.requests, to: to.requests, windowSeconds: deployed.windowSeconds },
      ...(until === undefined ? {} : { until }),
    },
  };
}

function changePauses(
  state: PolicyState,
  pauses: NonNullable<InForce['pauses']>,
  made: Made,
  now: number,
): PolicyChange {
  const pausedFeeds = Object.fromEntries(Object.entries(pauses).map(([feed, { since }]) => [feed, since]));
  return {
    limiter: withNext(state.item, { set: { pausedFeeds } }),
    inForce: { set: { pauses } },
    decision: decisionOf(state, made, now),
  };
}

/**
 * Only if no other decision came first. From then on, every lease and probe by an older policy is refused, and the rate is
 * measured again: the one before says nothing about the next.
 */
function withNext(item: LimiterItem, { set, remove = [], ...change }: Omit<LimiterChange, 'when'>): LimiterChange {
  const number = policyNumber(item);
  return {
    when: [hasPolicy(number)],
    set: { ...set, policy: number + 1 },
    remove: [...remove, ...markNames],
    ...change,
  };
}

const decisionOf = (state: PolicyState, made: Made, now: number): Decision => ({
  ...{ at: now, policy: policyNumber(state.item) + 1 },
  ...made,
});
