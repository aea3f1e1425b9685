import type { BenchFigures } from './bench-figures.ts';

/** Figures that are comparable between runs on any machines: shares of a reference in the same run, and counts. */
export type Ratios = Record<string, { value: number; isBetter: 'higher' | 'lower' }>;

export function ratiosOf({ splitter, consumer, peers, throughput, cost, coldStarts, finalizer }: BenchFigures): Ratios {
  const ratios: Ratios = {};
  for (const { name, pass1OfSha256, pass2OfNewlines } of splitter.speeds) {
    ratios[`splitter, ${name}, pass 1 of SHA-256`] = { value: pass1OfSha256, isBetter: 'higher' };
    ratios[`splitter, ${name}, pass 2 of newlines`] = { value: pass2OfNewlines, isBetter: 'higher' };
  }
  ratios['consumer, CPU of bare requests'] = { value: consumer.cpuOfBare, isBetter: 'lower' };
  const [own, plain] = ['sluice', 'plain Node'].map((name) => peers.find(({ peer }) => peer.startsWith(name)));
  const ofPlainNode = (own?.cpuSecondsPer100k ?? NaN) / (plain?.cpuSecondsPer100k ?? NaN);
  ratios["one process's CPU of plain Node's"] = { value: ofPlainNode, isBetter: 'lower' };
  for (const { records, cpu } of throughput) {
    // The fake API's work is the same in every run: it is the reference.
    ratios[`functions' CPU of the API's, ${records}`] = { value: cpu.functions / cpu.api, isBetter: 'lower' };
  }
  const [fewer, more] = finalizer;
  if (fewer && more)
    ratios['finalizer, memory of four times the records'] = { value: more.peakMb / fewer.peakMb, isBetter: 'lower' };
  ratios['dollars a million records'] = { value: cost.cost.total, isBetter: 'lower' };
  for (const each of coldStarts) {
    ratios[`${each.function}, init of Node's start`] = { value: each.initOfNodeStart, isBetter: 'lower' };
    ratios[`${each.function}, MB`] = { value: each.bundleBytes / 1e6, isBetter: 'lower' };
  }
  return ratios;
}

/** A larger increase is a regression; a smaller one is the variation of a shared machine. */
const tolerated = 0.15;

export function compareRatios(now: Ratios, before: Ratios | undefined, at: string | undefined): string[] {
  if (!before) return ['nothing was kept to compare with'];
  const worse: string[] = [];
  for (const [name, { value, isBetter }] of Object.entries(now)) {
    const old = before[name]?.value;
    if (old === undefined || old === 0) continue;
    const change = isBetter === 'higher' ? old / value - 1 : value / old - 1;
    if (change > tolerated) worse.push(`  WORSE  ${name}: ${value.toFixed(2)}, was ${old.toFixed(2)}`);
  }
  return worse.length === 0 ? [`nothing is worse than on ${at}`] : [`worse than on ${at}:`, ...worse];
}
