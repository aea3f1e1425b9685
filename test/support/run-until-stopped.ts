import type { RevisionWorld } from './revision-world.ts';

/**
 * Splitters first, then a number of batches, then what `drop` drops, so that it stops the file in progress; the rest in
 * order.
 */
export async function runUntilStopped(world: RevisionWorld, sentBatches: number, drop: () => void): Promise<void> {
  let left = sentBatches;
  let isDropped = false;
  await world.run((due) => {
    const kinds = world.queue.slice(0, due).map(({ task }) => task.kind);
    const splitter = kinds.findIndex((kind) => kind === 'drop' || kind === 'continue');
    if (splitter >= 0) return { index: splitter, isRepeated: false };
    if (left > 0 && kinds.includes('batch')) left--;
    else if (!isDropped) {
      isDropped = true;
      drop();
      return { index: world.queue.length - 1, isRepeated: false };
    }
    return { index: Math.max(0, kinds.indexOf('batch')), isRepeated: false };
  });
}
