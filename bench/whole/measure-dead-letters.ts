/**
 * What dead letters take: `node measure-dead-letters.ts LETTERS [STEP]`. Each step runs in a process of its own, over letters
 * that are made as they are read, so that its memory is the step's own.
 */
import { createHash } from 'node:crypto';
import { peakOf } from '../delivery/cpu-by-part.ts';
import { SyntheticLetters } from '../../test/support/synthetic-letters.ts';
import { DeadIndex } from '../../cli/ui/dead-index.ts';
import { listPage } from '../../cli/ui/dead-page.ts';
import { exportDead } from '../../cli/dlq/export-dead.ts';
import { ReasonTally } from '../../cli/dlq/group-by-reason.ts';
import { listDead } from '../../cli/dlq/list-dead.ts';
import { redriveLetters } from '../../cli/dlq/redrive-letters.ts';
import { feedNamed } from '../../feeds/index.ts';
import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { receipt } from '../../lambdas/core/account/receipt.ts';
import { surveyDead } from '../../lambdas/reconciler/survey-dead.ts';
import { inProcess } from './part.ts';

export interface DeadLettersFigures {
  letters: number;
  steps: StepFigures[];
}

interface StepFigures {
  step: string;
  seconds: number;
  /** CPU-seconds ÷ those of parsing the letters' receipts, which every step has to do. */
  cpuOfParsing: number;
  peakMb: number;
  /** Peak memory ÷ that of a tenth of the letters. */
  peakOfTenth: number;
}

interface Used {
  seconds: number;
  cpuSeconds: number;
  peakMb: number;
}

const feed = 'traffic';

/** So that the peak is what a step needs, and not what it had not collected yet. Too little memory ends the process. */
const smallHeap = ['--max-semi-space-size=4', '--max-old-space-size=120'];

const steps: Record<string, (letters: SyntheticLetters) => Promise<void>> = {
  list: async ({ ports }) => {
    const tally = new ReasonTally();
    for await (const record of listDead({ feed }, ports)) tally.add(record);
    expectCount(tally.count, ports);
  },
  export: async ({ ports }) => {
    let rows = -1;
    for await (const _ of exportDead({ feed }, { ...ports, feedNamed })) rows++;
    expectCount(rows, ports);
  },
  reconciler: async ({ ports }) => expectCount((await surveyDead(feed, { ...ports, feedNamed })).count, ports),
  'control room': async ({ ports }) => {
    const found = await new DeadIndex(systemClock).search({ feed }, ports);
    expectCount(listPage(found, { feed }, 1).matching, ports);
  },
  redrive: async (letters) => {
    const end = await redriveLetters({ feed }, letters.redrivePorts(), new AbortController().signal);
    expectCount(end.counts.resolved, letters.ports);
  },
};

function expectCount(count: number, { count: wanted }: { count: number }): void {
  if (count !== wanted) throw new Error(`${count} of ${wanted} letters were seen.`);
}

/** What no step can do without: the objects' lines, parsed and checked. */
async function parseAll(letters: SyntheticLetters): Promise<void> {
  const hash = createHash('sha256');
  for (const line of letters.lines()) hash.update(receipt.parse(JSON.parse(line)).sha256);
}

async function use(work: () => Promise<void>): Promise<Used> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  const peakMb = peakOf(process.pid) ?? NaN;
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6, peakMb };
}

async function measureAll(count: number): Promise<DeadLettersFigures> {
  const inOwn = (letters: number, step: string) =>
    inProcess<Used>('whole/measure-dead-letters.ts', [String(letters), step], smallHeap);
  const parsed = await inOwn(count, 'parse');
  const measured: StepFigures[] = [];
  for (const step of Object.keys(steps)) {
    const [all, tenth] = [await inOwn(count, step), await inOwn(count / 10, step)];
    const { seconds, cpuSeconds, peakMb } = all;
    const cpuOfParsing = cpuSeconds / parsed.cpuSeconds;
    measured.push({ step, seconds, cpuOfParsing, peakMb, peakOfTenth: peakMb / tenth.peakMb });
  }
  return { letters: count, steps: measured };
}

const [count = '100000', step] = process.argv.slice(2);
const letters = new SyntheticLetters(Number(count));
const work = step === 'parse' ? parseAll : step === undefined ? undefined : steps[step];
console.log(JSON.stringify(work ? await use(() => work(letters)) : await measureAll(Number(count))));
