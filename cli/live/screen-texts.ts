import { oneLine } from '../terminal/format.ts';
import type { PolledSnapshot } from './snapshot-poller.ts';
import type { Snapshot } from './snapshot.ts';

/** The time at which the snapshot was read, to the second, in its zone: `03:12:05`. */
export function secondsText({ at, zone }: Pick<Snapshot, 'at' | 'zone'>): string {
  return new Date(at).toLocaleTimeString('en-GB', { timeZone: zone, hourCycle: 'h23' });
}

/** While nothing can be read: the cause may be the network, AWS, or a stack that is gone. */
export function unansweredText({ why }: NonNullable<PolledSnapshot['unanswered']>): string {
  return `The state cannot be read; trying again. ${oneLine(why, 300)}`;
}
