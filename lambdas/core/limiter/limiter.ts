/**
 * The arithmetic of the shared limiter: GCRA (the generic cell rate algorithm) with a bucket of one. A token bucket with
 * a burst breaks a sliding window: bucket and refill within one window exceed the limit. So what is handed out is
 * send times, evenly spaced, and all that is stored is the next free one (`tat`, theoretical arrival time).
 */

export interface RateLimit {
  requests: number;
  windowSeconds: number;
}

/** How far ahead of now the line's end may be for a consumer to join it: one that comes, and any. Milliseconds. */
const firstLeaseAheadMs = 1_250;
const maxLeaseAheadMs = 4_000;
/** A consumer that was put off for this long is half-way from the one to the other. Milliseconds. */
const halfwayMs = 30_000;

/**
 * How far ahead a consumer may lease that has been put off for so long: the longer, the further. So where more want to
 * send than the line takes, the next free slots come within reach of the one that has waited for longest, before all
 * others. Grows without end, so that it tells two old ones apart, and stays small: what is leased is lost when its
 * consumer dies, and is sent although the line is paused. A second or two where a few consumers share a line.
 */
export function leaseAheadMs(waitedMs: number): number {
  return firstLeaseAheadMs + ((maxLeaseAheadMs - firstLeaseAheadMs) * waitedMs) / (waitedMs + halfwayMs);
}

/**
 * How late, in milliseconds, a request may arrive after its slot without a window ever seeing one too many. Half a
 * percent of the window (99.5% of the limit remains), but at least 40 ms, since timers, sockets and schedulers
 * stray by that much whatever the window is, and at most 400 ms, beyond which nothing is gained.
 */
export function jitterMarginMs(limit: RateLimit): number {
  return Math.min(400, Math.max(40, limit.windowSeconds * 5));
}

/**
 * Milliseconds between two slots. Any n+1 slots in a row span n × spacing = window + margin; with each request
 * arriving at most `margin` after its slot, n+1 arrivals span at least the window.
 */
export function slotSpacingMs(limit: RateLimit): number {
  return (limit.windowSeconds * 1000 + jitterMarginMs(limit)) / limit.requests;
}

/**
 * How many slots in a row a consumer can use: slots pass at the full rate of the API, while its own connections free
 * up at `connections / latency`. Where they keep up, a second's worth; where they don't, each round of the connections
 * is later for its slots than the one before, and as many rounds fit as come within what a request may be late at home.
 * At least one slot, at most `wanted`.
 */
export function leaseSize(options: {
  wanted: number;
  connections: number;
  latencyMs: number;
  spacingMs: number;
  marginMs: number;
}): number {
  const { wanted, connections, latencyMs, spacingMs, marginMs } = options;
  const aSecond = Math.ceil(1000 / spacingMs);
  const laterByMs = latencyMs - connections * spacingMs;
  const sustained = laterByMs <= 0 ? aSecond : connections * (1 + Math.floor(latenessAtHomeMs(marginMs) / laterByMs));
  return Math.max(1, Math.min(wanted, aSecond, sustained));
}

/** Half of the margin is for being late at home, half for being late on the way. */
export const latenessAtHomeMs = (marginMs: number): number => marginMs / 2;
