import type { FaultsInput } from './faults.ts';

export interface FakeAvstarOptions {
  /** 0 (the default): any free port. */
  port?: number;
  /** 127.0.0.1 by default; 0.0.0.0 for functions that run in Docker. */
  host?: string;
  token: string;
  /** The most requests allowed in any window; undefined: no limit. */
  requests?: number;
  windowSeconds?: number;
  /** Spot ids answered 422, in addition to all that begin with REFUSE. */
  refuse?: Iterable<string>;
  /** How a 429 says when to try again. */
  retryAfterAs?: 'seconds' | 'date';
  /** It has a key of its own: an entry for a spot and airtime replaces the one before. */
  replaces?: boolean;
  faults?: FaultsInput;
  /** Seed of the dice that choose the requests that fail. */
  seed?: number;
}
