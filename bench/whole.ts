/** `npm run bench`: every figure there is, beside the ones that were kept, and kept in its turn. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { BenchFigures } from './whole/bench-figures.ts';
import type { ConsumerFigures } from './consumer/measure-consumer.ts';
import { formatPeers, measurePeers } from './peers/measure-peers.ts';
import { BenchCloud } from './delivery/bench-cloud.ts';
import type { Throughput } from './delivery/measure.ts';
import { measureThroughput } from './delivery/measure.ts';
import { keep, newestKept } from './whole/kept.ts';
import { measureColdStarts } from './whole/measure-cold-start.ts';
import { costAtAnotherPace } from './whole/cost-at-another-pace.ts';
import { measureCost } from './whole/measure-cost.ts';
import { measureSmallFiles } from './whole/measure-small-files.ts';
import type { WaitingFigures } from './whole/measure-waiting.ts';
import type { FinalizerFigures } from './whole/measure-finalizer.ts';
import { describeComparison, ratiosOf, regressions } from './whole/ratios.ts';

const usage = `npm run bench -- [options]
  --quick   small files and few of them: five minutes in place of half an hour; nothing is kept
  --keep    keep the figures under bench/results/, by date
  --check   exit with 1 if a ratio is worse than in the newest kept figures, by more than noise; not with --quick
  --json    one JSON document on stdout`;

const run = promisify(execFile);

/** Requests a minute: what a million records cost is counted at one pace, and worked out for a slower one. */
const [countedPace, slowPace] = [6_000, 600];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(usage);
  if (values.check && values.quick) throw new Error('--check compares with whole runs: not with --quick.');
  const say = (line: string): void => console.error(line);
  const { quick } = values;
  say('the splitter');
  const splitter = await inProcess<BenchFigures['splitter']>('splitter.ts', [
    ...['--json', '--no-memory', '--mb', quick ? '32' : '128', '--rounds', quick ? '2' : '5'],
  ]);
  say('a consumer');
  const consumer = await inProcess<ConsumerFigures>(
    'consumer/measure-consumer.ts',
    quick ? ['10000', '1'] : ['40000', '3'],
  );
  say('what would be taken instead');
  const peers = await measurePeers(quick ? 10_000 : 100_000, quick ? 1 : 3);
  say('cold starts');
  const coldStarts = await measureColdStarts();
  say('the finalizer');
  const finalizer: FinalizerFigures[] = [];
  for (const batches of quick ? [100, 400] : [2_000, 8_000])
    finalizer.push(await inProcess<FinalizerFigures>('whole/measure-finalizer.ts', [String(batches)]));
  say('waiting for a slow API');
  const waiting: WaitingFigures[] = [];
  for (const pace of [slowPace, countedPace])
    waiting.push(await inProcess<WaitingFigures>('whole/measure-waiting.ts', [quick ? '8000' : '40000', String(pace)]));
  say('the whole system, as fast as it goes');
  const throughput: Throughput[] = [];
  const cloud = await BenchCloud.start();
  try {
    for (const records of quick ? [20_000] : [100_000, 1_000_000])
      throughput.push(await measureThroughput(cloud, records));
  } finally {
    await cloud.stop();
  }
  say('small files');
  const smallFiles = await measureSmallFiles(quick ? 500 : 10_000);
  say('requests, counted, and what they cost');
  const cost = await measureCost(quick ? 3_000 : 40_000, countedPace);
  const costOfWaiting = costAtAnotherPace(cost, waiting, slowPace);
  const figures: BenchFigures = {
    ...{ at: new Date().toISOString(), version: versionOf(), machine: machineOf() },
    ...{ splitter, consumer, peers, throughput, smallFiles, cost, waiting, costOfWaiting, coldStarts, finalizer },
  };
  const before = newestKept();
  const worse = before ? regressions(ratiosOf(figures), ratiosOf(before)) : [];
  const comparison = describeComparison(worse, before?.at);
  if (values.json) {
    console.log(JSON.stringify(figures, null, 2));
    for (const line of comparison) say(line);
  } else console.log([describe(figures), '', ...comparison].join('\n'));
  if (values.keep) say(`kept as ${keep(figures)}`);
  if (values.check && worse.length > 0) process.exitCode = 1;
}

async function inProcess<Figures>(file: string, parameters: string[]): Promise<Figures> {
  const path = join(import.meta.dirname, file);
  const { stdout } = await run(process.execPath, [...process.execArgv, '--expose-gc', path, ...parameters], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Figures;
}

function describe(figures: BenchFigures): string {
  const { consumer, peers, throughput, smallFiles, cost, waiting, coldStarts, finalizer } = figures;
  const dollars = (value: number): string => `$${value.toFixed(3)}`;
  const lines = [
    `${figures.machine.cores} × ${figures.machine.cpu}, Node ${figures.machine.node}`,
    '',
    'the splitter, as a share of SHA-256 (pass 1) and of a scan for newlines (pass 2)',
    ...figures.splitter.speeds.map(
      ({ name, pass1OfSha256: pass1, pass2OfNewlines: pass2 }) =>
        `  ${name.padEnd(22)} ${percent(pass1)}  ${percent(pass2)}`,
    ),
    '',
    'a consumer, CPU-seconds for 100,000 records',
    `  unsent ${consumer.cpuSecondsPer100k.unsent.toFixed(1)}, delivered ${consumer.cpuSecondsPer100k.delivered.toFixed(1)}, ` +
      `bare requests ${consumer.cpuSecondsPer100k.bare.toFixed(1)}: ${consumer.cpuOfBare.toFixed(2)} times`,
    '',
    'the same file and API, each in one process, from its start to its end',
    ...formatPeers(peers),
    '',
    'the finalizer by itself',
    ...finalizer.map(
      ({ records, cpuSecondsPer100k, peakMb }) =>
        `  ${records.toLocaleString('en-US')} records: ${cpuSecondsPer100k.toFixed(1)} CPU-s for 100,000, ${peakMb} MB`,
    ),
    '',
    'the whole system without a limit',
    ...throughput.map(({ records, recordsPerSecond, cpu, peakMemoryMb }) => {
      const parts = Object.entries({ ...cpu.byFunction, cloud: cpu.cloud, api: cpu.api });
      const used = parts.map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`).join(', ');
      const memory = Object.entries(peakMemoryMb)
        .map(([name, mb]) => `${name} ${mb}`)
        .join(', ');
      return `  ${records.toLocaleString('en-US')} records: ${Math.round(recordsPerSecond)}/s; CPU-s per 100,000: ${used}; peak MB: ${memory}`;
    }),
    `  ${smallFiles.files.toLocaleString('en-US')} files of one record: ${smallFiles.filesPerSecond}/s`,
    '',
    `a million records at ${cost.requestsAMinute.toLocaleString('en-US')} a minute, 1% dead letters: ${dollars(cost.cost.total)}`,
    `  S3 ${dollars(cost.cost.s3)}, DynamoDB ${dollars(cost.cost.dynamodb)}, SQS ${dollars(cost.cost.sqs)}, ` +
      `Lambda ${dollars(cost.cost.lambda)}, other ${dollars(cost.cost.other)}`,
    `  the same at ${slowPace} a minute: ${dollars(figures.costOfWaiting ?? NaN)}`,
    ...(waiting ?? []).map(
      (each) =>
        `waiting at ${each.requestsAMinute} a minute: ${each.functionsAwake.toFixed(2)} functions, ` +
        `${dollars(each.lambdaOfAMillion)} of Lambda a million, ${percent(each.useOfLimit).trim()} of the limit`,
    ),
    '',
    'cold starts',
    ...coldStarts.map(
      (each) =>
        `  ${each.function.padEnd(22)} ${(each.bundleBytes / 1e6).toFixed(2)} MB  ${each.initMs} ms  ${each.initOfNodeStart} × Node's own start`,
    ),
    '',
    'ratios within this run',
    ...Object.entries(ratiosOf(figures)).map(([name, { value }]) => `  ${name.padEnd(52)} ${value.toFixed(2)}`),
  ];
  return lines.join('\n');
}

const percent = (share: number): string => `${(share * 100).toFixed(0)}%`.padStart(5);

const machineOf = (): BenchFigures['machine'] => ({
  node: process.version,
  cores: cpus().length,
  cpu: cpus()[0]?.model ?? '',
  memoryGb: Math.round(totalmem() / 1e9),
});

function versionOf(): string {
  const text = readFileSync(resolve(import.meta.dirname, '../package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

await main();
