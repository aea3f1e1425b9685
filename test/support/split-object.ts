import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import { splitFile } from '../../lambdas/splitter/split-file.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { SplitterWorld } from './splitter-world.ts';
import { distinctBatches, noDeadline, smallLimits, splitterWorld } from './splitter-world.ts';

export const fileId = 'file-1';

export function worldOf(object: Buffer, chunkBytes?: number): { world: SplitterWorld; clock: SimulatedClock } {
  const clock = new SimulatedClock();
  return { world: splitterWorld(clock, object, chunkBytes), clock };
}

/** Splits an object as one invocation does. No simulated waiting: decompressing uses real events. */
export async function splitObject(
  object: Buffer,
  deadline: Deadline = noDeadline,
  change?: (world: SplitterWorld) => void,
  chunkBytes?: number,
) {
  const { world, clock } = worldOf(object, chunkBytes);
  change?.(world);
  const create = { fileId, feed: 'traffic', lane: 'main', source: world.source, limits: smallLimits };
  await splitFile(fileId, create, world.ports, deadline);
  const account = world.ports.ledger.files.get(fileId);
  return { batches: distinctBatches(world.sent), account, world, clock, create };
}
