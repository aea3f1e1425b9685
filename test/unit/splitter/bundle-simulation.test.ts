import { describe, expect, it } from 'vitest';
import type { BundleFaults } from '../../support/bundle-simulation.ts';
import { BundleSimulation } from '../../support/bundle-simulation.ts';
import { expectEachInOneBundle } from '../../support/expect-bundles.ts';

const calm: BundleFaults = { killed: 0, lost: 0, stalled: 0, twice: 0, unsized: 0 };

const runs = Array.from({ length: 60 }, (_, seed) => seed + 1);

describe('small files, announced in any order to several splitters, are each in one account', () => {
  it.each<[string, BundleFaults]>([
    ['announced twice', { ...calm, twice: 1 }],
    ['with splitters that are killed', { ...calm, killed: 0.05, twice: 0.3, unsized: 0.2 }],
    ['with splitters that stall for minutes', { ...calm, stalled: 0.05, twice: 0.5 }],
    ['with all of that, and lost answers', { killed: 0.03, lost: 0.03, stalled: 0.03, twice: 0.5, unsized: 0.2 }],
  ])('%s', async (_, faults) => {
    let [kills, pending] = [0, 0];
    for (const seed of runs) {
      const simulation = new BundleSimulation(seed, faults);
      await simulation.run(14);
      expectEachInOneBundle(simulation.world, simulation.sources);
      kills += simulation.kills;
      pending += simulation.pending;
    }
    // The faults that the test is about did occur.
    if (faults.killed > 0) expect(kills).toBeGreaterThan(runs.length);
    expect(pending).toBeGreaterThan(runs.length / 4);
  });
});
