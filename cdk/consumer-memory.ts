import { isOneEnough } from '../lambdas/core/limiter/turn-of-batch.ts';
import type { RateLimit } from '../lambdas/core/limiter/limiter.ts';

/**
 * Lambda assigns CPU in proportion to memory: 1,769 MB is one vCPU. A request takes 0.1 to 0.2 ms of CPU. A consumer runs
 * for as long as a file takes, so at a slow pace its memory is what it costs. `npm run bench:memory` measures the peaks,
 * with the flags that Lambda's runtime starts Node with.
 */
const memoryByPace = [
  { upToRequestsPerSecond: 30, memoryMb: 192 },
  { upToRequestsPerSecond: 60, memoryMb: 256 },
  { upToRequestsPerSecond: 100, memoryMb: 512 },
  { upToRequestsPerSecond: Infinity, memoryMb: 1769 },
] as const;

/** What one consumer needs for all that a slow API takes. */
const leastMemoryMb = 192;

/**
 * Windows from this length on have a margin that a tenth of a vCPU keeps: with half of it, 20 ms, a consumer with so little
 * CPU would miss slots. Seconds.
 */
const shortestLongWindow = 10;

/** The memory, in MB, of each of so many consumers of an API. */
export function consumerMemoryFor(limit: RateLimit & { isPaced?: boolean }, consumers: number): number {
  const { requests, windowSeconds, isPaced = true } = limit;
  const isAlone = isPaced && isOneEnough(limit);
  if (isAlone && windowSeconds >= shortestLongWindow) return leastMemoryMb;
  const requestsPerSecond = requests / windowSeconds / (isAlone ? 1 : consumers);
  return memoryByPace.find((each) => requestsPerSecond <= each.upToRequestsPerSecond)?.memoryMb ?? 1769;
}
