import { describe, expect, it } from 'vitest';
import { jitterMarginMs, leaseSize, slotSpacingMs } from '../../../../lambdas/core/limiter/limiter.ts';

describe('slot spacing', () => {
  it.each([
    { requests: 600, windowSeconds: 60 },
    { requests: 6000, windowSeconds: 60 },
    { requests: 300, windowSeconds: 3 },
    { requests: 300, windowSeconds: 1 },
    { requests: 1, windowSeconds: 10 },
  ])('keeps $requests in $windowSeconds s even when one request is late by the whole margin', (limit) => {
    const spacing = slotSpacingMs(limit);
    const margin = jitterMarginMs(limit);
    // The first of n+1 requests comes as late as it may, the last one on time.
    expect(limit.requests * spacing - margin).toBeGreaterThanOrEqual(limit.windowSeconds * 1000 - 1e-6);
  });

  it.each([
    { requests: 600, windowSeconds: 60, share: 0.99 },
    { requests: 6000, windowSeconds: 60, share: 0.99 },
    { requests: 300, windowSeconds: 3, share: 0.98 },
    { requests: 300, windowSeconds: 1, share: 0.95 },
  ])('leaves $share of $requests in $windowSeconds s to be used', ({ share, ...limit }) => {
    const perWindow = (limit.windowSeconds * 1000) / slotSpacingMs(limit);
    expect(perWindow / limit.requests).toBeGreaterThanOrEqual(share);
  });
});

describe('lease size', () => {
  const base = { wanted: 1000, connections: 9, latencyMs: 20, spacingMs: 10, marginMs: 30, most: 400 };

  it('is as many as a lease may have if the connections keep up', () => {
    expect(leaseSize(base)).toBe(400);
    expect(leaseSize({ ...base, most: 100 })).toBe(100);
  });

  it('is no more than what is requested', () => {
    expect(leaseSize({ ...base, wanted: 7 })).toBe(7);
  });

  it('is as many as can be sent in time if the connections are slower than the slots', () => {
    const slow = { ...base, latencyMs: 300 };
    const size = leaseSize(slow);
    // With `connections` requests at a time, the last of them goes out this long after its slot.
    const servedMs = (size / slow.connections - 1) * slow.latencyMs;
    expect(size).toBeGreaterThanOrEqual(slow.connections);
    expect(servedMs - size * slow.spacingMs).toBeLessThanOrEqual(slow.marginMs);
  });

  it('is never less than one', () => {
    expect(leaseSize({ ...base, wanted: 0, connections: 1, latencyMs: 10_000, spacingMs: 1 })).toBe(1);
  });
});
