import type { Clock } from '../../lambdas/ports.ts';
import type { PolledSnapshot } from '../live/snapshot-poller.ts';
import type { Jobs } from './jobs.ts';
import type { RoomStack } from './room-stack.ts';

/** What the control room needs of the command that opens it. */
export interface RoomPorts {
  sight: () => Promise<PolledSnapshot>;
  /** The stack as it is deployed now. */
  stack: () => Promise<RoomStack>;
  /** The stack's deployed feeds. */
  feeds: () => Promise<readonly string[]>;
  jobs: Pick<Jobs, 'list' | 'start'>;
  /** Who acts here: the name that goes into the account. */
  by: string;
  explain: (error: unknown) => string;
  /** A browser came with a link that was used or is too old: here is a new one. */
  onStaleLink: (link: string) => void;
  clock: Clock;
}
