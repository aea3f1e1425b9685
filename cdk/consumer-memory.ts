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

/** The memory, in MB, of a consumer that sends that many requests a second. */
export function consumerMemoryFor(requestsPerSecond: number): number {
  return memoryByPace.find((each) => requestsPerSecond <= each.upToRequestsPerSecond)?.memoryMb ?? 1769;
}
