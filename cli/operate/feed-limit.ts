import { feeds } from '../../feeds/index.ts';
import type { DeployedLimit } from '../../lambdas/core/limiter/limit-policy.ts';
import type { PolicyChange, PolicyState } from '../../lambdas/core/limiter/policy-changes.ts';
import type { Decision } from '../../lambdas/core/limiter/limit-policy.ts';
import type { LimitFact, PauseFact } from '../../lambdas/core/limiter/policy-facts.ts';
import { limitFact, pauseFacts } from '../../lambdas/core/limiter/policy-facts.ts';
import { readPolicy } from '../../lambdas/ledger/limiter-store.ts';
import type { Clock, EventPublisher, LimiterStore } from '../../lambdas/ports.ts';
import type { StackOutputs } from '../stack/stack-outputs.ts';
import { deployedLimit } from '../stack/stack-outputs.ts';

/** What a command needs to show and change an API's limit, and to pause a feed. */
export interface LimitPorts {
  outputs: Pick<StackOutputs, 'api'>;
  limiterOf: (api: string) => LimiterStore;
  events: EventPublisher;
  clock: Pick<Clock, 'now'>;
}

/** What applies to a feed at the moment. */
export interface FeedLimit {
  feed: string;
  /** Names the limiter. */
  api: string;
  /** The other feeds that send to the same API, and share its limit. */
  sharedWith: string[];
  /** The time zone of the feed's people: for times of day. */
  zone: string;
  /** Undefined if the sink has no limit that is kept. */
  limit: LimitFact | undefined;
  pause: PauseFact | undefined;
}

export interface Refusal {
  kind: 'refused';
  /** A sentence for the person who asked. Nothing was changed. */
  why: string;
}

export type DecisionResult =
  /** `state`: what applies from now on. `unpublished`: why the event could not be published, if so. */
  { kind: 'decided'; decision: Decision; state: FeedLimit; unpublished?: unknown } | Refusal;

/** A feed with its limiter. */
interface Target {
  feed: string;
  api: string;
  sharedWith: string[];
  zone: string;
  deployed: DeployedLimit;
  store: LimiterStore;
}

export const refused = (why: string): Refusal => ({ kind: 'refused', why });

export function targetOf(feed: string, { outputs, limiterOf }: Omit<LimitPorts, 'events' | 'clock'>): Target | Refusal {
  if (!feeds.some(({ name }) => name === feed)) {
    return refused(`There is no feed '${feed}'. Feeds: ${feeds.map(({ name }) => name).join(', ')}.`);
  }
  const limits = outputs.api(feed);
  if (limits === undefined) return refused(`The feed '${feed}' is not deployed in this stack.`);
  const { id, deadline, calendar } = limits;
  if (id === undefined) return refused('This stack was deployed by an earlier version: deploy it again first.');
  const sharedWith = feeds.map(({ name }) => name).filter((name) => name !== feed && outputs.api(name)?.id === id);
  const zone = deadline?.timeZone ?? calendar?.timeZone ?? 'UTC';
  return { feed, api: id, sharedWith, zone, deployed: deployedLimit(limits), store: limiterOf(id) };
}

/** What applies to the feed, from where, until when, by whom, and why. */
export async function readLimit(
  feed: string,
  ports: Omit<LimitPorts, 'events'>,
): Promise<{ kind: 'known'; state: FeedLimit } | Refusal> {
  const target = targetOf(feed, ports);
  if ('kind' in target) return target;
  return { kind: 'known', state: describe(target, await readPolicy(target.store), ports.clock.now()) };
}

/** Another decision may come first, at most a few times. */
const maxTries = 10;

/**
 * Makes a decision about a feed's API, and publishes it.
 * @param make the change, or a sentence that refuses it
 */
export async function decide(
  target: Target,
  make: (state: PolicyState, now: number) => PolicyChange | string,
  ports: LimitPorts,
): Promise<DecisionResult> {
  const { store } = target;
  for (let tries = 0; tries < maxTries; tries++) {
    const now = ports.clock.now();
    const change = make(await readPolicy(store), now);
    if (typeof change === 'string') return refused(change);
    if (!(await store.decide(change))) continue;
    const { decision } = change;
    const unpublished = await publish(target, decision, ports.events);
    const state = describe(target, await readPolicy(store), now);
    return { kind: 'decided', decision, state, ...(unpublished === undefined ? {} : { unpublished }) };
  }
  return refused(`Others decide about the limit of ${target.feed} at the same time: nothing was changed. Try again.`);
}

const eventNames = { pause: 'feed paused', resume: 'feed resumed' } as Partial<Record<Decision['kind'], string>>;

/** The ledger already has it: an event that can't be published must not fail the decision. @returns why it failed */
async function publish({ api }: Target, decision: Decision, events: EventPublisher): Promise<unknown> {
  const { at, until, windowSeconds, ...rest } = decision;
  const times = {
    at: new Date(at).toISOString(),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
  };
  const window = windowSeconds === undefined ? {} : { window_seconds: windowSeconds };
  return events
    .publish(eventNames[decision.kind] ?? 'limit changed', { api, ...rest, ...window, ...times })
    .then(() => undefined)
    .catch((error: unknown) => error ?? 'unknown');
}

function describe({ feed, api, sharedWith, zone, deployed }: Target, state: PolicyState, now: number): FeedLimit {
  const pause = pauseFacts(state.inForce).find((each) => each.feed === feed);
  return { feed, api, sharedWith, zone, limit: limitFact(state, deployed, now), pause };
}
