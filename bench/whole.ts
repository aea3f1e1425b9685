/** `npm run bench`: every figure there is, or some, beside the ones that were kept, and kept in its turn. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchFigures, PartName } from './whole/bench-figures.ts';
import { baselineOf, describeComparison, regressions } from './whole/compare.ts';
import { keep, keptRuns } from './whole/kept.ts';
import { chooseParts, describeParts, partOptions, parts } from './whole/parts.ts';
import { ratiosOf } from './whole/ratios.ts';

const usage = `npm run bench -- [options]
  --only PARTS  only these parts, separated by commas: ${partOptions.join(', ')}
  --quick       less of everything: ten minutes in place of forty; nothing is kept
  --keep        keep the figures under bench/results/, by date
  --check       exit with 1 if a ratio is worse than in the kept figures, by more than noise; not with --quick
  --json        one JSON document on stdout
A part that fails is reported, and the others are measured; the exit code is 1 then.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(usage);
  if (values.quick && (values.check || values.keep))
    throw new Error('--check and --keep are for whole runs: not with --quick.');
  const wanted = chooseParts(values.only);
  const kept = keptRuns();
  const figures = await measureAll(wanted, values.quick);
  // A quick run's ratios are others: it measures too little.
  const worse = values.quick ? [] : regressions(ratiosOf(figures), baselineOf(kept), new Set(wanted));
  const comparison = values.quick ? [] : describeComparison(worse, kept.at(-1)?.at);
  if (values.json) {
    console.log(JSON.stringify(figures, null, 2));
    for (const line of comparison) say(line);
  } else console.log([...describe(figures), ...comparison].join('\n'));
  for (const [name, why] of Object.entries(figures.failed ?? {})) say(`FAILED  ${name}: ${why}`);
  if (values.keep) say(`kept as ${keep(figures)}`);
  if (figures.failed || (values.check && worse.length > 0)) process.exitCode = 1;
}

async function measureAll(wanted: readonly PartName[], isQuick: boolean): Promise<BenchFigures> {
  const figures: BenchFigures = {
    at: new Date().toISOString(),
    version: versionOf(),
    ...commitOf(),
    machine: machineOf(),
  };
  for (const name of wanted) {
    say(parts[name].title);
    try {
      await measureInto(figures, name, isQuick);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      say(`  failed: ${why}`);
      figures.failed = { ...figures.failed, [name]: why };
    }
  }
  return figures;
}

async function measureInto(figures: BenchFigures, name: PartName, isQuick: boolean): Promise<void> {
  Object.assign(figures, { [name]: await parts[name].measure(isQuick) });
}

function describe(figures: BenchFigures): string[] {
  const { cores, cpu, node } = figures.machine;
  const ratios = Object.entries(ratiosOf(figures));
  return [
    `${cores} × ${cpu}, Node ${node}`,
    '',
    ...describeParts(figures),
    'ratios within this run',
    ...ratios.map(([name, { value }]) => `  ${name.padEnd(52)} ${value.toFixed(2)}`),
    '',
  ];
}

const say = (line: string): void => console.error(line);

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

/** None outside of a repository, or if there are changes that are not committed: no other run has the same code. */
function commitOf(): Pick<BenchFigures, 'commit'> {
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    return git('status', '--porcelain', '--untracked-files=no') === ''
      ? { commit: git('rev-parse', 'HEAD').trim() }
      : {};
  } catch {
    return {};
  }
}

await main();
