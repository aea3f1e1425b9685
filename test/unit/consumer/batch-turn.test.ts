import { describe, expect, it } from 'vitest';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import { slotSpacingMs } from '../../../lambdas/core/limiter/limiter.ts';
import { isSlowFor, secondsUntilTurn } from '../../../lambdas/core/limiter/turn-of-batch.ts';
import type { DeliveryScenario } from '../../support/delivery-simulation.ts';
import { DeliverySimulation } from '../../support/delivery-simulation.ts';

const limit = { requests: 600, windowSeconds: 60 };
const fileWith = (counts: Partial<ReturnType<typeof noCounts>>) => ({
  createdAt: 0,
  settled: { ...noCounts(), ...counts },
});

describe('the time until a batch’s turn', () => {
  it('is the API’s time for the records before it, less what has passed, a lead and, if it is long, some more', () => {
    const seconds = (now: number) => secondsUntilTurn(1_001, fileWith({ uploaded: 200 }), limit, now);
    expect(seconds(20_000)).toBe(Math.floor((1_000 / 9.93 - 20 - 2) * 0.97));
    expect(seconds(50_000)).toBe(Math.floor(1_000 / 9.93 - 50 - 2));
    expect(seconds(37_500)).toBe(60);
    expect(seconds(97_800)).toBe(0);
  });

  it('needs no room for an estimate once many records have ended', () => {
    const seconds = (uploaded: number) =>
      secondsUntilTurn(uploaded + 801, fileWith({ uploaded }), limit, (uploaded / 9.93) * 1000);
    expect(seconds(5_000)).toBe(Math.floor((800 / 9.93 - 2) * 0.97));
    expect(seconds(20_000)).toBe(Math.floor(800 / 9.93 - 2));
  });

  it('counts from when the first request was sent: the time before was the splitter’s', () => {
    const file = { ...fileWith({ uploaded: 200 }), sendingSince: 15_000 };
    expect(secondsUntilTurn(1_001, file, limit, 65_000)).toBe(Math.floor(1_000 / 9.93 - 50 - 2));
  });

  it('is none if the line has been slower than the API allows', () => {
    expect(secondsUntilTurn(1_001, fileWith({ uploaded: 200 }), limit, 101_000)).toBe(0);
  });

  it('is none if the line was faster than the API allows now, or records ended without a request', () => {
    // 6,000 a minute, until a deployment lowered the limit.
    expect(secondsUntilTurn(50_401, fileWith({ uploaded: 50_000 }), limit, 500_000)).toBe(0);
    // The API was down for an hour, and batches were given up.
    expect(secondsUntilTurn(90_001, fileWith({ uploaded: 5_000, exhausted: 80_000 }), limit, 4_100_000)).toBe(0);
  });

  it.each([1, 60, 3_600])('follows the line, whose pace is another share of a limit per %i s', (windowSeconds) => {
    const limitPerWindow = { requests: 10 * windowSeconds, windowSeconds };
    const spacingMs = slotSpacingMs(limitPerWindow);
    // Two hours along the line, at its pace and 20 s behind the file.
    const [sent, nowMs] = [72_000, 72_000 * spacingMs + 20_000];
    const seconds = secondsUntilTurn(sent + 801, fileWith({ uploaded: sent }), limitPerWindow, nowMs);
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThan((800 * spacingMs) / 1000);
  });

  it('is not changed by a line that is a batch ahead of its turns', () => {
    expect(secondsUntilTurn(1_201, fileWith({ uploaded: 400 }), limit, 35_000)).toBe(
      Math.floor((1_200 / 9.93 - 35 - 2) * 0.97),
    );
  });

  it('is none before anything has ended: how many records need a request is not known', () => {
    expect(secondsUntilTurn(10_001, fileWith({}), limit, 0)).toBe(0);
  });

  it('does not count records that need no request', () => {
    const half = secondsUntilTurn(1_001, fileWith({ uploaded: 100, rejected: 100 }), limit, 10_000);
    expect(half).toBe(Math.floor(500 / 9.93 - 10 - 2));
    expect(secondsUntilTurn(1_001, fileWith({ held: 100, unchanged: 100 }), limit, 0)).toBe(0);
  });

  it('is at most SQS’s longest delay', () => {
    expect(secondsUntilTurn(1_000_001, fileWith({ uploaded: 424 }), limit, 42_000)).toBe(900);
  });

  it('matters only where a batch takes long, and one consumer is enough', () => {
    expect(isSlowFor(424, limit)).toBe(true);
    expect(isSlowFor(849, { requests: 6_000, windowSeconds: 60 })).toBe(true);
    expect(isSlowFor(849, { requests: 12_000, windowSeconds: 60 })).toBe(false);
    expect(isSlowFor(20, limit)).toBe(false);
  });
});

describe('a file at a slow API', () => {
  const simulate = (scenario: Partial<DeliveryScenario>) =>
    new DeliverySimulation({ files: [8_000], batchRecords: 400, consumers: 2, seed: 7, ...scenario }).run();

  it('takes little more than one function, and 99% of the limit', async () => {
    const { stored, lastStoredMs, awakeMs, requests } = await simulate({});
    expect(stored.size).toBe(8_000);
    expect(requests).toBe(8_000);
    expect(800_000 / lastStoredMs).toBeGreaterThan(0.99);
    expect(awakeMs / lastStoredMs).toBeLessThan(1.35);
  });

  it('takes little more than one function at 100 requests a second too, however long the splitter took', async () => {
    const brisk = { limit: { requests: 6_000, windowSeconds: 60 }, batchRecords: 800, connections: 8 };
    const splitMs = 10_000;
    const { stored, lastStoredMs, awakeMs } = await simulate({ ...brisk, files: [40_000], splitMs });
    expect(stored.size).toBe(40_000);
    expect(400_000 / (lastStoredMs - splitMs)).toBeGreaterThan(0.99);
    expect(awakeMs / (lastStoredMs - splitMs)).toBeLessThan(1.35);
  });

  it('writes few leases while one consumer sends', async () => {
    const { leases, requests } = await simulate({ batchRecords: 800 });
    expect(requests / leases).toBeGreaterThan(10);
  });

  it('is delivered completely, each record once, although consumers are killed', async () => {
    const { stored, receipts } = await simulate({ kills: 6, seed: 11 });
    expect(stored.size).toBe(8_000);
    expect([...stored.values()].every((times) => times === 1)).toBe(true);
    expect([...receipts.values()].every(({ outcome }) => outcome === 'uploaded')).toBe(true);
  });

  it('does not wait for records that keep failing', async () => {
    // Each tenth record fails in its first minutes: its batch stays open, and the others' turns come all the same.
    const { stored, lastStoredMs } = await simulate({
      seed: 13,
      api: ({ number, atMs, random }) =>
        number % 10 === 0 && atMs < 300_000 && random() < 0.5
          ? { kind: 'failed', status: 500, reason: 'http_500', ambiguous: false }
          : 'take',
    });
    expect(stored.size).toBe(8_000);
    expect(lastStoredMs).toBeLessThan(1_000_000);
  });

  it('shares the line with a file that comes later', async () => {
    const { stored, lastStoredMs } = await simulate({ files: [4_000, 4_000], laterMs: 60_000, seed: 17 });
    expect(stored.size).toBe(8_000);
    expect(800_000 / lastStoredMs).toBeGreaterThan(0.98);
  });
});
