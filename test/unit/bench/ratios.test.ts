import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BenchFigures } from '../../../bench/whole/bench-figures.ts';
import { ratiosOf, regressions } from '../../../bench/whole/ratios.ts';

const results = resolve(import.meta.dirname, '../../../bench/results');
const kept = readdirSync(results)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(results, name), 'utf8')) as BenchFigures);
const newest = (): BenchFigures => structuredClone(kept.at(-1) as BenchFigures);

describe('the comparison with kept figures', () => {
  it('finds nothing worse in the same figures', () => {
    expect(regressions(ratiosOf(newest()), ratiosOf(newest()))).toEqual([]);
  });

  it('names each ratio that is worse by more than noise, and none that is better', () => {
    const now = newest();
    now.cost.cost.total *= 1.2;
    for (const each of now.throughput) {
      const { byFunction } = each.cpu;
      byFunction['consumer'] = (byFunction['consumer'] ?? 0) * 0.5;
      each.recordsPerSecond /= 2;
    }
    const worse = regressions(ratiosOf(now), ratiosOf(newest()));
    expect(worse.filter((line) => line.startsWith('dollars a million records'))).toHaveLength(1);
    expect(worse.filter((line) => line.startsWith('whole system'))).toHaveLength(now.throughput.length);
    expect(worse.filter((line) => line.startsWith('consumers'))).toEqual([]);
  });

  it('tolerates noise', () => {
    const now = newest();
    now.cost.cost.total *= 1.1;
    expect(regressions(ratiosOf(now), ratiosOf(newest()))).toEqual([]);
  });

  it('counts a ratio that is no longer measured as worse', () => {
    const now = newest();
    now.coldStarts.pop();
    expect(regressions(ratiosOf(now), ratiosOf(newest())).length).toBeGreaterThan(0);
  });

  it('has every ratio of every kept run as a positive number', () => {
    for (const figures of kept)
      for (const [name, { value }] of Object.entries(ratiosOf(figures))) expect(value, name).toBeGreaterThan(0);
  });
});
