import type { LimitCalendar } from './limit-calendar.ts';
import { calendarAt, calendarMark } from './limit-calendar.ts';
import type { RateLimit } from './limiter.ts';
import type { LimiterItem } from './limiter-item.ts';

/**
 * What applies to an API at the moment, by a person's decision, the calendar or the deployment. Only the number of
 * requests ever changes, never the window: the limiter's margin and its proof stay as they are.
 */

/** An API's limit as it was deployed: the ceiling. */
export interface DeployedLimit extends RateLimit {
  /** False: nothing is held back, so there is no limit to change. Default: true. */
  isPaced?: boolean | undefined;
  calendar?: LimitCalendar | undefined;
}

/** Who decided something, and why. */
export interface Decider {
  by: string;
  /** May be left out where things return to normal: `resume`, and a limit that is reset. */
  why?: string | undefined;
}

/** `LIMITER#<api>` / `POLICY`: the decisions that are in force. The limiter's item has only what consumers need. */
export interface InForce {
  override?: Decider & { at: number; feed: string; requests: number; until?: number | undefined };
  /** By the feed's name. */
  pauses?: Record<string, Decider & { since: number }>;
}

/**
 * `limit`, `reset`, `pause`, `resume`: by a person. `expired`: the time of a person's limit is over; it has the name of who
 * set it. `calendar`: the calendar of the stage's file.
 */
export type DecisionKind = 'limit' | 'reset' | 'pause' | 'resume' | 'expired' | 'calendar';

/** `LIMITER#<api>` / `DECISION#<time>#<policy>`: what was decided, once and unchanged. Times are milliseconds since 1970. */
export interface Decision extends Decider {
  at: number;
  /** The number of the policy that it made. */
  policy: number;
  kind: DecisionKind;
  /** The feed that was named; or, for `expired` and `calendar`, the feed whose consumer applied it. */
  feed: string;
  /** Requests per window before and after; absent for `pause` and `resume`. */
  from?: number;
  to?: number;
  windowSeconds?: number;
  /** When the limit ends by itself. */
  until?: number | undefined;
}

/** No consumer sends slower than this share of what its deployment allows: `pause` is for stopping. */
export const lowestShare = 0.01;

/** The fewest requests per window that a policy may allow. */
export function lowestRequests({ requests }: RateLimit): number {
  return Math.max(1, Math.ceil(requests * lowestShare));
}

/**
 * The limit by which a consumer of this deployment leases: never faster than the deployment, nor slower than 1% of it. A
 * person's limit stays as low as it was meant if a deploy has changed the window since.
 */
export function limitOf(pace: Pace, deployed: RateLimit): RateLimit {
  const { windowSeconds } = deployed;
  const share = windowSeconds / (pace.windowSeconds ?? windowSeconds);
  // Exact for the same window; for others, a quotient may lack a little.
  const requests = Math.floor((pace.requests ?? Infinity) * share + 1e-9);
  return { requests: Math.max(lowestRequests(deployed), Math.min(requests, deployed.requests)), windowSeconds };
}

export const policyNumber = ({ policy = 0 }: LimiterItem): number => policy;

/** Whether the policy's time is over: the consumer that finds this writes the next one. */
export function isOver({ until = Infinity }: LimiterItem, now: number): boolean {
  return until <= now;
}

/**
 * Whether the item has been written with another calendar than this deployment's. A person's limit stays until it ends: the
 * calendar follows it.
 */
export function hasOtherCalendar({ setBy, calendar = '' }: LimiterItem, deployed: DeployedLimit): boolean {
  return setBy !== 'operator' && calendar !== calendarMark(deployed.calendar);
}

/** The part of the limiter's item that says how fast. Absent `requests`: as deployed. */
export type Pace = { [Name in (typeof paceNames)[number]]?: LimiterItem[Name] | undefined };
export const paceNames = ['requests', 'windowSeconds', 'until', 'setBy', 'calendar'] as const;

/** What applies without a person's decision: the calendar, else the deployed limit. */
export function paceWithoutOverride({ calendar, windowSeconds }: DeployedLimit, now: number): Pace {
  if (!calendar) return {};
  const { requests, until } = calendarAt(calendar, windowSeconds, now);
  const pace = requests === undefined ? {} : { requests, setBy: 'calendar' as const };
  return { ...pace, ...(until === undefined ? {} : { until }), calendar: calendarMark(calendar) };
}

/** The pace at a time, even if no consumer has written it yet: for callers that only read. */
export function paceAt(item: LimiterItem, deployed: DeployedLimit, now: number): Pace {
  if (isOver(item, now) || hasOtherCalendar(item, deployed)) return paceWithoutOverride(deployed, now);
  const { requests, windowSeconds, until, setBy, calendar } = item;
  return { requests, windowSeconds, until, setBy, calendar };
}

/** The limit that applies at a time. Without pacing, a policy changes nothing: the deployed one says what to expect. */
export function limitAt(item: LimiterItem, deployed: DeployedLimit, now: number): RateLimit {
  const { requests, windowSeconds, isPaced } = deployed;
  return isPaced === false ? { requests, windowSeconds } : limitOf(paceAt(item, deployed, now), deployed);
}

/** Since when an operator has paused the feed. Milliseconds since 1970; undefined if it is not paused. */
export function pausedSince({ pausedFeeds = {} }: LimiterItem, feed: string): number | undefined {
  return pausedFeeds[feed];
}

/** A paused feed's messages return after this share of the pause so far, so that a resume takes effect soon. */
const recheckShare = 1 / 4;
const shortestRecheckMs = 30_000;
/** SQS delays a message by at most 15 minutes. */
const longestRecheckMs = 900_000;

/** When a message of a feed that is paused since then looks again. Milliseconds since 1970. */
export function recheckAt(since: number, now: number): number {
  return now + Math.min(longestRecheckMs, Math.max(shortestRecheckMs, (now - since) * recheckShare));
}

/**
 * The decisions that concern a feed's records in a time: those made in it, and those that were in force when it began.
 * @param decisions of the feed's API, in the order of their times
 */
export function decisionsDuring(
  decisions: readonly Decision[],
  { feed, fromMs, toMs }: { feed: string; fromMs: number; toMs: number },
): Decision[] {
  const concerning = decisions.filter((each) => !isPauseKind(each) || each.feed === feed);
  const before = concerning.filter(({ at }) => at <= fromMs);
  const standing = [before.findLast(isPauseKind), before.findLast((each) => !isPauseKind(each))];
  const inForce = standing.filter((each) => each !== undefined && isInForce(each, fromMs));
  return concerning.filter((each) => inForce.includes(each) || (each.at > fromMs && each.at <= toMs));
}

const isPauseKind = ({ kind }: Decision): boolean => kind === 'pause' || kind === 'resume';

function isInForce({ kind, until = Infinity }: Decision, atMs: number): boolean {
  if (kind === 'pause') return true;
  // A limit that is reset or has expired in a calendar's time gives way to the calendar's.
  return (kind === 'limit' || kind === 'calendar' || until < Infinity) && until > atMs;
}
