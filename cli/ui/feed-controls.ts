import { lowestRequests } from '../../lambdas/core/limiter/limit-policy.ts';
import { limitText, pauseText } from '../../lambdas/core/limiter/policy-facts.ts';
import { Cached } from '../live/cached.ts';
import type { FeedLimit, LimitPorts } from '../operate/feed-limit.ts';
import { readLimit } from '../operate/feed-limit.ts';

/** What applies to a feed, and what may be done about it. */
export interface FeedControl {
  feed: string;
  api: string;
  /** The other feeds that share its limit. */
  shared_with: string[];
  /** The time zone of times of day. */
  zone: string;
  /** In words; null if it is not paused. */
  paused: string | null;
  /** In words; null if the sink has no limit that is kept. */
  limit: string | null;
  requests: { now: number; lowest: number; deployed: number; window_seconds: number } | null;
  /** A person has set the limit: it can be reset. */
  is_limit_set: boolean;
}

const readEveryMs = 3_000;

/** The feeds' controls, read at most every few seconds. */
export class FeedControls {
  #cached: Cached<FeedControl[]>;
  readonly #read: () => Promise<FeedControl[]>;
  readonly #clock: LimitPorts['clock'];

  constructor(
    ports: () => Promise<Omit<LimitPorts, 'events'>>,
    feeds: () => Promise<readonly string[]>,
    clock: LimitPorts['clock'],
  ) {
    this.#clock = clock;
    this.#read = async () => {
      const [known, names] = [await ports(), await feeds()];
      const read = await Promise.all(names.map((feed) => readLimit(feed, known)));
      return read.flatMap((each) => (each.kind === 'known' ? [controlOf(each.state, clock.now())] : []));
    };
    this.#cached = new Cached(readEveryMs, this.#read);
  }

  list(): Promise<FeedControl[]> {
    return this.#cached.get(this.#clock.now());
  }

  /** Something was decided: the next list has it. */
  forget(): void {
    this.#cached = new Cached(readEveryMs, this.#read);
  }
}

export function controlOf({ feed, api, sharedWith, zone, limit, pause }: FeedLimit, now: number): FeedControl {
  return {
    ...{ feed, api, shared_with: sharedWith, zone },
    paused: pause ? pauseText(pause, zone, now) : null,
    limit: limit ? limitText(limit, zone, now) : null,
    requests: limit
      ? {
          now: limit.requests,
          lowest: lowestRequests({ requests: limit.deployedRequests, windowSeconds: limit.windowSeconds }),
          deployed: limit.deployedRequests,
          window_seconds: limit.windowSeconds,
        }
      : null,
    is_limit_set: limit?.setBy === 'operator',
  };
}
