import type { FeedSettings, LaneSettings, Settings } from './settings.ts';

/** Bytes per second that a splitter inflates, with the CPU that it has: well below what was measured. */
const inflatedBytesPerSecond = 100_000_000;

/** The share of a splitter's time within which a restart must have inflated a gzip up to its last checkpoint. */
const inflateShare = 1 / 4;

/** The largest content of a gzip that a splitter with that timeout can read. Bytes. */
export function largestGzipContent(timeoutSeconds: number): number {
  return timeoutSeconds * inflateShare * inflatedBytesPerSecond;
}

/** Batches per consumer that the queue may hold at least, even if the API is slow. */
const batchesAConsumer = 4;

/** The splitter's settings beside the limits of the cut (see lambdas/runtime/environment.ts). */
export function splitterLimits(
  { splitter, horizonSeconds }: Pick<Settings, 'splitter' | 'horizonSeconds'>,
  { requests, windowSeconds, isPaced }: FeedSettings['api'],
  { consumers, cutLimits }: LaneSettings,
) {
  const recordsPerSecond = requests / windowSeconds;
  const fewest = batchesAConsumer * consumers * cutLimits.maxBatchRecords;
  return {
    gzip: {
      maxContentBytes: splitter.gzip.maxContentBytes,
      maxRatio: splitter.gzip.maxRatio,
      roomMs: (splitter.timeoutSeconds * 1000) / 2,
    },
    horizon: {
      records: Math.max(fewest, Math.ceil(recordsPerSecond * horizonSeconds)),
      recordsPerSecond,
      ...(isPaced ? { limit: { requests, windowSeconds } } : {}),
    },
  };
}
