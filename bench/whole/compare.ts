import type { BenchFigures, PartName } from './bench-figures.ts';
import type { Ratios } from './ratios.ts';
import { ratiosOf } from './ratios.ts';

/** Two runs of the same code on a shared machine of two cores differed by up to this: what is more is a regression. */
const usualNoise = 0.15;

/**
 * What a run is compared with: each ratio of the newest kept run that has it. Its noise is what two kept runs of the same
 * commit differ by, if that is more than the usual.
 * @param kept the oldest first
 */
export function baselineOf(kept: readonly BenchFigures[]): Ratios {
  const baseline: Ratios = {};
  for (const run of kept) Object.assign(baseline, ratiosOf(run));
  for (const runs of Map.groupBy(kept, ({ commit }) => commit).entries()) {
    const [commit, same] = runs;
    if (commit === undefined) continue;
    for (const [name, one] of Object.entries(baseline)) {
      const values = same.flatMap((run) => ratiosOf(run)[name]?.value ?? []);
      const spread = Math.max(...values) / Math.min(...values) - 1;
      if (values.length > 1) one.noise = Math.max(one.noise ?? usualNoise, spread);
    }
  }
  return baseline;
}

/**
 * A line for each ratio that is worse by more than noise. A ratio that is missing now, and was there before, is worse.
 * @param ran the parts that were to be run; undefined: all
 */
export function regressions(now: Ratios, before: Ratios, ran?: ReadonlySet<PartName>): string[] {
  const worse: string[] = [];
  for (const [name, { value: old, isBetter, parts, noise = usualNoise }] of Object.entries(before)) {
    if (!(old > 0) || (ran && !parts.every((part) => ran.has(part)))) continue;
    const value = now[name]?.value;
    if (value === undefined) worse.push(`${name}: not measured any more, was ${old.toFixed(2)}`);
    else if (!((isBetter === 'higher' ? old / value : value / old) - 1 <= noise))
      worse.push(`${name}: ${value.toFixed(2)}, was ${old.toFixed(2)} (noise: ${(noise * 100).toFixed(0)}%)`);
  }
  return worse;
}

export function describeComparison(worse: readonly string[], at: string | undefined): string[] {
  if (at === undefined) return ['nothing was kept to compare with'];
  if (worse.length === 0) return [`nothing is worse than in the kept runs, the newest of ${at}`];
  return [`worse than in the kept runs, the newest of ${at}:`, ...worse.map((line) => `  WORSE  ${line}`)];
}
