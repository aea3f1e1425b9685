/**
 * The arithmetic of the shared limiter: GCRA (the generic cell rate algorithm) with a bucket of one. A token bucket with
 * a burst breaks a sliding window: bucket and refill within one window exceed the limit. So what is handed out is
 * send times, evenly spaced, and all that is stored is the next free one (`tat`, theoretical arrival time).
 */

export interface RateLimit {
  requests: number;
  windowSeconds: number;
}

/** Nobody leases a slot further ahead than this. Milliseconds. */
export const maxLeaseAheadMs = 2_000;

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
 * up at `connections / latency`. Where they keep up, a second's worth; where they don't, as many as can be served
 * before the queue for a connection makes a slot late by more than the margin. At least one, at most `wanted`.
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
  const served = (spacingMs * connections) / Math.max(latencyMs, 1);
  const sustained = served >= 1 ? aSecond : Math.floor((connections * (1 + marginMs / latencyMs)) / (1 - served));
  return Math.max(1, Math.min(wanted, aSecond, sustained));
}
