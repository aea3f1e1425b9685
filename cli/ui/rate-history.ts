import type { Decision } from '../../lambdas/core/limiter/limit-policy.ts';
import { paceOf } from '../../lambdas/core/deadlines/pace.ts';
import type { RateLimit } from '../../lambdas/core/limiter/limiter.ts';
import type { LimiterSample } from './limiter-samples.ts';
import { sampleEveryMs } from './limiter-samples.ts';
import { isoTime } from '../../lambdas/core/iso-time.ts';

/** How fast an API was used, in bins of one width, against its limit. */
export interface RateHistory {
  api: string;
  feeds: string[];
  from: string;
  to: string;
  bin_seconds: number;
  bins: RateBin[];
  pauses: { from: string; to: string | null; text: string }[];
  /** From then on the bins are the limiter's own count of requests; before, they are derived from finished batches. */
  counted_since: string | null;
}

export interface RateBin {
  /** Null before anything is known, and for the limit of a sink without one. */
  per_second: number;
  limit_per_second: number | null;
  is_counted: boolean;
}

/** A finished batch: its records that the API has answered. */
export interface FinishedBatch {
  settledAt: number;
  answered: number;
}

export interface RateFacts {
  api: string;
  feeds: string[];
  /** As deployed; undefined for a sink without a limit. */
  limit: RateLimit | undefined;
  consumers: number;
  batches: readonly FinishedBatch[];
  samples: readonly LimiterSample[];
  decisions: readonly Decision[];
}

export const binMs = 5 * 60_000;
/** A batch that waited for hours is not spread over more than this. Milliseconds. */
const longestSpreadMs = 20 * 60_000;
/** A gap between two samples: the machine slept, or the cloud did not answer. */
const longestGapMs = 4 * sampleEveryMs;

/** @param hours up to now, in whole bins */
export function rateHistory(facts: RateFacts, hours: number, now: number): RateHistory {
  const to = Math.ceil(now / binMs) * binMs;
  const from = to - hours * 3_600_000;
  const count = (to - from) / binMs;
  const derived = derivedCounts(facts, from, count);
  const [first] = facts.samples;
  const bins = Array.from({ length: count }, (_, index): RateBin => {
    const start = from + index * binMs;
    const end = Math.min(start + binMs, now);
    const counted = countedIn(facts.samples, start, end);
    const answered = counted ?? derived[index] ?? 0;
    const limit = limitAt(facts, (start + end) / 2);
    return {
      per_second: Math.round((answered * 100_000) / Math.max(1_000, end - start)) / 100,
      limit_per_second: limit === undefined ? null : limit.requests / limit.windowSeconds,
      is_counted: counted !== undefined,
    };
  });
  const isCounted = bins.some((bin) => bin.is_counted);
  return {
    ...{ api: facts.api, feeds: facts.feeds, from: isoTime(from), to: isoTime(to), bin_seconds: binMs / 1000, bins },
    pauses: [...operatorPauses(facts.decisions), ...seenPauses(facts.samples)]
      .filter((pause) => (pause.to ?? now) > from)
      .sort((a, b) => a.from - b.from)
      .map((pause) => ({ ...pause, from: isoTime(pause.from), to: pause.to === undefined ? null : isoTime(pause.to) })),
    counted_since: isCounted && first ? isoTime(first.at) : null,
  };
}

/** Each batch's records, over the time that it takes while all consumers share the limit. */
function derivedCounts({ batches, limit, consumers }: RateFacts, from: number, count: number): number[] {
  const bins = Array.from({ length: count }, () => 0);
  const perSecond = limit && paceOf(limit);
  for (const { settledAt, answered } of batches) {
    const seconds = perSecond === undefined ? 1 : (answered * consumers) / perSecond;
    const spread = Math.min(longestSpreadMs, Math.max(1_000, seconds * 1000));
    const begun = settledAt - spread;
    for (let at = Math.floor((begun - from) / binMs); at <= Math.floor((settledAt - from) / binMs); at++) {
      const overlap = Math.min(settledAt, from + (at + 1) * binMs) - Math.max(begun, from + at * binMs);
      const before = bins[at];
      if (before !== undefined) bins[at] = before + (answered * Math.max(0, overlap)) / spread;
    }
  }
  return bins;
}

/** Requests in that time by the limiter's count; undefined if it was not seen all the time. */
function countedIn(samples: readonly LimiterSample[], start: number, end: number): number | undefined {
  const inside = samples.filter(({ at }) => at >= start - sampleEveryMs && at <= end);
  const [first] = inside;
  const last = inside.at(-1);
  if (!first || !last || first.at > start + longestGapMs || last.at < end - longestGapMs) return undefined;
  if (inside.some(({ at }, index) => index > 0 && at - (inside[index - 1]?.at ?? at) > longestGapMs)) return undefined;
  const seconds = last.at - first.at;
  return seconds <= 0 ? undefined : ((last.passes - first.passes) * (end - start)) / seconds;
}

/** The limit that people and the calendar had set by then. */
function limitAt({ limit, decisions }: RateFacts, atMs: number): RateLimit | undefined {
  if (!limit) return undefined;
  const newest = decisions.findLast(({ at, to }) => at <= atMs && to !== undefined);
  // It may have ended before any consumer wrote that down.
  const { to = limit.requests, until = Infinity } = newest ?? {};
  return atMs < until ? { ...limit, requests: Math.min(limit.requests, to) } : limit;
}

interface Pause {
  from: number;
  to: number | undefined;
  text: string;
}

function operatorPauses(decisions: readonly Decision[]): Pause[] {
  const pauses: Pause[] = [];
  for (const { kind, feed, at, by, why } of decisions) {
    if (kind === 'pause') pauses.push({ from: at, to: undefined, text: `${feed} paused by ${by}: ${why ?? ''}` });
    if (kind !== 'resume') continue;
    const open = pauses.findLast((pause) => pause.to === undefined && pause.text.startsWith(`${feed} `));
    if (open) open.to = at;
  }
  return pauses;
}

function seenPauses(samples: readonly LimiterSample[]): Pause[] {
  const pauses: Pause[] = [];
  let last: LimiterSample | undefined;
  for (const sample of samples) {
    const { at, pause } = sample;
    const open = pauses.at(-1);
    const goesOn = last !== undefined && last.pause === pause && at - last.at <= longestGapMs;
    if (pause !== undefined && open && goesOn) open.to = at;
    else if (pause !== undefined) pauses.push({ from: at, to: at, text: pause });
    last = sample;
  }
  return pauses;
}
