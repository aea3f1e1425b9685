import type { ConsumerFigures } from '../consumer/measure-consumer.ts';
import type { Throughput } from '../delivery/measure.ts';
import type { SpeedFigures } from '../measure-speed.ts';
import type { MemoryFigures } from '../memory/measure-part.ts';
import type { PeerFigures } from '../peers/measure-peers.ts';
import type { RevisionFigures } from '../revision/measure-revision.ts';
import type { ColdStartFigures } from './measure-cold-start.ts';
import type { CostFigures } from './measure-cost.ts';
import type { DeadLettersFigures } from './measure-dead-letters.ts';
import type { FinalizerFigures } from './measure-finalizer.ts';
import type { ManyFilesFigures } from './measure-many-files.ts';
import type { SmallFilesFigures } from './measure-small-files.ts';
import type { WaitingFigures } from './measure-waiting.ts';

/** What each part of the benchmark measures. */
export interface PartFigures {
  splitter: { speeds: SpeedFigures[] };
  consumer: ConsumerFigures;
  peers: PeerFigures[];
  coldStarts: ColdStartFigures[];
  /** By the number of batches. */
  finalizer: FinalizerFigures[];
  deadLetters: DeadLettersFigures;
  /** By part and number of records. */
  memory: MemoryFigures[];
  /** By pace. */
  waiting: WaitingFigures[];
  revisions: Omit<RevisionFigures, 'cost'>;
  /** The whole system without a limit, by the file's size. */
  throughput: Throughput[];
  manyFiles: ManyFilesFigures;
  smallFiles: SmallFilesFigures;
  cost: CostFigures;
}

export type PartName = keyof PartFigures;

/** A run of the benchmark, or of some parts of it. */
export type BenchFigures = Partial<PartFigures> & {
  at: string;
  version: string;
  /** The code that was measured; absent in the figures of earlier versions. */
  commit?: string;
  machine: { node: string; cores: number; cpu: string; memoryGb: number };
  /** The parts that failed, and why. */
  failed?: Partial<Record<PartName, string>>;
};
