/** What an API accepts. */
interface Limit {
  requests: number;
  windowSeconds: number;
  /** False: requests are sent as fast as they can be. */
  isPaced?: boolean;
}

/**
 * Lambda assigns CPU in proportion to memory: 1,769 MB is one vCPU. A request takes 0.1 to 0.2 ms of CPU. A consumer runs
 * for as long as a file takes, so at a slow pace its memory is what it costs. `npm run bench:paced-memory` measures the
 * peaks, with the flags that Lambda's runtime starts Node with.
 */
const memoryByPace = [
  { upToRequestsPerSecond: 30, memoryMb: 192 },
  { upToRequestsPerSecond: 60, memoryMb: 256 },
  { upToRequestsPerSecond: 100, memoryMb: 512 },
  { upToRequestsPerSecond: Infinity, memoryMb: 1769 },
] as const;

/**
 * Up to this rate one consumer sends all that the API takes, and the others' batches wait in the queue: the same number is in
 * lambdas/core/limiter/turn-of-batch.ts. Requests per second.
 */
const mostOfOneConsumer = 100;

/** What that consumer needs. */
const leastMemoryMb = 192;

/**
 * Windows from this length on have a margin that a tenth of a vCPU keeps: with half of it, 20 ms, a consumer with so little
 * CPU would miss slots. Seconds.
 */
const shortestLongWindow = 10;

/** The memory, in MB, of each of so many consumers of an API. */
export function consumerMemoryFor({ requests, windowSeconds, isPaced = true }: Limit, consumers: number): number {
  const rate = requests / windowSeconds;
  const isAlone = isPaced && rate <= mostOfOneConsumer;
  if (isAlone && windowSeconds >= shortestLongWindow) return leastMemoryMb;
  const ofEach = isAlone ? rate : rate / consumers;
  return memoryByPace.find((each) => ofEach <= each.upToRequestsPerSecond)?.memoryMb ?? 1769;
}
