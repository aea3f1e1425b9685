import type { Clock } from '../../lambdas/ports.ts';
import type { PolledSnapshot } from '../live/snapshot-poller.ts';
import type { Jobs } from './jobs.ts';
import type { LimiterSamples } from './limiter-samples.ts';
import type { RoomStack } from './room-stack.ts';

/** What the control room needs of the command that opens it. */
export interface RoomPorts {
  sight: () => Promise<PolledSnapshot>;
  /** The stack as it is deployed now. */
  stack: () => Promise<RoomStack>;
  /** The stack's deployed feeds. */
  feeds: () => Promise<readonly string[]>;
  jobs: Pick<Jobs, 'list' | 'start'>;
  /** The limiters as they were seen since the room was opened. */
  samples: Pick<LimiterSamples, 'of'>;
  /** Who acts here: the name that goes into the account. */
  by: string;
  explain: (error: unknown) => string;
  /** A browser came with a link that was used or is too old: here is a new one. */
  onStaleLink: (link: string) => void;
  clock: Clock;
}
