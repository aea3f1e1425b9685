/**
 * The arithmetic of the shared limiter: GCRA (the generic cell rate algorithm) with a bucket of one. A token bucket with
 * a burst violates a sliding window: bucket and refill within one window exceed the limit. So the limiter hands out
 * evenly spaced send times, and stores only the next free one (`tat`, theoretical arrival time).
 */

export interface RateLimit {
  requests: number;
  windowSeconds: number;
}

/** How far ahead of now the line's end may be for a consumer to join it: for a new consumer, and at most. Milliseconds. */
const firstLeaseAheadMs = 1_250;
const maxLeaseAheadMs = 4_000;
/** A consumer that has waited this long is half-way between the two. Milliseconds. */
const halfwayMs = 30_000;

/**
 * How far ahead a consumer may lease after this wait: the longer the wait, the further. If more consumers want to send
 * than the line has room for, the next free slots come within reach of the one that has waited longest first. The value
 * grows without end, so that it distinguishes two long waits, and stays small: leased slots are lost when their consumer
 * dies, and are used although the line is paused. One or two seconds if a few consumers share a line.
 */
export function leaseAheadMs(waitedMs: number): number {
  return firstLeaseAheadMs + ((maxLeaseAheadMs - firstLeaseAheadMs) * waitedMs) / (waitedMs + halfwayMs);
}

/**
 * No slot is leased further ahead than this: from 5 s after a change of the policy on, no request of the one before arrives.
 * The rest is for the margin (400 ms at most) and for clocks that differ by less than is corrected. Milliseconds.
 */
export const longestReachMs = 4_400;

/**
 * How late, in milliseconds, a request may arrive after its slot without any window exceeding the limit. Half a percent
 * of the window (99.5% of the limit remains), but at least 40 ms, since timers, sockets and schedulers vary by that much
 * for any window, and at most 400 ms, beyond which it gains nothing.
 */
export function jitterMarginMs(limit: RateLimit): number {
  return Math.min(400, Math.max(40, limit.windowSeconds * 5));
}

/**
 * Milliseconds between two slots. Any n+1 consecutive slots span n × spacing = window + margin; if each request arrives
 * at most `margin` after its slot, n+1 arrivals span at least the window.
 */
export function slotSpacingMs(limit: RateLimit): number {
  return (limit.windowSeconds * 1000 + jitterMarginMs(limit)) / limit.requests;
}

/**
 * How many consecutive slots a consumer can use: slots pass at the API's full rate, while its own connections become free
 * at `connections / latency`. If the connections keep up, as many as a lease may have. If not, each round of the connections
 * is later for its slots than the one before, and the lease has as many rounds as stay within the local part of the margin,
 * at most a second's worth. At least one slot, at most `wanted`.
 * @param most a second's worth at least
 */
export function leaseSize(options: {
  wanted: number;
  connections: number;
  latencyMs: number;
  spacingMs: number;
  marginMs: number;
  most: number;
}): number {
  const { wanted, connections, latencyMs, spacingMs, marginMs, most } = options;
  const laterByMs = latencyMs - connections * spacingMs;
  if (laterByMs <= 0) return Math.max(1, Math.min(wanted, most));
  const sustained = connections * (1 + Math.floor(latenessAtHomeMs(marginMs) / laterByMs));
  return Math.max(1, Math.min(wanted, slotsOfASecond(spacingMs), sustained));
}

/** The most slots of one lease, while others use the line too. */
export const slotsOfASecond = (spacingMs: number): number => Math.ceil(1000 / spacingMs);

/** The most slots of a lease of a consumer that has the line to itself: as far as a lease reaches. */
export const slotsOfLongLease = (spacingMs: number): number => Math.ceil(longestReachMs / spacingMs);

/** Half of the margin is for delays in this process, half for delays in the network. */
export const latenessAtHomeMs = (marginMs: number): number => marginMs / 2;
