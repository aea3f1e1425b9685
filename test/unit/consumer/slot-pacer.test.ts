import { expect, it } from 'vitest';
import { SlotPacer } from '../../../lambdas/consumer/slot-pacer.ts';
import { jitterMarginMs, slotSpacingMs } from '../../../lambdas/core/limiter/limiter.ts';
import { SendRate } from '../../../lambdas/core/limiter/send-rate.ts';
import type { Limiter } from '../../../lambdas/ports.ts';

it('without a limit, one lease serves a request of each connection', async () => {
  let nowMs = 0;
  const clock = { now: () => nowMs, sleep: async (ms: number) => void (nowMs += ms) };
  const limit = { requests: 1_000, windowSeconds: 1 };
  const [connections, requests] = [20, 1_000];
  let leases = 0;
  const leaseSlots: Limiter['leaseSlots'] = async (count) => {
    leases++;
    return { kind: 'leased', firstSlotMs: clock.now(), spacingMs: 0, count };
  };
  let demand = requests;
  const pacer = new SlotPacer({
    ...{ limiter: { leaseSlots } as Limiter, clock, connections, latency: new SendRate().latency },
    ...{ spacingMs: slotSpacingMs(limit), marginMs: jitterMarginMs(limit), windowMs: limit.windowSeconds * 1000 },
    ...{ demand: () => demand, onWait: () => undefined, deadline: { isDrawingIn: () => false } },
    signal: new AbortController().signal,
  });
  for (; demand > 0; demand--) {
    expect(await pacer.next()).toMatchObject({ kind: 'go' });
    if (demand % connections === 0) nowMs++;
  }
  expect(leases).toBeLessThanOrEqual(requests / connections);
});
