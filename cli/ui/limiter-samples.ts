import type { LimiterItem } from '../../lambdas/core/limiter/limiter-item.ts';

/** An API's limiter at a time. */
export interface LimiterSample {
  /** Milliseconds since 1970. */
  at: number;
  /** Requests that the API decided on, over all consumers and all time. */
  passes: number;
  /** Why nothing is sent; undefined if something may be. */
  pause: string | undefined;
}

/** A day, every 15 s. */
export const sampleEveryMs = 15_000;
const kept = (24 * 60 * 60_000) / sampleEveryMs;

/** What the limiters were seen at since the control room was opened: pauses of the API are recorded nowhere else. */
export class LimiterSamples {
  readonly #samples = new Map<string, LimiterSample[]>();

  note(api: string, item: LimiterItem, now: number): void {
    const samples = this.#samples.get(api) ?? [];
    samples.push({ at: now, passes: item.passes ?? 0, pause: pauseOf(item, now) });
    if (samples.length > kept) samples.splice(0, samples.length - kept);
    this.#samples.set(api, samples);
  }

  /** The oldest first. */
  of(api: string): readonly LimiterSample[] {
    return this.#samples.get(api) ?? [];
  }
}

function pauseOf({ breaker, reason, pausedUntil = 0 }: LimiterItem, now: number): string | undefined {
  if (breaker === 'open') return `the breaker was open (${reason ?? 'no reason given'})`;
  return pausedUntil > now ? 'the API asked for a pause' : undefined;
}
