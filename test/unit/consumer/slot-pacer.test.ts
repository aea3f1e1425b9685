import { describe, expect, it } from 'vitest';
import { SlotPacer } from '../../../lambdas/consumer/slot-pacer.ts';
import { jitterMarginMs, slotSpacingMs } from '../../../lambdas/core/limiter/limiter.ts';
import { SendRate } from '../../../lambdas/core/limiter/send-rate.ts';
import type { Limiter } from '../../../lambdas/ports.ts';

/** Without a limit. @param latencyMs as earlier batches have learned it */
async function sendAll(requests: number, connections: number, latencyMs?: number) {
  let nowMs = 0;
  const used = { leases: 0, clockReads: 0 };
  const clock = {
    now: () => {
      used.clockReads++;
      return nowMs;
    },
    sleep: async (ms: number) => void (nowMs += ms),
  };
  const limit = { requests: 1_000, windowSeconds: 1 };
  const leaseSlots: Limiter['leaseSlots'] = async (count) => {
    used.leases++;
    return { kind: 'leased', firstSlotMs: nowMs, spacingMs: 0, count };
  };
  let demand = requests;
  const latency = latencyMs === undefined ? new SendRate().latency : { meanMs: latencyMs, strayMs: 0 };
  const pacer = new SlotPacer({
    ...{ limiter: { leaseSlots } as Limiter, clock, connections, latency },
    ...{ spacingMs: slotSpacingMs(limit), marginMs: jitterMarginMs(limit), windowMs: limit.windowSeconds * 1000 },
    ...{ demand: () => demand, onWait: () => undefined, deadline: { isDrawingIn: () => false } },
    signal: new AbortController().signal,
  });
  for (; demand > 0; demand--) {
    expect(await pacer.next()).toMatchObject({ kind: 'go' });
    if (demand % connections === 0) nowMs++;
  }
  return used;
}

describe('without a limit', () => {
  it('one lease serves a request of each connection', async () => {
    const [connections, requests] = [20, 1_000];
    const { leases } = await sendAll(requests, connections);
    expect(leases).toBeLessThanOrEqual(requests / connections);
  });

  it('a lease that is too late is dropped at once, however many requests it was for', async () => {
    const requests = 1_000;
    const { clockReads } = await sendAll(requests, 20, 1);
    expect(clockReads).toBeLessThan(2 * requests);
  });
});
