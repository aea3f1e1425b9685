import { policyLagMs } from '../../lambdas/core/limiter/limit-calendar.ts';
import type { Policy, SimulationResult } from './limiter-simulation.ts';

/** A window that saw more than the policies of its time allow. */
export interface Excess {
  fromMs: number;
  requests: number;
  allowed: number;
}

/**
 * Looks at the windows that begin with a request, or 5 s after a change, or end with one: no other can see more, nor have
 * less allowed. A policy counts in windows that begin up to 5 s after it ended.
 */
export function excessesOf({ arrivals, policies }: SimulationResult, windowMs: number): Excess[] {
  const sorted = [...arrivals.values()].flat().sort((a, b) => a - b);
  const changes = policies.flatMap(({ fromMs }) =>
    Number.isFinite(fromMs) ? [fromMs + policyLagMs, fromMs - windowMs] : [],
  );
  return [...sorted, ...changes].flatMap((fromMs) => {
    const requests = countUntil(sorted, fromMs + windowMs - 1e-6) - countUntil(sorted, fromMs);
    const allowed = allowedIn(policies, fromMs, fromMs + windowMs);
    return requests > allowed ? [{ fromMs, requests, allowed }] : [];
  });
}

function allowedIn(policies: readonly Policy[], fromMs: number, toMs: number): number {
  const inForce = policies.filter(
    (policy, nth) => policy.fromMs < toMs && (policies[nth + 1]?.fromMs ?? Infinity) + policyLagMs > fromMs,
  );
  return Math.max(...inForce.map(({ requests }) => requests));
}

/** How long after a pause of its feed a request arrived, at most. Milliseconds. */
export function longestStopMs({ arrivals, policies }: SimulationResult, feed: string): number {
  const times = arrivals.get(feed) ?? [];
  let [longest, since] = [0, Infinity];
  policies.forEach(({ fromMs, paused }, nth) => {
    since = paused.includes(feed) ? Math.min(since, fromMs) : Infinity;
    const nextMs = policies[nth + 1]?.fromMs ?? Infinity;
    for (const at of times.filter((time) => time > fromMs && time < nextMs)) longest = Math.max(longest, at - since);
  });
  return longest;
}

/**
 * The share of each policy that was used from 5 s after its beginning to its end, where that is at least a window: in the
 * order of the policies.
 */
export function useOfEach({ arrivals, policies, endMs }: SimulationResult, windowMs: number): number[] {
  const sorted = [...arrivals.values()].flat().sort((a, b) => a - b);
  return policies.flatMap(({ fromMs, requests }, nth) => {
    const [begin, end] = [fromMs + policyLagMs, Math.min(endMs, policies[nth + 1]?.fromMs ?? Infinity)];
    if (!Number.isFinite(fromMs) || end - begin < windowMs) return [];
    return [(countUntil(sorted, end) - countUntil(sorted, begin)) / ((requests * (end - begin)) / windowMs)];
  });
}

/** How many of the sorted times are earlier. */
function countUntil(sorted: readonly number[], time: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
