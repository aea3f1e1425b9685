import type { CostFigures } from '../whole/measure-cost.ts';
import { consumerMemoryFor } from '../../cdk/consumer-memory.ts';
import { listPrices } from '../../cli/check/list-prices.ts';
import { quotas } from './quotas.ts';

export interface Night {
  records: number;
  /** From the first request to the last. */
  hours: number;
  /** They divide the records evenly. */
  files: number;
  bytesARecord: number;
}

/** What a consumer sends without a limit on one core, with room to spare. */
export const recordsPerSecondAConsumer = 500;
const batchRecords = 500;
/** A settlement is a transaction on the batch's item and the file's: twice the units of a plain write. */
const unitsASettlement = 2;
/** Of a save of progress, KiB, and records between two. */
const [unitsASave, recordsASave] = [2, 20];
/** Compressed. */
const bytesAReceipt = 110;

export interface Use {
  of: string;
  used: number;
  allowed: number;
}

export interface WorkedOut {
  night: Night;
  recordsPerSecond: number;
  consumers: number;
  dollars: number;
  /** The nearest to its quota first. */
  uses: Use[];
}

export function consumersFor(recordsPerSecond: number): number {
  return Math.max(2, Math.ceil(recordsPerSecond / recordsPerSecondAConsumer));
}

/**
 * @param limiterCallsASecond reads and writes of the limiter's item, by the simulation
 * @param counted what the requests of a million records cost; Lambda is worked out for the pace
 */
export function workOut(night: Night, limiterCallsASecond: number, counted: CostFigures['cost']): WorkedOut {
  const { records, hours, files, bytesARecord } = night;
  const seconds = hours * 3600;
  const recordsPerSecond = records / seconds;
  const consumers = consumersFor(recordsPerSecond);
  const memoryMb = consumerMemoryFor({ requests: recordsPerSecond * 60, windowSeconds: 60 }, consumers);
  const batchesASecond = recordsPerSecond / batchRecords;
  const recordsAFile = records / files;
  const uses: Use[] = [
    { of: "the limiter's item, writes a second", used: limiterCallsASecond, allowed: quotas.itemWriteUnitsASecond },
    {
      of: "a file's item, write units a second",
      used: (batchesASecond * unitsASettlement) / files,
      allowed: quotas.itemWriteUnitsASecond,
    },
    {
      of: 'the table, write units a second',
      used: (recordsPerSecond / recordsASave) * unitsASave + batchesASecond * 2 * unitsASettlement,
      allowed: quotas.tableWriteUnitsASecond,
    },
    { of: 'functions at once', used: consumers, allowed: quotas.functionsAtOnce },
    { of: 'receipts, PUTs a second', used: batchesASecond, allowed: quotas.putsASecond },
    {
      of: "a file's receipts, bytes in parts",
      used: recordsAFile * bytesAReceipt,
      allowed: quotas.bytesInParts,
    },
    {
      of: 'the first pass over a file by one stream, of the night',
      used: (recordsAFile * bytesARecord) / quotas.bytesASecondOfOneStream,
      allowed: seconds,
    },
  ];
  const lambda = (consumers * seconds * memoryMb * listPrices.gigabyteSecond) / 1024;
  const dollars = ((counted.total - counted.lambda) * records) / 1e6 + lambda;
  return {
    ...{ night, recordsPerSecond, consumers, dollars },
    uses: uses.toSorted((a, b) => b.used / b.allowed - a.used / a.allowed),
  };
}
