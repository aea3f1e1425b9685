import type { BenchFigures } from './bench-figures.ts';

interface Ratio {
  value: number;
  isBetter: 'higher' | 'lower';
  /** The variation between two runs on a shared machine, if it is more than usual. */
  noise?: number;
}

/** Figures that are comparable between runs on any machines: shares of a reference in the same run, and counts. */
export type Ratios = Record<string, Ratio>;

export function ratiosOf(figures: BenchFigures): Ratios {
  const { splitter, consumer, peers, throughput, smallFiles, cost, coldStarts, finalizer } = figures;
  const ratios: Ratios = {};
  for (const { name, pass1OfSha256, pass2OfNewlines } of splitter.speeds) {
    ratios[`splitter, ${name}, pass 1 of SHA-256`] = { value: pass1OfSha256, isBetter: 'higher' };
    ratios[`splitter, ${name}, pass 2 of newlines`] = { value: pass2OfNewlines, isBetter: 'higher' };
  }
  ratios['consumer, CPU of bare requests'] = { value: consumer.cpuOfBare, isBetter: 'lower' };
  const [own, plain] = ['sluice', 'plain Node'].map((name) => peers.find(({ peer }) => peer.startsWith(name)));
  const ofPlainNode = (own?.cpuSecondsPer100k ?? NaN) / (plain?.cpuSecondsPer100k ?? NaN);
  ratios["one process's CPU of plain Node's"] = { value: ofPlainNode, isBetter: 'lower' };
  for (const { records, recordsPerSecond, cpu } of throughput) {
    ratios[`consumers' CPU of bare requests', ${records}`] = {
      value: (cpu.byFunction['consumer'] ?? NaN) / consumer.cpuSecondsPer100k.bare,
      isBetter: 'lower',
      noise: 0.25,
    };
    ratios[`whole system's speed of plain Node's, ${records}`] = {
      value: recordsPerSecond / (plain?.recordsPerSecond ?? NaN),
      isBetter: 'higher',
      noise: 0.25,
    };
    // The fake API's work is the same in every run: it is the reference.
    ratios[`functions' CPU of the API's, ${records}`] = { value: cpu.functions / cpu.api, isBetter: 'lower' };
  }
  const [fewer, more] = finalizer;
  if (fewer && more)
    ratios['finalizer, memory of four times the records'] = { value: more.peakMb / fewer.peakMb, isBetter: 'lower' };
  ratios['dollars a million records'] = { value: cost.cost.total, isBetter: 'lower' };
  for (const { requestsAMinute: pace, functionsAwake: value } of figures.waiting ?? [])
    ratios[`functions awake at ${pace} a minute`] = { value, isBetter: 'lower' };
  const { costOfWaiting } = figures;
  if (costOfWaiting !== undefined)
    ratios['dollars a million records at 600 a minute'] = { value: costOfWaiting, isBetter: 'lower' };
  // Kept figures of before have neither.
  const { costOfAMillion, callsPerFile } = smallFiles;
  if (costOfAMillion) ratios['dollars a million small files'] = { value: costOfAMillion.total, isBetter: 'lower' };
  if (callsPerFile !== undefined) ratios['calls to AWS per small file'] = { value: callsPerFile, isBetter: 'lower' };
  for (const each of coldStarts) {
    ratios[`${each.function}, init of Node's start`] = { value: each.initOfNodeStart, isBetter: 'lower' };
    ratios[`${each.function}, MB`] = { value: each.bundleBytes / 1e6, isBetter: 'lower' };
  }
  return ratios;
}

/** A larger increase is a regression; a smaller one is the variation of a shared machine. */
const usualNoise = 0.15;

/** A line for each ratio that is worse by more than noise. A ratio that is missing now, and was there before, is worse. */
export function regressions(now: Ratios, before: Ratios): string[] {
  const worse: string[] = [];
  for (const [name, { value: old, isBetter, noise = usualNoise }] of Object.entries(before)) {
    if (!(old > 0)) continue;
    const value = now[name]?.value ?? NaN;
    const change = isBetter === 'higher' ? old / value - 1 : value / old - 1;
    if (!(change <= noise)) worse.push(`${name}: ${value.toFixed(2)}, was ${old.toFixed(2)}`);
  }
  return worse;
}

export function describeComparison(worse: readonly string[], at: string | undefined): string[] {
  if (at === undefined) return ['nothing was kept to compare with'];
  if (worse.length === 0) return [`nothing is worse than on ${at}`];
  return [`worse than on ${at}:`, ...worse.map((line) => `  WORSE  ${line}`)];
}
