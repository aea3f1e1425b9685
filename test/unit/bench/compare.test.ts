import { describe, expect, it } from 'vitest';
import type { BenchFigures, PartName } from '../../../bench/whole/bench-figures.ts';
import { baselineOf, regressions } from '../../../bench/whole/compare.ts';
import { keptRuns } from '../../../bench/whole/kept.ts';
import { chooseParts } from '../../../bench/whole/parts.ts';
import { ratiosOf } from '../../../bench/whole/ratios.ts';

const kept = keptRuns();
type WholeRun = BenchFigures & Required<Pick<BenchFigures, 'cost' | 'throughput' | 'coldStarts' | 'consumer'>>;
/** Other runs may have been kept of some parts only. */
const isWhole = (run: BenchFigures): run is WholeRun =>
  [run.cost, run.throughput, run.coldStarts, run.consumer].every((part) => part !== undefined);
const newest = () => structuredClone(kept.findLast(isWhole) as WholeRun);
const worseThanNewest = (now: BenchFigures, ran?: ReadonlySet<PartName>) =>
  regressions(ratiosOf(now), baselineOf([newest()]), ran);

describe('the comparison with kept figures', () => {
  it('finds nothing worse in the same figures', () => {
    expect(worseThanNewest(newest())).toEqual([]);
  });

  it('names each ratio that is worse by more than noise, and none that is better', () => {
    const now = newest();
    now.cost.cost.total *= 1.2;
    for (const each of now.throughput) {
      const { byFunction } = each.cpu;
      byFunction['consumer'] = (byFunction['consumer'] ?? 0) * 0.5;
      each.recordsPerSecond /= 2;
    }
    const worse = worseThanNewest(now);
    expect(worse.filter((line) => line.startsWith('dollars a million records:'))).toHaveLength(1);
    expect(worse.filter((line) => line.startsWith('whole system'))).toHaveLength(now.throughput.length);
    expect(worse.filter((line) => line.startsWith('consumers'))).toEqual([]);
  });

  it('tolerates noise', () => {
    const now = newest();
    now.cost.cost.total *= 1.1;
    expect(worseThanNewest(now)).toEqual([]);
  });

  it('tolerates what two kept runs of the same code differ by, and not what runs of other code do', () => {
    const [first, second, now] = [newest(), newest(), newest()];
    second.cost.cost.total *= 1.3;
    now.cost.cost.total *= 1.3 * 1.25;
    const worse = (commits: [string, string]) => {
      const runs = [first, second].map((run, nth) => ({ ...run, commit: commits[nth] ?? '' }));
      return regressions(ratiosOf(now), baselineOf(runs)).filter((line) =>
        line.startsWith('dollars a million records:'),
      );
    };
    expect(worse(['a', 'a'])).toEqual([]);
    expect(worse(['a', 'b'])).toHaveLength(1);
  });

  it('counts a ratio that is no longer measured as worse', () => {
    const now = newest();
    now.coldStarts.pop();
    const worse = worseThanNewest(now);
    expect(worse).toHaveLength(2);
    for (const line of worse) expect(line).toContain('not measured any more');
  });

  it('compares only the parts that were run, and a part that failed is worse', () => {
    const { at, version, machine, consumer } = newest();
    const only = { at, version, machine, consumer };
    expect(worseThanNewest(only, new Set(['consumer']))).toEqual([]);
    expect(worseThanNewest(only, new Set(['consumer', 'cost']))).toEqual([
      expect.stringMatching(/^dollars a million records: not measured any more/),
    ]);
  });

  it('takes each ratio from the newest kept run that has it', () => {
    const [whole, now] = [newest(), newest()];
    const { at, version, machine, consumer } = newest();
    consumer.cpuOfBare /= 2;
    const worse = regressions(ratiosOf(now), baselineOf([whole, { at, version, machine, consumer }]));
    expect(worse).toHaveLength(1);
    expect(worse[0]).toContain('consumer, CPU of bare requests');
  });

  it('has every ratio of every kept run as a positive number', () => {
    for (const figures of kept)
      for (const [name, { value }] of Object.entries(ratiosOf(figures))) expect(value, name).toBeGreaterThan(0);
  });
});

describe('the figures of many files and of dead letters', () => {
  const step = { step: 'list', seconds: 7, cpuOfParsing: 3, peakMb: 118, peakOfTenth: 1 };
  const many = {
    ...{ files: 1_000, recordsAFile: 1_000, dropSeconds: 30, recordsPerSecond: 2_000 },
    ...{ simulatedFiles: 1_000, lastEndOfFair: 1, statusCallsPerFile: 0.04, reconcilerCallsPerFile: 0.06 },
    ...{ simulatedLargeFiles: 100, lastStartOfFair: 1, lastEndOfFairLarge: 1, firstEndOfFairLarge: 1 },
  };
  const figuresWith = (change: Partial<BenchFigures>): BenchFigures => ({
    ...newest(),
    ...{ manyFiles: many, deadLetters: { letters: 100_000, steps: [step] } },
    ...change,
  });
  const worse = (change: Partial<BenchFigures>) =>
    regressions(ratiosOf(figuresWith(change)), baselineOf([figuresWith({})]));

  it.each<[string, Partial<BenchFigures>]>([
    ['dead letters, list, memory', { deadLetters: { letters: 100_000, steps: [{ ...step, peakOfTenth: 1.2 }] } }],
    ['dead letters, list, CPU', { deadLetters: { letters: 100_000, steps: [{ ...step, cpuOfParsing: 4 }] } }],
    ['many files, the latest end', { manyFiles: { ...many, lastEndOfFair: 1.2 } }],
    ['many files, calls of `status`', { manyFiles: { ...many, statusCallsPerFile: 1 } }],
    ['many files, calls of a reconciliation', { manyFiles: { ...many, reconcilerCallsPerFile: 2 } }],
    ['large files, the latest start', { manyFiles: { ...many, lastStartOfFair: 3 } }],
    ['large files, the first end', { manyFiles: { ...many, firstEndOfFairLarge: 0.5 } }],
    ["many files' speed", { manyFiles: { ...many, recordsPerSecond: 1_000 } }],
  ])('fail the comparison where %s is worse by more than noise', (name, change) => {
    expect(worse(change)).toEqual([expect.stringContaining(name)]);
  });

  it('pass it within noise, and are named where they are not measured any more', () => {
    expect(worse({ manyFiles: { ...many, lastEndOfFair: 1.1, statusCallsPerFile: 0.045 } })).toEqual([]);
    expect(worse({ deadLetters: { letters: 100_000, steps: [] } })).toEqual([
      expect.stringMatching(/^dead letters, list, CPU .*not measured any more/),
      expect.stringMatching(/^dead letters, list, memory .*not measured any more/),
    ]);
  });
});

describe('the parts', () => {
  it('are chosen by their names on the command line, in their own order', () => {
    expect(chooseParts('cold-starts, splitter')).toEqual(['splitter', 'coldStarts']);
    expect(chooseParts(undefined)).toContain('smallFiles');
  });

  it('that do not exist are refused, with those that do', () => {
    expect(() => chooseParts('speed')).toThrow(/no part 'speed'.*small-files/);
  });
});
