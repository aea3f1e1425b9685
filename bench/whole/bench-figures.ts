import type { ConsumerFigures } from '../consumer/measure-consumer.ts';
import type { Throughput } from '../delivery/measure.ts';
import type { SpeedFigures } from '../measure-speed.ts';
import type { PeerFigures } from '../peers/measure-peers.ts';
import type { ColdStartFigures } from './measure-cold-start.ts';
import type { CostFigures } from './measure-cost.ts';
import type { FinalizerFigures } from './measure-finalizer.ts';
import type { SmallFilesFigures } from './measure-small-files.ts';
import type { WaitingFigures } from './measure-waiting.ts';

export interface BenchFigures {
  at: string;
  version: string;
  machine: { node: string; cores: number; cpu: string; memoryGb: number };
  splitter: { speeds: SpeedFigures[] };
  consumer: ConsumerFigures;
  peers: PeerFigures[];
  /** The whole system without a limit, by the file's size. */
  throughput: Throughput[];
  smallFiles: SmallFilesFigures;
  cost: CostFigures;
  /** By pace. Absent in the figures of earlier versions. */
  waiting?: WaitingFigures[];
  /** Dollars for a million records at 600 a minute. */
  costOfWaiting?: number | undefined;
  coldStarts: ColdStartFigures[];
  /** By the number of batches. */
  finalizer: FinalizerFigures[];
}
