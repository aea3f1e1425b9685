import type { ConsumerFigures } from '../consumer/measure-consumer.ts';
import { BenchCloud } from '../delivery/bench-cloud.ts';
import type { Throughput } from '../delivery/measure.ts';
import { measureThroughput } from '../delivery/measure.ts';
import { measureMemory } from '../memory/measure-all.ts';
import { measurePeers } from '../peers/measure-peers.ts';
import type { PartFigures, PartName } from './bench-figures.ts';
import * as text from './describe-figures.ts';
import { measureColdStarts } from './measure-cold-start.ts';
import { measureCost } from './measure-cost.ts';
import type { DeadLettersFigures } from './measure-dead-letters.ts';
import type { FinalizerFigures } from './measure-finalizer.ts';
import { measureManyFiles } from './measure-many-files.ts';
import { measureSmallFiles } from './measure-small-files.ts';
import type { WaitingFigures } from './measure-waiting.ts';
import { countedPace, slowPace } from './paces.ts';
import type { Part } from './part.ts';
import { inProcess } from './part.ts';

/** Every part, in the order in which they run: first those that need no local cloud. */
export const parts: { readonly [Name in PartName]: Part<PartFigures[Name]> } = {
  splitter: {
    title: 'the splitter',
    measure: (isQuick) =>
      inProcess('splitter.ts', [...['--json', '--mb', isQuick ? '32' : '128', '--rounds', isQuick ? '2' : '5']]),
    describe: text.describeSplitter,
  },
  consumer: {
    title: 'a consumer',
    measure: (isQuick) =>
      inProcess<ConsumerFigures>('consumer/measure-consumer.ts', isQuick ? ['10000', '1'] : ['40000', '3']),
    describe: text.describeConsumer,
  },
  peers: {
    title: 'what would be taken instead',
    measure: (isQuick) => measurePeers(isQuick ? 10_000 : 100_000, isQuick ? 1 : 3),
    describe: text.describePeers,
  },
  coldStarts: { title: 'cold starts', measure: () => measureColdStarts(), describe: text.describeColdStarts },
  finalizer: {
    title: 'the finalizer',
    measure: async (isQuick) => {
      const figures: FinalizerFigures[] = [];
      for (const batches of isQuick ? [100, 400] : [2_000, 8_000])
        figures.push(await inProcess('whole/measure-finalizer.ts', [String(batches)]));
      return figures;
    },
    describe: text.describeFinalizer,
  },
  deadLetters: {
    title: 'dead letters: listing, exporting, surveying, redriving them all',
    measure: (isQuick) =>
      inProcess<DeadLettersFigures>('whole/measure-dead-letters.ts', [isQuick ? '10000' : '100000']),
    describe: text.describeDeadLetters,
  },
  memory: {
    title: 'the memory of each part',
    measure: (isQuick) => measureMemory(isQuick ? [100_000, 200_000] : [100_000, 1_000_000]),
    describe: text.describeMemory,
  },
  waiting: {
    title: 'waiting for a slow API',
    measure: async (isQuick) => {
      const figures: WaitingFigures[] = [];
      for (const pace of [slowPace, countedPace])
        figures.push(await inProcess('whole/measure-waiting.ts', [isQuick ? '8000' : '40000', String(pace)]));
      return figures;
    },
    describe: text.describeWaiting,
  },
  revisions: {
    title: 'comparing a revision',
    measure: (isQuick) =>
      inProcess('revision/measure-revision.ts', [
        ...['--records', isQuick ? '5000' : '30000', '--rounds', isQuick ? '1' : '3', '--large=', '--counted', '0'],
      ]),
    describe: text.describeRevisions,
  },
  throughput: {
    title: 'the whole system, as fast as it goes',
    measure: async (isQuick) => {
      const figures: Throughput[] = [];
      const cloud = await BenchCloud.start();
      try {
        for (const records of isQuick ? [20_000] : [100_000, 1_000_000])
          figures.push(await measureThroughput(cloud, records));
      } finally {
        await cloud.stop();
      }
      return figures;
    },
    describe: text.describeThroughput,
  },
  manyFiles: {
    title: 'many files at once',
    measure: (isQuick) =>
      measureManyFiles(
        isQuick ? { files: 20, simulated: 100, large: 10 } : { files: 1_000, simulated: 1_000, large: 100 },
      ),
    describe: text.describeManyFiles,
  },
  smallFiles: {
    title: 'small files',
    measure: (isQuick) => measureSmallFiles(isQuick ? 500 : 5_000),
    describe: text.describeSmallFiles,
  },
  cost: {
    title: 'requests, counted, and what they cost',
    measure: (isQuick) => measureCost(isQuick ? 3_000 : 40_000, countedPace),
    describe: text.describeCost,
  },
};

/** A part's name on the command line: `coldStarts` is `cold-starts` there. */
const optionOf = (name: PartName): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const names = Object.keys(parts) as PartName[];

export const partOptions: readonly string[] = names.map(optionOf);

/**
 * @param only as given on the command line, separated by commas; undefined: all
 * @throws Error naming the parts there are
 */
export function chooseParts(only: string | undefined): PartName[] {
  if (only === undefined) return names;
  const wanted = only.split(',').map((each) => each.trim());
  const unknown = wanted.find((each) => !partOptions.includes(each));
  if (unknown !== undefined) throw new Error(`There is no part '${unknown}'. Parts: ${partOptions.join(', ')}.`);
  return names.filter((name) => wanted.includes(optionOf(name)));
}

/** @returns the lines about the parts that were measured, each under its title */
export function describeParts(figures: Partial<PartFigures>): string[] {
  return names.flatMap((name) => describePart(name, figures[name]));
}

function describePart<Name extends PartName>(name: Name, measured: PartFigures[Name] | undefined): string[] {
  return measured === undefined ? [] : [parts[name].title, ...parts[name].describe(measured), ''];
}
