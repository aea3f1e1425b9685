/**
 * Lambda gives a share of a CPU with the memory, 1,769 MB being a whole one. A request takes 0.2 to 0.3 ms of it, and a
 * consumer runs as long as a file takes: at a slow pace its memory is the bill. `npm run bench:memory` measures the peaks,
 * with the flags that Lambda's runtime starts Node with.
 */
const memoryByPace = [
  { upToRequestsPerSecond: 60, memoryMb: 256 },
  { upToRequestsPerSecond: 100, memoryMb: 512 },
  { upToRequestsPerSecond: Infinity, memoryMb: 1769 },
] as const;

/** Of a consumer that sends so many requests a second, in MB. */
export function consumerMemoryFor(requestsPerSecond: number): number {
  return memoryByPace.find((each) => requestsPerSecond <= each.upToRequestsPerSecond)?.memoryMb ?? 1769;
}
