import { clockText } from '../deadlines/deadline-text.ts';
import type { DeployedLimit, InForce } from './limit-policy.ts';
import { isOver, limitAt, paceAt } from './limit-policy.ts';
import type { LimiterItem } from './limiter-item.ts';

/** What every screen, message and log says about a limit and a pause: the facts, and the words for them. */

/** What applies to an API, from where, until when, by whom, and why. */
export interface LimitFact {
  /** Per window. */
  requests: number;
  deployedRequests: number;
  windowSeconds: number;
  setBy: 'deployment' | 'calendar' | 'operator';
  /** When it ends by itself. Milliseconds since 1970, as `sinceMs`. */
  untilMs?: number;
  sinceMs?: number;
  by?: string;
  why?: string;
}

export interface PauseFact {
  feed: string;
  sinceMs: number;
  by: string;
  why?: string;
}

/** Undefined if there is no limit: nothing is held back. */
export function limitFact(
  { item, inForce }: { item: LimiterItem; inForce: InForce },
  deployed: DeployedLimit,
  now: number,
): LimitFact | undefined {
  if (deployed.isPaced === false) return undefined;
  const { until, setBy = 'deployment' } = paceAt(item, deployed, now);
  const { requests, windowSeconds } = limitAt(item, deployed, now);
  const fact: LimitFact = { requests, deployedRequests: deployed.requests, windowSeconds, setBy };
  if (until !== undefined) fact.untilMs = until;
  const { override } = inForce;
  if (setBy !== 'operator' || !override || isOver(item, now)) return fact;
  const { by, why, at: sinceMs } = override;
  return { ...fact, sinceMs, by, ...(why === undefined ? {} : { why }) };
}

/** The paused feeds of an API. */
export function pauseFacts({ pauses = {} }: InForce): PauseFact[] {
  return Object.entries(pauses).map(([feed, { since, by, why }]) => ({
    ...{ feed, sinceMs: since, by },
    ...(why === undefined ? {} : { why }),
  }));
}

/** `PAUSED by anna since 03:12, because the API's owner asked` */
export function pauseText({ by, sinceMs, why }: PauseFact, timeZone: string | undefined, now: number): string {
  return `PAUSED by ${by} since ${clockText(sinceMs, timeZone, now)}${because(why)}`;
}

/** `60 of 600 requests in 60 s, set by anna until 06:00, because the API's owner asked`; `600 requests in 60 s, as deployed` */
export function limitText(fact: LimitFact, timeZone: string | undefined, now: number): string {
  const { requests, deployedRequests, windowSeconds, setBy, by, why } = fact;
  const inWindow = `requests in ${windowSeconds} s`;
  if (setBy === 'deployment') return `${requests} ${inWindow}, as deployed`;
  const until = fact.untilMs === undefined ? '' : ` until ${clockText(fact.untilMs, timeZone, now)}`;
  const who = setBy === 'calendar' ? 'by the calendar' : `set by ${by ?? 'an operator'}`;
  return `${requests} of ${deployedRequests} ${inWindow}, ${who}${until}${because(why)}`;
}

const because = (why: string | undefined): string => (why === undefined ? '' : `, because ${why}`);
