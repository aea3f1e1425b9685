import { growthOf } from '../memory/measure-all.ts';
import type { BenchFigures, PartName } from './bench-figures.ts';
import { costAtAnotherPace } from './cost-at-another-pace.ts';
import { slowPace } from './paces.ts';

interface Ratio {
  value: number;
  isBetter: 'higher' | 'lower';
  /** The parts it is computed from: its own, and the one of its reference. */
  parts: readonly PartName[];
  /** The variation between two runs on a shared machine, if it is more than usual. */
  noise?: number;
}

/** Figures that are comparable between runs on any machines: shares of a reference in the same run, and counts. */
export type Ratios = Record<string, Ratio>;

/** Of the parts that were run: a ratio is left out if the part of its reference was not. */
export function ratiosOf(figures: BenchFigures): Ratios {
  const ratios: Ratios = {
    ...splitterRatios(figures),
    ...processRatios(figures),
    ...throughputRatios(figures),
    ...manyRatios(figures),
    ...costRatios(figures),
    ...coldStartRatios(figures),
  };
  return Object.fromEntries(Object.entries(ratios).filter(([, { value }]) => !Number.isNaN(value)));
}

function splitterRatios({ splitter }: BenchFigures): Ratios {
  const ratios: Ratios = {};
  for (const { name, pass1OfSha256, pass2OfNewlines } of splitter?.speeds ?? []) {
    ratios[`splitter, ${name}, pass 1 of SHA-256`] = higher(pass1OfSha256, ['splitter']);
    ratios[`splitter, ${name}, pass 2 of newlines`] = higher(pass2OfNewlines, ['splitter']);
  }
  return ratios;
}

/** What is measured in processes of its own, without a local cloud. */
function processRatios({ consumer, peers, finalizer, memory, revisions, deadLetters, waiting }: BenchFigures): Ratios {
  const ratios: Ratios = {};
  if (consumer) ratios['consumer, CPU of bare requests'] = lower(consumer.cpuOfBare, ['consumer']);
  const own = peers?.find(({ peer }) => peer.startsWith('sluice'));
  const plain = plainNodeOf(peers);
  if (own && plain)
    ratios["one process's CPU of plain Node's"] = lower(own.cpuSecondsPer100k / plain.cpuSecondsPer100k, ['peers']);
  const [fewer, more] = finalizer ?? [];
  if (fewer && more)
    ratios['finalizer, memory of four times the records'] = lower(more.peakMb / fewer.peakMb, ['finalizer']);
  for (const [part, growth] of Object.entries(growthOf(memory ?? [])))
    ratios[`${part}, memory of ten times the records`] = lower(growth, ['memory'], 0.1);
  if (revisions)
    ratios['comparing a revision, CPU of delivering it'] = lower(revisions.comparedOfDelivered, ['revisions']);
  for (const { step, cpuOfParsing, peakOfTenth } of deadLetters?.steps ?? []) {
    ratios[`dead letters, ${step}, CPU of parsing them`] = lower(cpuOfParsing, ['deadLetters']);
    ratios[`dead letters, ${step}, memory of a tenth of them`] = lower(peakOfTenth, ['deadLetters']);
  }
  for (const { requestsAMinute: pace, functionsAwake } of waiting ?? [])
    ratios[`functions awake at ${pace} a minute`] = lower(functionsAwake, ['waiting']);
  return ratios;
}

function throughputRatios({ throughput, consumer, peers }: BenchFigures): Ratios {
  const ratios: Ratios = {};
  for (const { records, recordsPerSecond, cpu } of throughput ?? []) {
    const ofBare = (cpu.byFunction['consumer'] ?? NaN) / (consumer?.cpuSecondsPer100k.bare ?? NaN);
    ratios[`consumers' CPU of bare requests', ${records}`] = lower(ofBare, ['throughput', 'consumer'], 0.25);
    const ofPlain = recordsPerSecond / (plainNodeOf(peers)?.recordsPerSecond ?? NaN);
    ratios[`whole system's speed of plain Node's, ${records}`] = higher(ofPlain, ['throughput', 'peers'], 0.25);
    // The fake API's work is the same in every run: it is the reference.
    ratios[`functions' CPU of the API's, ${records}`] = lower(cpu.functions / cpu.api, ['throughput']);
  }
  return ratios;
}

function manyRatios({ manyFiles, throughput }: BenchFigures): Ratios {
  if (!manyFiles) return {};
  const { recordsPerSecond, lastEndOfFair, statusCallsPerFile, reconcilerCallsPerFile } = manyFiles;
  const { lastStartOfFair, lastEndOfFairLarge, firstEndOfFairLarge } = manyFiles;
  const ofOneFile = recordsPerSecond / (throughput?.[0]?.recordsPerSecond ?? NaN);
  return {
    "many files' speed of one file's": higher(ofOneFile, ['manyFiles', 'throughput'], 0.25),
    'many files, the latest end of a fair one': lower(lastEndOfFair, ['manyFiles']),
    'large files, the latest start of a fair one': lower(lastStartOfFair, ['manyFiles']),
    'large files, the latest end of a fair one': lower(lastEndOfFairLarge, ['manyFiles']),
    'large files, the first end of the last': higher(firstEndOfFairLarge / lastEndOfFairLarge, ['manyFiles']),
    'many files, calls of `status` per file': lower(statusCallsPerFile, ['manyFiles']),
    'many files, calls of a reconciliation per file': lower(reconcilerCallsPerFile, ['manyFiles']),
  };
}

function costRatios({ cost, waiting, smallFiles }: BenchFigures): Ratios {
  const ratios: Ratios = {};
  if (cost) ratios['dollars a million records'] = lower(cost.cost.total, ['cost']);
  const atSlowPace = cost && waiting && costAtAnotherPace(cost, waiting, slowPace);
  if (atSlowPace !== undefined)
    ratios[`dollars a million records at ${slowPace} a minute`] = lower(atSlowPace, ['cost', 'waiting']);
  // Kept figures of earlier versions have neither.
  const { costOfAMillion, callsPerFile, filesPerSecond, putsPerSecond } = smallFiles ?? {};
  if (costOfAMillion) ratios['dollars a million small files'] = lower(costOfAMillion.total, ['smallFiles']);
  if (filesPerSecond !== undefined && putsPerSecond !== undefined)
    ratios["small files' speed of dropping them"] = higher(filesPerSecond / putsPerSecond, ['smallFiles'], 0.25);
  if (callsPerFile !== undefined) ratios['calls to AWS per small file'] = lower(callsPerFile, ['smallFiles']);
  return ratios;
}

function coldStartRatios({ coldStarts }: BenchFigures): Ratios {
  const ratios: Ratios = {};
  for (const each of coldStarts ?? []) {
    ratios[`${each.function}, init of Node's start`] = lower(each.initOfNodeStart, ['coldStarts']);
    ratios[`${each.function}, MB`] = lower(each.bundleBytes / 1e6, ['coldStarts']);
  }
  return ratios;
}

const plainNodeOf = (peers: BenchFigures['peers']) => peers?.find(({ peer }) => peer.startsWith('plain'));

const higher = (value: number, parts: readonly PartName[], noise?: number): Ratio =>
  ratio(value, 'higher', parts, noise);
const lower = (value: number, parts: readonly PartName[], noise?: number): Ratio => ratio(value, 'lower', parts, noise);

function ratio(value: number, isBetter: Ratio['isBetter'], parts: readonly PartName[], noise?: number): Ratio {
  return { value, isBetter, parts, ...(noise === undefined ? {} : { noise }) };
}
