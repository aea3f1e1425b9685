import { growthOf } from '../memory/measure-all.ts';
import type { Cost } from './cost-of-a-million.ts';
import { formatPeers } from '../peers/measure-peers.ts';
import type { PartFigures } from './bench-figures.ts';

/** The lines that a run prints about its figures, part by part. */

export const describeSplitter = ({ speeds }: PartFigures['splitter']): string[] => [
  '  as a share of SHA-256 (pass 1) and of a scan for newlines (pass 2)',
  ...speeds.map(
    ({ name, pass1OfSha256: pass1, pass2OfNewlines: pass2 }) =>
      `  ${name.padEnd(22)} ${percent(pass1)}  ${percent(pass2)}`,
  ),
];

export const describeConsumer = ({ cpuSecondsPer100k: cpu, cpuOfBare }: PartFigures['consumer']): string[] => [
  `  CPU-seconds for 100,000 records: unsent ${cpu.unsent.toFixed(1)}, delivered ${cpu.delivered.toFixed(1)}, ` +
    `bare requests ${cpu.bare.toFixed(1)}: ${cpuOfBare.toFixed(2)} times`,
];

export const describePeers = (peers: PartFigures['peers']): string[] => [
  '  the same file and API, each in one process, from its start to its end',
  ...formatPeers(peers),
];

export const describeColdStarts = (coldStarts: PartFigures['coldStarts']): string[] =>
  coldStarts.map(
    (each) =>
      `  ${each.function.padEnd(22)} ${(each.bundleBytes / 1e6).toFixed(2)} MB  ${each.initMs} ms  ${each.initOfNodeStart} × Node's own start`,
  );

export const describeFinalizer = (finalizer: PartFigures['finalizer']): string[] =>
  finalizer.map(
    ({ records, cpuSecondsPer100k, peakMb }) =>
      `  ${count(records)} records: ${cpuSecondsPer100k.toFixed(1)} CPU-s for 100,000, ${peakMb} MB`,
  );

export const describeDeadLetters = ({ letters, steps }: PartFigures['deadLetters']): string[] => [
  `  ${count(letters)} letters of one file, calls to AWS taking no time`,
  ...steps.map(
    ({ step, seconds, peakMb, cpuOfParsing, peakOfTenth }) =>
      `  ${step.padEnd(16)} ${seconds.toFixed(1).padStart(5)} s  ${cpuOfParsing.toFixed(1).padStart(4)} times parsing them` +
      `  ${String(peakMb).padStart(4)} MB, ${peakOfTenth.toFixed(2)} times that of a tenth of them`,
  ),
];

export const describeMemory = (memory: PartFigures['memory']): string[] =>
  Object.entries(growthOf(memory)).map(([part, growth]) => {
    const peaks = memory.filter((each) => each.part === part).map(({ peakMb }) => peakMb);
    return `  ${part.padEnd(24)} ${peaks.join(', ')} MB: × ${growth.toFixed(2)}`;
  });

export const describeWaiting = (waiting: PartFigures['waiting']): string[] =>
  waiting.map(
    (each) =>
      `  at ${count(each.requestsAMinute)} a minute: ${each.functionsAwake.toFixed(2)} functions, ` +
      `${dollars(each.lambdaOfAMillion)} of Lambda a million, ${percent(each.useOfLimit).trim()} of the limit`,
  );

export const describeRevisions = (revisions: PartFigures['revisions']): string[] => [
  `  CPU-seconds for 100,000 records: delivered ${revisions.cpuSecondsPer100k.delivered.toFixed(1)}, ` +
    `compared ${revisions.cpuSecondsPer100k.compared.toFixed(1)}: ${revisions.comparedOfDelivered.toFixed(2)} times`,
];

export const describeThroughput = (throughput: PartFigures['throughput']): string[] =>
  throughput.map(({ records, recordsPerSecond, cpu, peakMemoryMb }) => {
    const used = Object.entries({ ...cpu.byFunction, cloud: cpu.cloud, api: cpu.api })
      .map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`)
      .join(', ');
    const memory = Object.entries(peakMemoryMb)
      .map(([name, mb]) => `${name} ${mb}`)
      .join(', ');
    return `  ${count(records)} records: ${Math.round(recordsPerSecond)}/s; CPU-s per 100,000: ${used}; peak MB: ${memory}`;
  });

export const describeManyFiles = (many: PartFigures['manyFiles']): string[] => [
  `  ${count(many.files)} files of ${count(many.recordsAFile)} records, dropped within ${many.dropSeconds.toFixed(0)} s: ` +
    `${Math.round(many.recordsPerSecond)} records/s, each account exact`,
  `  simulated, ${count(many.simulatedFiles)} files: the latest of all ends at ${many.lastEndOfFair.toFixed(2)} of its fair time; ` +
    `calls per file: ${many.reconcilerCallsPerFile.toFixed(2)} of a reconciliation, ${many.statusCallsPerFile.toFixed(2)} of \`status\``,
  `  simulated, ${count(many.simulatedLargeFiles)} large files: of their fair times, the last one starts at ${many.lastStartOfFair.toFixed(2)}, ` +
    `the first one ends at ${many.firstEndOfFairLarge.toFixed(2)}, the last one at ${many.lastEndOfFairLarge.toFixed(2)}`,
];

export const describeSmallFiles = (figures: PartFigures['smallFiles']): string[] => {
  const { files, filesPerSecond, putsPerSecond, together = 10, costOfAMillion: cost } = figures;
  const puts = putsPerSecond === undefined ? '' : `; only dropped: ${putsPerSecond}/s`;
  const costs = cost ? [`  a million files, ${together} to a bundle: ${dollars(cost.total)}`, services(cost)] : [];
  return [`  ${count(files)} files of one record: ${filesPerSecond}/s${puts}`, ...costs];
};

export const describeCost = ({ requestsAMinute, cost }: PartFigures['cost']): string[] => [
  `  a million records at ${count(requestsAMinute)} a minute, 1% dead letters: ${dollars(cost.total)}`,
  services(cost),
];

const services = (cost: Cost): string =>
  `  S3 ${dollars(cost.s3)}, DynamoDB ${dollars(cost.dynamodb)}, SQS ${dollars(cost.sqs)}, ` +
  `Lambda ${dollars(cost.lambda)}, other ${dollars(cost.other)}`;

const percent = (share: number): string => `${(share * 100).toFixed(0)}%`.padStart(5);
const dollars = (value: number): string => `$${value.toFixed(3)}`;
const count = (value: number): string => value.toLocaleString('en-US');
